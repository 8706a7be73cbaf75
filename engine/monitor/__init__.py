"""Monitoring: whether what is asked, and what is said to it, is still what a release and a collection were made for."""
