"""A result in words, the same on a page, in a print and in the shell."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.findings.families import phrase
from engine.findings.shown import shown
from engine.reference import Polygon, ReferenceFinding
from engine.retrieval.answer import Answer, Neighbour
from engine.retrieval.group_radius import POINT, GroupRadius
from engine.strings import language, one_of, several, text

REFERENCE_UNITS = ("mm", "ml", "cm2", "percent", "deg")  # that end the names of what reference findings measure
TOP_SHARE = 0.995  # above it, a rounded percentage would claim "100 %"


def distance(neighbour: Neighbour) -> str:
    """Return the distance as a number, e.g. "61 of 256 bits differ"."""
    return text("card.distance", hamming=neighbour.hamming, bits=neighbour.bits)


def further(neighbour: Neighbour) -> str:
    """Return the distance in words, e.g. "closer than 97 % of random pairs"."""
    return closer_than(neighbour.further_share)


def closer_than(share: float) -> str:
    """Return in words which share of random pairs is further apart."""
    return text("card.further_top") if share >= TOP_SHARE else text("card.further", percent=math.floor(100 * share))


def relevance(neighbour: Neighbour) -> str:
    """Return what was counted, e.g. "of 210 pairs like this here, 120 share a finding (50–64 %)"; "" if too few."""
    if neighbour.relevance is None:
        return ""
    counted = neighbour.counted
    low, high = math.floor(100 * counted.low), math.ceil(100 * counted.high)
    return text("card.relevance", pairs=counted.pairs, sharing=counted.sharing, low=low, high=high)


def nearness(neighbour: Neighbour) -> str:
    """Return distance, distance in words, what was counted and whether it seems to be a copy, as one line."""
    parts = distance(neighbour), further(neighbour), relevance(neighbour), copy_of_query(neighbour)
    return " · ".join(part for part in parts if part)


def copy_of_query(neighbour: Neighbour) -> str:
    """Return the words for a neighbour that seems to be the query's own recording, else ""."""
    return text("card.same_recording") if neighbour.same_recording else ""


def copies(study_ids: Sequence[str]) -> str:
    """Return the sentence that the query is in the collection, or "" where it is not."""
    return several(len(study_ids), "search.copies", ids=", ".join(study_ids)) if study_ids else ""


def group(name: str) -> str:
    """Return a group of people as it stands in a sentence, e.g. "ages 40 to 64", by its name in evaluations."""
    return one_of("group_radius", f"for_{name.replace(' ', '_')}", name)


def group_radius(one: GroupRadius) -> str:
    """Return the radius of a query's own group, e.g. "Radius for ages 40 to 64: 87 of 256 bits into ECG, others 89"."""
    modality = text(f"modality.{one.target}")
    return text("group_radius.note", group=group(one.group), modality=modality, radius=one.radius, common=one.common)


def group_radii(answer: Answer) -> list[str]:
    """Return the radii of the query's own groups, where the answer was found or counted by them."""
    return [group_radius(one) for one in answer.groups] if answer.operating_point in (None, POINT) else []


def labels(names: Sequence[str]) -> str:
    """Return the labels of a study joined by commas, in the reader's language, or the words for none."""
    return ", ".join(label(name) for name in names) or text("card.no_labels")


def label(name: str) -> str:
    """Return one label in the reader's language; as published where the vocabulary has no word for it."""
    return shown(name, language())


def labelled(names: Sequence[str] | str) -> str:
    """Return how a study is labelled, as a phrase. names: its labels, or one"""
    known = [names] if isinstance(names, str) else names
    return f"{text('card.labelled_as')} {labels(known)}" if known else labels(known)


def finding(name: str) -> str:
    """Return a shared finding, by its key in families.toml, in the reader's language."""
    return label(phrase(name))


def placed(one: ReferenceFinding) -> str:
    """Return a reference finding with its side, e.g. "Pleural Effusion, left"."""
    side = text(f"reference.side_{one.side}") if one.side else ""
    return ", ".join(part for part in (label(one.label or one.kind), side) if part)


def outlines(findings: Sequence[ReferenceFinding]) -> list[tuple[str, Polygon]]:
    """Return each outline once with its words; the words of a finding in several parts stand at its first."""
    shared: dict[tuple[Polygon, ...], list[str]] = {}
    for one in findings:
        shared.setdefault(one.polygons, []).append(placed(one))
    return [
        (" / ".join(words) if number == 0 else "", polygon)
        for polygons, words in shared.items()
        for number, polygon in enumerate(polygons)
    ]


def reference_finding(one: ReferenceFinding) -> str:
    """Return all that is known of a reference finding, e.g. "Pleural Effusion, left: 450 ml, depth 30 mm"."""
    measured = ", ".join(_reference_measure(name, value) for name, value in one.measured)
    return f"{placed(one)}: {measured}" if measured else placed(one)


def _reference_measure(name: str, value: float) -> str:
    """Return a value with its unit, which ends its name; a name without words of its own stands as it is."""
    what, _, unit = name.rpartition("_")
    if name == "ctr":
        return text("annotation.ctr", value=f"{value:.2f}")
    if unit not in REFERENCE_UNITS:
        return f"{one_of('reference', f'measure_{name}', name.replace('_', ' '))} {value:g}"
    number = text(f"reference.unit_{unit}", value=f"{value:.0f}")
    return f"{one_of('reference', f'measure_{what}', what.replace('_', ' '))} {number}".strip()


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
