"""Recordings prepared for training: windows, captions, simultaneous pairs."""
