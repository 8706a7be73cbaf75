-- Version 3: embeddings in 8 bits, a quarter of the bytes to read when neighbours are re-ranked; the float ones stay the
-- record, because codes are made from them when only the hash layer changes.
CREATE TABLE small_embeddings (
    ordinal BIGINT NOT NULL,             -- of its study
    release VARCHAR NOT NULL,
    step FLOAT NOT NULL,                 -- a component is step times its signed byte
    bytes BLOB NOT NULL);                -- 256 signed bytes

INSERT INTO small_embeddings
    SELECT ordinal, release, step,
        unhex(array_to_string(list_transform(vector::FLOAT[],
            lambda x: printf('%02x', round(x / step)::INTEGER & 255)), ''))
    FROM (
        SELECT s.ordinal, e.release, e.vector,
            greatest(list_max(list_transform(e.vector::FLOAT[], lambda x: abs(x))), 1e-12)::FLOAT / 127 AS step
        FROM embeddings e JOIN studies s USING (study_id));
