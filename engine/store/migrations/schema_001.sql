-- Version 1 of the workspace. Statements run in one transaction; times are UTC.
CREATE SEQUENCE study_ordinal START 1;
CREATE SEQUENCE event_number START 1;

CREATE TABLE cohorts (
    name VARCHAR PRIMARY KEY, licence VARCHAR NOT NULL, attribution VARCHAR NOT NULL,
    synthetic BOOLEAN NOT NULL, label_source VARCHAR NOT NULL);

CREATE TABLE patients (patient_id VARCHAR PRIMARY KEY, cohort VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL);

CREATE TABLE encounters (
    encounter_id VARCHAR PRIMARY KEY, patient_id VARCHAR NOT NULL);

CREATE TABLE studies (
    study_id VARCHAR PRIMARY KEY,
    ordinal BIGINT NOT NULL,             -- position-independent number that the search masks refer to
    row_key VARCHAR NOT NULL UNIQUE,     -- the same manifest row always has the same key, so that ingest can be repeated
    patient_id VARCHAR NOT NULL, encounter_id VARCHAR NOT NULL, cohort VARCHAR NOT NULL,
    modality VARCHAR NOT NULL, acquired_at VARCHAR, age DOUBLE, sex VARCHAR, view VARCHAR,
    labels VARCHAR[] NOT NULL, label_source VARCHAR NOT NULL, report VARCHAR,
    synthetic BOOLEAN NOT NULL, licence VARCHAR NOT NULL, attribution VARCHAR NOT NULL,
    recognised VARCHAR NOT NULL, quality_score DOUBLE NOT NULL, fingerprint VARCHAR NOT NULL,
    patient_key VARCHAR,                 -- keyed hash of the file's own patient identifier
    window_start_s DOUBLE, window_end_s DOUBLE,
    file VARCHAR NOT NULL, extra JSON NOT NULL, created_at TIMESTAMP NOT NULL);

CREATE TABLE codes (
    study_id VARCHAR NOT NULL, release VARCHAR NOT NULL, modality VARCHAR NOT NULL,
    w0 UBIGINT NOT NULL, w1 UBIGINT NOT NULL, w2 UBIGINT NOT NULL, w3 UBIGINT NOT NULL,
    PRIMARY KEY (study_id, release));

CREATE TABLE embeddings (
    study_id VARCHAR NOT NULL, release VARCHAR NOT NULL, vector FLOAT[256] NOT NULL,
    PRIMARY KEY (study_id, release));

CREATE TABLE releases (name VARCHAR PRIMARY KEY, digest VARCHAR NOT NULL, first_used TIMESTAMP NOT NULL);

CREATE TABLE queries (
    query_id VARCHAR PRIMARY KEY, who VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL,
    modality VARCHAR NOT NULL, recognised VARCHAR NOT NULL, identity JSON NOT NULL, identity_note VARCHAR NOT NULL,
    facts JSON NOT NULL, window_start_s DOUBLE, window_end_s DOUBLE,
    verdict JSON NOT NULL, fingerprint VARCHAR NOT NULL, patient_key VARCHAR, file VARCHAR NOT NULL,
    release VARCHAR NOT NULL, code BLOB NOT NULL, vector FLOAT[256] NOT NULL);

-- History is kept: the latest row that is not undone counts.
CREATE TABLE ratings (
    rating_id BIGINT NOT NULL, query_id VARCHAR NOT NULL, study_id VARCHAR NOT NULL, mark VARCHAR NOT NULL,
    who VARCHAR NOT NULL, release VARCHAR NOT NULL, bits INTEGER NOT NULL, operating_point VARCHAR,
    created_at TIMESTAMP NOT NULL, undone_at TIMESTAMP);

-- Append-only.
CREATE TABLE audit (
    audit_id BIGINT NOT NULL, created_at TIMESTAMP NOT NULL, who VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    query_id VARCHAR, code VARCHAR, returned VARCHAR[] NOT NULL, release VARCHAR, filters VARCHAR, refused VARCHAR);

-- History is kept: the latest row per patient and scope counts; no row means granted.
CREATE TABLE consent (
    number BIGINT NOT NULL, patient_id VARCHAR NOT NULL, scope VARCHAR NOT NULL, granted BOOLEAN NOT NULL,
    who VARCHAR NOT NULL, changed_at TIMESTAMP NOT NULL);

CREATE VIEW withdrawn AS
    SELECT patient_id, scope FROM consent GROUP BY patient_id, scope HAVING NOT arg_max(granted, number);
