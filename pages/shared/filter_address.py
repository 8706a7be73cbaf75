"""The filters of a view as its address holds them. What the collection does not have counts as absent."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from engine.errors import CasebindError
from engine.store.filters import Filters
from engine.store.records import SCOPES
from engine.workspace.filter_check import check_filters
from pages.shared import resources

AGES = (0, 100)  # years; an end of the slider at its stop restricts nothing
ANY = "any"
DEFAULTS: dict[str, list[str]] = {
    "age": [str(age) for age in AGES],
    "sex": [ANY],
    "view": [ANY],
    "made": [ANY],
    "labels": [],
    "cohorts": [],
    "from": [""],
    "until": [""],
    "quality": ["0"],
    "consent": [ANY],
}
MANY = ("labels", "cohorts")
LEARN = next(scope for scope in SCOPES if scope != "retrieval")
CHOICES = {"sex": (ANY, "F", "M"), "made": (ANY, "recorded", "synthetic"), "consent": (ANY, LEARN)}


def filters_in_address() -> Filters:
    """Return the filters that the URL holds, those left out that cannot be."""
    held = {name: in_address(name) or DEFAULTS[name] for name in DEFAULTS}
    low, high = sorted(int(value) for value in held["age"])
    one = {name: values[0] if values else "" for name, values in held.items()}
    quality = float(one["quality"])
    if one["until"] and not _can_follow(one["from"], one["until"]):
        one["until"] = ""
    return Filters(
        age_min=low if low > AGES[0] else None,
        age_max=high if high < AGES[1] else None,
        sex=None if one["sex"] == ANY else one["sex"],
        view=None if one["view"] == ANY else one["view"],
        cohorts=tuple(held["cohorts"]),
        labels=tuple(held["labels"]),
        synthetic=None if one["made"] == ANY else one["made"] == "synthetic",
        acquired_from=one["from"] or None,
        acquired_to=one["until"] or None,
        quality_min=quality or None,
        consent=None if one["consent"] == ANY else one["consent"],
    )


@st.cache_data(max_entries=8, show_spinner=False)
def known_values(sight: resources.Sight) -> dict[str, list[str]]:
    """Return the labels, cohorts and views that occur."""
    workspace = resources.workspace()
    cohorts = [cohort.name for cohort in workspace.cohorts(actor=resources.actor())]
    return {
        "labels": workspace.labels(actor=resources.actor()),
        "cohorts": cohorts,
        "view": workspace.views(actor=resources.actor()),
    }


def in_address(name: str) -> list[str] | None:
    """Return the values of one filter in the URL, or None where there are none or they cannot be."""
    values = st.query_params.get_all(name)
    return values if values and is_possible(name, values) else None


def is_possible(name: str, values: list[str]) -> bool:
    """Say whether values of the URL name something that the collection has or that can be."""
    if name == "age":
        return len(values) == 2 and all(v.isascii() and v.isdigit() and int(v) <= AGES[1] for v in values)
    if name not in MANY and len(values) != 1:
        return False
    if name in CHOICES:
        return set(values) <= set(CHOICES[name])
    known = known_values(resources.sight())
    if name in known:
        return set(values) <= set(known[name])
    return _is_quality(values[0]) if name == "quality" else _is_date(values[0])


def _is_quality(value: str) -> bool:
    with suppress(ValueError):
        return 0 <= float(value) <= 1
    return False


def _can_follow(first: str, last: str) -> bool:
    """Say whether there is a day from the first date on until the last one."""
    with suppress(CasebindError):
        check_filters(
            Filters(acquired_from=first or None, acquired_to=last), resources.workspace(), actor=resources.actor()
        )
        return True
    return False


def _is_date(value: str) -> bool:
    with suppress(CasebindError):
        check_filters(Filters(acquired_from=value), resources.workspace(), actor=resources.actor())
        return True
    return not value
