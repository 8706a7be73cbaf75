-- Objects that came from the archive, one row a state: received, de-identified, judged; then stored, set aside, refused.
CREATE SEQUENCE arrival_number;
CREATE TABLE arrivals (                                      -- the last row of an object and a digest counts
    number BIGINT NOT NULL,
    object VARCHAR NOT NULL,                                 -- keyed hash of the SOP instance UID
    digest VARCHAR NOT NULL,                                 -- keyed hash of the dataset's bytes
    state VARCHAR NOT NULL,
    why VARCHAR NOT NULL,                                    -- one sentence in English; '' where there is none
    kind VARCHAR NOT NULL,                                   -- name of the SOP class
    sender VARCHAR NOT NULL,                                 -- AE title, or the archive it was fetched from
    study_id VARCHAR, patient_id VARCHAR,
    reached_at TIMESTAMP NOT NULL);
