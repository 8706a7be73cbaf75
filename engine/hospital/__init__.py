"""The hospital's archive: what it sends, what is fetched from it, and what goes back to it."""
