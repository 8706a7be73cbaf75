"""Modules that take the place of the engine's in the device's wheel, where scipy, pandas and wfdb would be too large.

Each has the functions of `engine/filtering.py`, `engine/intake/table_cells.py` or `engine/intake/wfdb_signals.py`, with
which the tests compare it; the rest of the engine is the hospital's.
"""
