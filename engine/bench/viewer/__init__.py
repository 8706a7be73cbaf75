"""How fast the viewers draw in a browser."""
