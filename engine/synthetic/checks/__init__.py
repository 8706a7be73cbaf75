"""Checks of a synthetic cohort against the open recordings, each figure beside real–real and chance baselines.

fidelity: do the intended labels read like real ones. realism: can a classifier tell synthetic from real. memorisation:
is any synthetic study nearer to a training recording than real ones are. consistency: do an encounter's studies agree.
"""
