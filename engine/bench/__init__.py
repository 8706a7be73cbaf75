"""Timings and stress of real processes against a peer in the same run, for `casebind bench`."""
