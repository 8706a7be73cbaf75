"""`casebind evaluate robustness`: attacks on a release, what defends it, and what is certain."""
