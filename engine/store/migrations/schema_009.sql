-- Version 9: which quality gate judged a study, and why a later one sets it aside.
ALTER TABLE studies ADD COLUMN gate VARCHAR DEFAULT '';      -- digest of its limits; '' where it was not noted
ALTER TABLE studies ADD COLUMN refused VARCHAR DEFAULT '';   -- the reason; '' while the study is accepted
