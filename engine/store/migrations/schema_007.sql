-- Version 7: which release answered from when on, on whose word, and the codes of releases that answered before.
CREATE TABLE promotions (                                    -- history: a row is closed once and never changed again
    number BIGINT NOT NULL, kind VARCHAR NOT NULL,           -- 'promotion' or 'rollback'
    who VARCHAR NOT NULL, began_at TIMESTAMP NOT NULL, ended_at TIMESTAMP,
    from_release VARCHAR NOT NULL, from_digest VARCHAR NOT NULL,
    to_release VARCHAR NOT NULL, to_digest VARCHAR NOT NULL,
    passes BOOLEAN,                                          -- the gate's verdict; none where nothing was measured
    falls VARCHAR[] NOT NULL, reason VARCHAR NOT NULL,       -- the guards that fell, and why it was done all the same
    state VARCHAR NOT NULL, why VARCHAR NOT NULL);           -- 'running', 'done' or 'failed', and why it failed

CREATE TABLE former_codes (                                  -- so that a release comes back with the codes it had
    study_id VARCHAR NOT NULL, digest VARCHAR NOT NULL,      -- of the release
    vector UBIGINT NOT NULL,                                 -- hash of the embedding that the code was made from
    w0 UBIGINT NOT NULL, w1 UBIGINT NOT NULL, w2 UBIGINT NOT NULL, w3 UBIGINT NOT NULL);
