-- What a cohort declares of its ids: keep (public pseudonyms already), replace (by the workspace's own), replace-all.
ALTER TABLE cohorts ADD COLUMN ids VARCHAR DEFAULT 'keep';
