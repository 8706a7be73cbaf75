"""The small tier: what a device needs to judge, code and search without PyTorch, and what it sends and gets."""
