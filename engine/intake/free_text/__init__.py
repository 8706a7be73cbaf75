"""Passages of free text that tell who somebody is: names, dates, numbers, addresses; by rules in four languages."""

from engine.intake.free_text.passages import KINDS, Passage, found_in, replaced

__all__ = ["KINDS", "Passage", "found_in", "replaced"]
