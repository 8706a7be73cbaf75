"""Timings and stress of real processes against a peer in the same run: one package or module per `casebind bench NAME`."""
