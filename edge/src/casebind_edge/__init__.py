"""Casebind on a small device: quality gate, code and nearest kept cases, without PyTorch and without a network."""
