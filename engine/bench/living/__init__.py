"""Living data under load: many threads search and write at once, and a process is killed in the middle of writing."""
