"""A folder with the record, the study files and the releases: opening it, ingest, re-index, the shipped cohort."""
