-- Version 10: what near means in this collection, counted on its own studies; one row per release.
CREATE TABLE calibrations (
    digest VARCHAR PRIMARY KEY,     -- of the release whose codes were compared
    stamp VARCHAR NOT NULL,         -- what was in the workspace: another stamp means that it is to be counted again
    content VARCHAR NOT NULL,       -- JSON of engine.learning.collection_calibration
    counted_at TIMESTAMP NOT NULL
);
