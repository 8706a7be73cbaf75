"""The search alone, timed against faiss and DuckDB on the same codes."""
