"""Ratings as literals, for tests of what is worked out from them."""

from __future__ import annotations

from datetime import datetime

from engine.store.records import Rating


def rating(who: str, query_id: str, study_id: str, mark: str, source: str = "") -> Rating:
    """One rating of which only who, what and the mark matter."""
    return Rating(0, query_id, study_id, mark, who, "r1", 256, None, datetime(2026, 1, 1), source=source)


def given(who: str, marks: str, source: str = "") -> list[Rating]:
    """Marks of one rater on the pairs (q, s0), (q, s1), …: r, p, i, s for relevant … skip, and - for not rated."""
    names = {"r": "relevant", "p": "partly", "i": "irrelevant", "s": "skip"}
    return [rating(who, "q", f"s{n}", names[one], source) for n, one in enumerate(marks) if one != "-"]
