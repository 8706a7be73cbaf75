-- Version 14: views of a search that people keep under a name of their own; a row is its author's.
CREATE TABLE saved_searches (
    search_id VARCHAR NOT NULL, who VARCHAR NOT NULL,
    name VARCHAR NOT NULL, address VARCHAR NOT NULL,         -- the address holds query, settings and filters
    made_at TIMESTAMP NOT NULL, changed_at TIMESTAMP NOT NULL);
