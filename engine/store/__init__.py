"""The record in DuckDB: tables, migrations and every SQL statement."""
