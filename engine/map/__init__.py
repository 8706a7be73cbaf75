"""The collection in two dimensions: a map per release, made in the background and kept in the workspace."""
