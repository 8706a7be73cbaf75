"""Upkeep: backups of a workspace and their restoring, whether the app is ready, figures for a hospital's monitoring."""
