-- Version 12: what people drew on studies and stored queries. A row is its author's, who alone changes and deletes it.
CREATE TABLE annotations (
    annotation_id VARCHAR NOT NULL,                          -- made by whoever draws, so that nothing is stored twice
    study_id VARCHAR NOT NULL, author VARCHAR NOT NULL,      -- a study, or a stored query
    kind VARCHAR NOT NULL, shape VARCHAR NOT NULL,
    points DOUBLE[][] NOT NULL,                              -- film: column, row in pixels; trace: seconds, value
    words VARCHAR NOT NULL, lead_name VARCHAR NOT NULL,
    value DOUBLE, unit VARCHAR,                              -- none where nothing is measured
    made_at TIMESTAMP NOT NULL, changed_at TIMESTAMP NOT NULL);
