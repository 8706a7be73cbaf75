"""The words of exported files, from the same table as the pages' (assets/strings/en.toml)."""

from __future__ import annotations

import math
import tomllib
from functools import lru_cache
from typing import Any

from engine.retrieval.answer import Neighbour
from engine.settings import ASSETS

TOP_SHARE = 0.995  # above it, a rounded percentage would claim "100 %"


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return tomllib.loads((ASSETS / "strings" / "en.toml").read_text(encoding="utf-8"))


def text(key: str, /, **values: object) -> str:
    """Return the string at "section.name" with `values` filled in; KeyError where it does not exist."""
    found: Any = _table()
    for part in key.split("."):
        found = found[part]
    return found.format(**values) if values else found


def several(n: int, key: str, **values: object) -> str:
    """Return key_one for n = 1 and key_many otherwise, with {n} filled in."""
    return text(f"{key}_{'one' if n == 1 else 'many'}", n=n, **values)


def notice() -> str:
    """Return the sentence that stands on every page, in every picture and in every object."""
    return text("report.notice")


def distance(one: Neighbour) -> str:
    """Return the distance as a number, e.g. "61 of 256 bits differ"."""
    return text("card.distance", hamming=one.hamming, bits=one.bits)


def further(one: Neighbour) -> str:
    """Return the distance in words, e.g. "closer than 97 % of random pairs"."""
    if one.further_share >= TOP_SHARE:
        return text("card.further_top")
    return text("card.further", percent=math.floor(100 * one.further_share))


def relevance(one: Neighbour) -> str:
    """Return the calibrated relevance, e.g. "about 62 % of pairs this near share a finding"."""
    return text("card.relevance", percent=round(100 * one.relevance))


def labels(one: Neighbour) -> str:
    """Return the labels, or that there is none."""
    return ", ".join(one.labels) or text("card.no_labels")


def labelled_by(one: Neighbour) -> str:
    """Return who gave the labels, or "" where there is none."""
    if not one.labels:
        return ""
    found: str = _table()["source"].get(one.label_source) or text("card.labelled_by", source=one.label_source or "–")
    return found


def person(one: Neighbour) -> str:
    """Return what is known of the person and the film's view, e.g. "64 years, woman, PA view"."""
    sex: dict[str, str] = _table()["sex"]
    known = [
        text("card.years", age=one.age) if one.age is not None else "",
        sex.get(one.sex, "") if one.sex else "",
        text("card.view", view=one.view) if one.view else "",
    ]
    return ", ".join(part for part in known if part)


def kind(modality: str) -> str:
    """Return the word of one modality."""
    return text(f"modality_one.{modality}")


def mark(name: str) -> str:
    """Return the word of one mark."""
    return text(f"mark.{name}")
