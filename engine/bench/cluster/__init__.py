"""The search over many machines, measured on one: real nodes, killed and brought back."""
