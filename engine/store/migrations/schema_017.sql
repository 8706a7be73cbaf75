-- Attributes of studies on which policies decide, a class for each combination; class 0 has none of them.
CREATE TABLE study_classes (                                 -- a row never changes
    class_id INTEGER PRIMARY KEY, department VARCHAR NOT NULL, project VARCHAR NOT NULL,
    agreement_ends VARCHAR NOT NULL,                         -- the last day, ISO 8601; '' for none
    sensitive BOOLEAN NOT NULL);
INSERT INTO study_classes VALUES (0, '', '', '', false);
ALTER TABLE studies ADD COLUMN class_id INTEGER DEFAULT 0;

CREATE TABLE agreements (                                    -- history: the latest row of a cohort counts
    cohort VARCHAR NOT NULL, department VARCHAR NOT NULL, project VARCHAR NOT NULL, agreement_ends VARCHAR NOT NULL,
    sensitive BOOLEAN NOT NULL, who VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL);
