"""Hamming kernels over arrays of codes: scan, multi-index hashing, snapshots. No SQL, no workspace."""
