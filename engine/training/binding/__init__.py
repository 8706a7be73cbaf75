"""Heads into one space: TMCL, EMCL and what keeps the modalities together."""
