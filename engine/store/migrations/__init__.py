"""The schema of the record, one SQL file per version; engine.store.database applies those a workspace lacks."""
