"""What makes a release: prepared data, encoders, binding, hashing, the limits of the quality gate."""
