-- Version 4: whose codes answer, and those of the next release until they are all there.
CREATE TABLE serving (release VARCHAR NOT NULL);             -- one row, or none while the workspace is empty
INSERT INTO serving
    SELECT c.release FROM codes c JOIN releases r ON r.name = c.release
    GROUP BY c.release ORDER BY count(*) DESC, max(r.first_used) DESC LIMIT 1;

CREATE TABLE encoders (                                      -- what decides a release's embeddings of one modality
    digest VARCHAR NOT NULL, modality VARCHAR NOT NULL, encoder VARCHAR NOT NULL, PRIMARY KEY (digest, modality));

CREATE TABLE staged (
    study_id VARCHAR NOT NULL, digest VARCHAR NOT NULL,      -- of the release that is to come
    vector FLOAT[256] NOT NULL, step FLOAT NOT NULL, bytes BLOB NOT NULL,
    w0 UBIGINT NOT NULL, w1 UBIGINT NOT NULL, w2 UBIGINT NOT NULL, w3 UBIGINT NOT NULL);
