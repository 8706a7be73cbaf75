-- Radii by group that a maintainer switched on, under the release that serves; another release begins without any.
CREATE TABLE group_radii (
    digest VARCHAR NOT NULL,                                 -- of the release
    asks VARCHAR NOT NULL, answers VARCHAR NOT NULL,         -- modalities of the query and of what it is to find
    source VARCHAR NOT NULL,                                 -- the data set on which they were chosen
    by_fact VARCHAR NOT NULL,                                -- what makes the groups
    common INTEGER NOT NULL, radii JSON NOT NULL,            -- everybody's radius; group → its own, bits of 256
    who VARCHAR NOT NULL, set_at TIMESTAMP NOT NULL,
    PRIMARY KEY (digest, asks, answers));
