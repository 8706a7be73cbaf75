-- Version 13: what relevant means, who reads what by when, and who decides where raters differ.
CREATE TABLE guidelines (                                    -- history: every version stays; version 0 is the shipped text
    version INTEGER NOT NULL, words VARCHAR NOT NULL, who VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL);
ALTER TABLE ratings ADD COLUMN guideline INTEGER;            -- version in force; none where it was not noted

CREATE TABLE known_pairs (                                   -- pairs with the mark that the department agreed on
    pair_id VARCHAR NOT NULL, query_id VARCHAR NOT NULL, study_id VARCHAR NOT NULL, mark VARCHAR NOT NULL,
    note VARCHAR NOT NULL, purpose VARCHAR NOT NULL,         -- 'example': shown; 'check': for the check of new raters
    who VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL, removed_at TIMESTAMP);

CREATE TABLE check_pairs (                                   -- readings that are compared and are no ratings
    run_id VARCHAR NOT NULL, who VARCHAR NOT NULL, kind VARCHAR NOT NULL, place INTEGER NOT NULL,
    query_id VARCHAR NOT NULL, study_id VARCHAR NOT NULL,
    expected VARCHAR NOT NULL, note VARCHAR NOT NULL,        -- the agreed mark, or the reader's own earlier one
    began_at TIMESTAMP NOT NULL, given VARCHAR, guideline INTEGER, answered_at TIMESTAMP);

CREATE TABLE shared_queries (                                -- raters other than the one who asked may be shown these
    query_id VARCHAR NOT NULL, who VARCHAR NOT NULL, shared_at TIMESTAMP NOT NULL, ended_at TIMESTAMP);

CREATE TABLE assignments (                                   -- one row per reader; the pairs are those of the queue
    assignment_id VARCHAR NOT NULL, queue_id VARCHAR NOT NULL, who VARCHAR NOT NULL, assigned_by VARCHAR NOT NULL,
    due DATE, note VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL, ended_at TIMESTAMP);

CREATE TABLE adjudications (                                 -- beside the ratings, which stay as they were given
    adjudication_id VARCHAR NOT NULL, query_id VARCHAR NOT NULL, study_id VARCHAR NOT NULL, mark VARCHAR NOT NULL,
    note VARCHAR NOT NULL, guideline INTEGER NOT NULL, who VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL,
    undone_at TIMESTAMP);
