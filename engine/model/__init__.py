"""What answers: a release with its encoders, heads and hash layer."""
