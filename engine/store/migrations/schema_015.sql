-- Version 15: who made a quiz or a collection and who sees it; limits of time, dates, regions and words of answers.
ALTER TABLE collections ADD COLUMN visibility VARCHAR DEFAULT 'everybody';
ALTER TABLE quizzes ADD COLUMN visibility VARCHAR DEFAULT 'everybody';
ALTER TABLE quizzes ADD COLUMN due_at TIMESTAMP;                         -- homework: later answers are marked
ALTER TABLE quizzes ADD COLUMN closed_at TIMESTAMP;                      -- no answers from then on
ALTER TABLE quizzes ADD COLUMN question_s INTEGER DEFAULT 0;             -- seconds for each question; 0 for no limit
ALTER TABLE quizzes ADD COLUMN quiz_s INTEGER DEFAULT 0;                 -- seconds for all of them
ALTER TABLE quiz_questions ADD COLUMN region DOUBLE[];                   -- left, top, right, bottom as shares of a film
ALTER TABLE quiz_questions ADD COLUMN discussion VARCHAR DEFAULT '';     -- shown once the question was answered
ALTER TABLE quiz_runs ADD COLUMN session VARCHAR DEFAULT '';             -- the browser in which it began
ALTER TABLE recalls ADD COLUMN session VARCHAR DEFAULT '';
ALTER TABLE quiz_answers ADD COLUMN region DOUBLE[];                     -- what the learner drew

CREATE TABLE teaching_keys (                                 -- a maker's link; the latest row of a subject counts
    subject_id VARCHAR NOT NULL, key_hash VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL);

CREATE TABLE teaching_rights (                               -- which browser made a quiz or collection, or opened a quiz
    subject_id VARCHAR NOT NULL, session VARCHAR NOT NULL, right_to VARCHAR NOT NULL,     -- 'make' or 'learn'
    since TIMESTAMP NOT NULL);

CREATE TABLE question_openings (                             -- when a learner first saw a question: its time runs
    run_id VARCHAR NOT NULL, place INTEGER NOT NULL, opened_at TIMESTAMP NOT NULL, PRIMARY KEY (run_id, place));

CREATE TABLE accepted_answers (                              -- words that a maker takes for right as well
    quiz_id VARCHAR NOT NULL, number INTEGER NOT NULL, words VARCHAR NOT NULL, accepted_at TIMESTAMP NOT NULL,
    withdrawn_at TIMESTAMP);
