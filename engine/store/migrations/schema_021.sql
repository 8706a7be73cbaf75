-- What the monitor reads and finds: every judged query, windows of signals, alarms and who acknowledged them.
CREATE TABLE observations (                                  -- one row a query that the quality gate judged
    query_id VARCHAR NOT NULL, observed_at TIMESTAMP NOT NULL, modality VARCHAR NOT NULL,
    source VARCHAR NOT NULL,                                 -- what is known of where it came from
    accepted BOOLEAN NOT NULL, cause VARCHAR NOT NULL,       -- the limit that a refused one broke; '' of an accepted
    measures JSON NOT NULL, score DOUBLE NOT NULL,
    latency_ms DOUBLE, nothing_close BOOLEAN,                -- of its own modality; none where that was not asked for
    release VARCHAR NOT NULL, synthetic BOOLEAN NOT NULL,
    patient_id VARCHAR, patient_key VARCHAR, fingerprint VARCHAR NOT NULL);

CREATE TABLE monitor_windows (                               -- one signal of so many patients of one source; never changed
    release VARCHAR NOT NULL, modality VARCHAR NOT NULL, source VARCHAR NOT NULL, signal VARCHAR NOT NULL,
    reference VARCHAR NOT NULL,                              -- what it is compared with
    began_at TIMESTAMP NOT NULL, ended_at TIMESTAMP NOT NULL, n INTEGER NOT NULL,
    value DOUBLE NOT NULL, low DOUBLE NOT NULL, high DOUBLE NOT NULL,
    effect DOUBLE NOT NULL, p DOUBLE NOT NULL, made_at TIMESTAMP NOT NULL);

CREATE SEQUENCE alarm_number;
CREATE TABLE alarms (                                        -- never changed
    number BIGINT NOT NULL, raised_at TIMESTAMP NOT NULL, level VARCHAR NOT NULL, modality VARCHAR NOT NULL,
    source VARCHAR NOT NULL, signal VARCHAR NOT NULL, reference VARCHAR NOT NULL, release VARCHAR NOT NULL,
    queries INTEGER NOT NULL,                                -- since the evidence began to grow
    value DOUBLE NOT NULL, usual_low DOUBLE NOT NULL, usual_high DOUBLE NOT NULL, evidence DOUBLE NOT NULL);

CREATE TABLE acknowledgements (                              -- of all alarms of one signal that stood; never changed
    number BIGINT NOT NULL, modality VARCHAR NOT NULL, source VARCHAR NOT NULL, signal VARCHAR NOT NULL,
    decision VARCHAR NOT NULL,                               -- mended, or expected from now on
    reason VARCHAR NOT NULL, who VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL);
