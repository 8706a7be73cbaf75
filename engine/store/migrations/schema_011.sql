-- Version 11: the number of a change, counted at its commit; the journal beside the database has the same ones.
CREATE SEQUENCE commit_number START 1;
