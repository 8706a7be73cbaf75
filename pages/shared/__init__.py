"""Drawing helpers that two screens or more use. Nothing here computes a result; the engine does."""
