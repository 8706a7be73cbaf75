-- Version 5: collections of cases, quizzes built from them, what learners answered, and when a case comes back.
-- Nothing is deleted here: a slip is undone by clearing deleted_at or removed_at.
CREATE SEQUENCE place_number START 1;

CREATE TABLE collections (
    collection_id VARCHAR NOT NULL, title VARCHAR NOT NULL, description VARCHAR NOT NULL, who VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL, deleted_at TIMESTAMP);

CREATE TABLE collection_cases (
    collection_id VARCHAR NOT NULL, study_id VARCHAR NOT NULL,
    place BIGINT NOT NULL,                                   -- cases are in the order of their places
    note VARCHAR NOT NULL, query_id VARCHAR,                 -- the query beside which it was found
    added_at TIMESTAMP NOT NULL, removed_at TIMESTAMP);

CREATE TABLE quizzes (
    quiz_id VARCHAR NOT NULL, title VARCHAR NOT NULL, asks VARCHAR NOT NULL,    -- 'one' label or 'all' labels
    question_order VARCHAR NOT NULL, seed BIGINT NOT NULL, source VARCHAR NOT NULL, who VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL, deleted_at TIMESTAMP);

CREATE TABLE quiz_questions (
    quiz_id VARCHAR NOT NULL, number INTEGER NOT NULL, study_id VARCHAR NOT NULL, modality VARCHAR NOT NULL,
    options VARCHAR[] NOT NULL, labelled VARCHAR[] NOT NULL, note VARCHAR NOT NULL, PRIMARY KEY (quiz_id, number));

CREATE TABLE quiz_runs (
    run_id VARCHAR NOT NULL, quiz_id VARCHAR,                -- none for a practice run of due cases
    alias VARCHAR NOT NULL, attempt INTEGER NOT NULL, seed BIGINT NOT NULL, question_order VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL);

CREATE TABLE run_questions (
    run_id VARCHAR NOT NULL, place INTEGER NOT NULL, quiz_id VARCHAR NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (run_id, place));

CREATE TABLE quiz_answers (                                  -- written once, never changed
    run_id VARCHAR NOT NULL, place INTEGER NOT NULL, chosen VARCHAR[] NOT NULL, is_right BOOLEAN NOT NULL,
    answered_at TIMESTAMP NOT NULL, PRIMARY KEY (run_id, place));

CREATE TABLE recalls (                                       -- history: the latest row per learner and case counts
    number BIGINT NOT NULL, alias VARCHAR NOT NULL, study_id VARCHAR NOT NULL,
    quiz_id VARCHAR NOT NULL, question INTEGER NOT NULL,     -- what was asked about the case
    card JSON NOT NULL, due TIMESTAMP NOT NULL, reviewed_at TIMESTAMP NOT NULL);
