-- Radii by group that a maintainer switched on, under the release that serves; another release begins without any.
CREATE TABLE group_radii (
    digest VARCHAR NOT NULL,                                 -- of the release
    query VARCHAR NOT NULL, target VARCHAR NOT NULL,         -- modalities of who asks and of who answers
    source VARCHAR NOT NULL,                                 -- the data set on which they were chosen
    by_fact VARCHAR NOT NULL,                                -- what makes the groups
    common INTEGER NOT NULL, radii JSON NOT NULL,            -- everybody's radius; group → its own, bits of 256
    who VARCHAR NOT NULL, set_at TIMESTAMP NOT NULL,
    PRIMARY KEY (digest, query, target));
