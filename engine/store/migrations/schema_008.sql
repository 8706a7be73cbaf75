-- Version 8: a run of a quiz belongs to whoever answers; the alias is the name that the learner goes by.
ALTER TABLE quiz_runs ADD COLUMN who VARCHAR DEFAULT 'local';
ALTER TABLE recalls ADD COLUMN who VARCHAR DEFAULT 'local';
