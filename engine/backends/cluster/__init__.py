"""The codes of a workspace at several sites: shards on Ray or in PostgreSQL, asked at once, merged exactly.

DuckDB stays the record. A site holds copies of codes, study ids, and numbers for studies and patients; nothing else of
a patient leaves the workspace. What may be returned is worked out by the coordinator for every query and sent along.
"""
