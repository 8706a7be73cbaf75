"""Ways to ask besides a new recording: again, by the mean of several cases, by a part, for those labelled otherwise."""
