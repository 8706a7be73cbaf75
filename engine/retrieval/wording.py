"""A result in words, the same on a page, in a print and in the shell."""

from __future__ import annotations

import math

from engine.retrieval.answer import Neighbour
from engine.strings import table, text

TOP_SHARE = 0.995  # above it, a rounded percentage would claim "100 %"


def distance(neighbour: Neighbour) -> str:
    """Return the distance as a number, e.g. "61 of 256 bits differ"."""
    return text("card.distance", hamming=neighbour.hamming, bits=neighbour.bits)


def further(neighbour: Neighbour) -> str:
    """Return the distance in words, e.g. "closer than 97 % of random pairs"."""
    if neighbour.further_share >= TOP_SHARE:
        return text("card.further_top")
    return text("card.further", percent=math.floor(100 * neighbour.further_share))


def relevance(neighbour: Neighbour) -> str:
    """Return the calibrated relevance, e.g. "about 62 % of pairs this near share a finding"."""
    return text("card.relevance", percent=round(100 * neighbour.relevance))


def labels(neighbour: Neighbour) -> str:
    """Return the labels, or that there is none."""
    return ", ".join(neighbour.labels) or text("card.no_labels")


def labelled_by(neighbour: Neighbour) -> str:
    """Return who gave the labels, or "" where there is none."""
    if not neighbour.labels:
        return ""
    found: str = table()["source"].get(neighbour.label_source) or text(
        "card.labelled_by", source=neighbour.label_source or "–"
    )
    return found


def person(neighbour: Neighbour) -> str:
    """Return what is known of the person and the film's view, e.g. "64 years, woman, PA view"."""
    sex: dict[str, str] = table()["sex"]
    known = [
        text("card.years", age=neighbour.age) if neighbour.age is not None else "",
        sex.get(neighbour.sex, "") if neighbour.sex else "",
        text("card.view", view=neighbour.view) if neighbour.view else "",
    ]
    return ", ".join(part for part in known if part)
