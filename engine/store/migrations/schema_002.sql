-- Version 2: what the search needs beside a code stands in its row, so that loading 10 million codes joins nothing.
CREATE SEQUENCE patient_number START 1;
ALTER TABLE patients ADD COLUMN number BIGINT;    -- equal for all codes of one patient
UPDATE patients SET number = nextval('patient_number');

ALTER TABLE codes ADD COLUMN ordinal BIGINT;      -- of its study
ALTER TABLE codes ADD COLUMN patient BIGINT;      -- the number of its study's patient
UPDATE codes SET ordinal = s.ordinal, patient = p.number
    FROM studies s JOIN patients p USING (patient_id) WHERE s.study_id = codes.study_id;
