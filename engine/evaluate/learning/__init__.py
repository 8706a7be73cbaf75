"""Replays ratings of an oracle on the open recordings: what a round of learning gives, by query strategy."""
