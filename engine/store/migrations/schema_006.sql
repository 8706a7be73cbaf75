-- Version 6: a rating says why it was given, what the rater looked for, which queue offered the pair, and which site it
-- comes from. `uid` is the same wherever the rating goes, so that no import doubles it.
ALTER TABLE ratings ADD COLUMN why VARCHAR[] DEFAULT [];             -- tags, of WHYS
ALTER TABLE ratings ADD COLUMN comment VARCHAR DEFAULT '';
ALTER TABLE ratings ADD COLUMN finding VARCHAR DEFAULT '';           -- a name of the vocabulary
ALTER TABLE ratings ADD COLUMN strategy VARCHAR DEFAULT '';          -- the queue that offered the pair; '' from a search
ALTER TABLE ratings ADD COLUMN random_share BOOLEAN DEFAULT false;   -- offered at random
ALTER TABLE ratings ADD COLUMN uid VARCHAR DEFAULT '';
ALTER TABLE ratings ADD COLUMN source VARCHAR DEFAULT '';            -- '' given here, else the site it was imported from
UPDATE ratings SET uid = replace(uuid()::VARCHAR, '-', '');

-- Imported ratings of pairs that are not in this workspace, with the embeddings that a round learns from.
CREATE TABLE pooled_ratings (
    uid VARCHAR NOT NULL, source VARCHAR NOT NULL, who VARCHAR NOT NULL, query_id VARCHAR NOT NULL,
    query_modality VARCHAR NOT NULL, query_labels VARCHAR[] NOT NULL, study_id VARCHAR NOT NULL,
    modality VARCHAR NOT NULL, labels VARCHAR[] NOT NULL, mark VARCHAR NOT NULL, why VARCHAR[] NOT NULL,
    comment VARCHAR NOT NULL, finding VARCHAR NOT NULL, strategy VARCHAR NOT NULL, random_share BOOLEAN NOT NULL,
    release VARCHAR NOT NULL, bits INTEGER NOT NULL, operating_point VARCHAR, hamming INTEGER,
    created_at TIMESTAMP NOT NULL, imported_at TIMESTAMP NOT NULL,
    query_encoder VARCHAR NOT NULL, encoder VARCHAR NOT NULL,        -- digests of what made the embeddings
    query_synthetic BOOLEAN NOT NULL, synthetic BOOLEAN NOT NULL,
    query_vector FLOAT[256] NOT NULL, vector FLOAT[256] NOT NULL);

-- What was offered for rating, so that a refresh or a restart goes on with the same pairs. Nothing is changed here.
CREATE TABLE review_queues (
    queue_id VARCHAR NOT NULL, who VARCHAR NOT NULL, strategy VARCHAR NOT NULL, asked INTEGER NOT NULL,
    seed BIGINT NOT NULL, release VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL);

CREATE TABLE review_pairs (
    queue_id VARCHAR NOT NULL, place INTEGER NOT NULL, query_id VARCHAR NOT NULL, study_id VARCHAR NOT NULL,
    score DOUBLE, random_share BOOLEAN NOT NULL);                    -- a score is none where the pair is at random
