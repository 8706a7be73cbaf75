"""Policies in Cedar: what they may speak of, the start set, checking them, and what they decide."""
