-- Reader studies: several readers read the same cases twice, without neighbours and with them.
CREATE TABLE reader_studies (
    reader_study_id VARCHAR NOT NULL, title VARCHAR NOT NULL, who VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL, closed_at TIMESTAMP);
CREATE TABLE reader_study_protocols (                        -- the last version counts; none comes after the first reading
    reader_study_id VARCHAR NOT NULL, version INTEGER NOT NULL,
    words VARCHAR NOT NULL,                                  -- canonical JSON
    digest VARCHAR NOT NULL,                                 -- SHA-256 of it
    created_at TIMESTAMP NOT NULL);
CREATE TABLE reader_study_cases (
    reader_study_id VARCHAR NOT NULL, number INTEGER NOT NULL, study_id VARCHAR NOT NULL,
    truth BOOLEAN[] NOT NULL);                               -- of the protocol's findings, in their order
CREATE TABLE reader_study_readers (
    reader_study_id VARCHAR NOT NULL, reader INTEGER NOT NULL, who VARCHAR NOT NULL);
CREATE TABLE reader_study_order (                            -- which case in which arm at which place of a session
    reader_study_id VARCHAR NOT NULL, reader INTEGER NOT NULL, session INTEGER NOT NULL, place INTEGER NOT NULL,
    number INTEGER NOT NULL, arm VARCHAR NOT NULL);
CREATE TABLE reader_study_openings (                         -- a case was first shown
    reader_study_id VARCHAR NOT NULL, reader INTEGER NOT NULL, session INTEGER NOT NULL, number INTEGER NOT NULL,
    opened_at TIMESTAMP NOT NULL);
CREATE TABLE reader_study_neighbours (                       -- what was shown beside it, of which release
    reader_study_id VARCHAR NOT NULL, reader INTEGER NOT NULL, session INTEGER NOT NULL, number INTEGER NOT NULL,
    release VARCHAR NOT NULL, rank INTEGER NOT NULL, study_id VARCHAR NOT NULL);
CREATE TABLE reader_study_answers (
    reader_study_id VARCHAR NOT NULL, reader INTEGER NOT NULL, session INTEGER NOT NULL, number INTEGER NOT NULL,
    ratings INTEGER[] NOT NULL, present BOOLEAN[] NOT NULL, -- of the protocol's findings, in their order
    visible_s DOUBLE NOT NULL,                               -- seconds for which the case was on a visible screen
    answered_at TIMESTAMP NOT NULL);
