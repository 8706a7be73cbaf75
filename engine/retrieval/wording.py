"""A result in words, the same on a page, in a print and in the shell."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.retrieval.answer import Neighbour
from engine.strings import one_of, text

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


def labels(names: Sequence[str]) -> str:
    """Return the labels of a study joined by commas, or the words for none."""
    return ", ".join(names) or text("card.no_labels")


def labelled_by(names: Sequence[str], source: str) -> str:
    """Return who gave the labels of a study, or "" if it has none."""
    return one_of("source", source, text("card.labelled_by", source=source or "–")) if names else ""


def person(age: float | None, sex: str | None, view: str | None = None) -> str:
    """Return what is known of the person and the film's view, e.g. "64 years, woman, PA view"."""
    known = [
        text("card.years", age=age) if age is not None else "",
        one_of("sex", sex, "") if sex else "",
        text("card.view", view=view) if view else "",
    ]
    return ", ".join(part for part in known if part)


def origin(cohort: str, licence: str) -> str:
    """Return the cohort of a study and its licence."""
    return text("card.cohort", cohort=cohort, licence=licence)
