"""Modules that take the place of the engine's in the device's wheel, where scipy and pandas would be too large.

Each has the functions of `engine/filtering.py` or `engine/intake/table_cells.py`, with which the tests compare it; the
rest of the engine is the hospital's.
"""
