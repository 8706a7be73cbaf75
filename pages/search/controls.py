"""The bar over the results: how near, how long a code, in which order, which kinds, how many, and the filters.

Everything chosen is in the URL, so that a view can be kept and shared; what is at its default is left out of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.answer import BITS, POINTS, RERANKS
from engine.index.filters import Filters
from engine.study import MODALITIES
from pages.search.state import Settings
from pages.shared import resources
from pages.shared.strings import text

NEAREST = "nearest"  # no radius: always k
COUNTS = (5, 10, 20, 50)
AGES = (0, 100)  # years; an end of the slider at its stop restricts nothing
DEFAULTS: dict[str, list[str]] = {
    "at": [NEAREST], "bits": ["256"], "rerank": ["none"], "k": ["10"], "into": list(MODALITIES),
    "age": [str(age) for age in AGES], "sex": ["any"], "labels": [], "cohorts": [],
}  # fmt: skip
ALLOWED = {
    "at": (*POINTS, NEAREST), "bits": tuple(map(str, BITS)), "rerank": RERANKS,
    "k": tuple(map(str, COUNTS)), "into": MODALITIES, "sex": ("any", "F", "M"),
}  # fmt: skip


def in_url(name: str) -> list[str]:
    """Return the values of one setting in the URL where they are allowed, else its default."""
    values = st.query_params.get_all(name)
    if name == "age":
        return values if len(values) == 2 and all(v.isdigit() and int(v) <= AGES[1] for v in values) else DEFAULTS[name]
    allowed = ALLOWED.get(name)
    return values if values and (allowed is None or set(values) <= set(allowed)) else DEFAULTS[name]


def recalled() -> Settings:
    """Return the settings that the URL holds."""
    low, high = sorted(int(v) for v in in_url("age"))
    at, sex = in_url("at")[0], in_url("sex")[0]
    filters = Filters(
        age_min=low if low > AGES[0] else None,
        age_max=high if high < AGES[1] else None,
        sex=None if sex == "any" else sex,
        labels=tuple(in_url("labels")),
        cohorts=tuple(in_url("cohorts")),
    )
    into = tuple(name for name in MODALITIES if name in in_url("into"))
    near = None if at == NEAREST else at
    return Settings(into, int(in_url("k")[0]), int(in_url("bits")[0]), near, filters, in_url("rerank")[0])


def draw() -> Settings:
    """Draw the bar, put what is chosen into the URL and return it."""
    for name in DEFAULTS:
        if f"set-{name}" not in st.session_state:
            st.session_state[f"set-{name}"] = _for_widget(name, in_url(name))
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        _choice("at", ALLOWED["at"], lambda name: text(f"controls.{name}"))
        _choice("bits", ALLOWED["bits"], str)
        _choice("rerank", ALLOWED["rerank"], lambda name: text(f"controls.rerank_{name}"))
        with st.popover(text("controls.more"), icon=":material/tune:"):
            _more()
        with st.popover(text("controls.filters"), icon=":material/filter_alt:"):
            _filters()
    for name in DEFAULTS:
        _to_url(name, _from_widget(st.session_state[f"set-{name}"]))
    return recalled()


def _for_widget(name: str, values: list[str]) -> object:
    """Return URL values in the form that the widget of that name holds."""
    if name == "age":
        low, high = sorted(int(v) for v in values)
        return (low, high)
    return list(values) if name in ("into", "labels", "cohorts") else values[0]


def _from_widget(value: object) -> list[str]:
    """Return what a widget holds as URL values."""
    return [str(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str) else [str(value)]


def _to_url(name: str, values: list[str]) -> None:
    """Write one setting into the URL, or take it out where it is at its default."""
    if values == DEFAULTS[name] or not values:
        st.query_params.pop(name, None)
    elif st.query_params.get_all(name) != values:
        st.query_params[name] = values


def _choice(name: str, options: Sequence[str], shown: object) -> None:
    st.segmented_control(
        text(f"controls.{name}"), options, required=True, key=f"set-{name}", format_func=shown,
        help=text(f"controls.{name}_help"),
    )  # fmt: skip


def _more() -> None:
    st.pills(
        text("controls.into"), MODALITIES, selection_mode="multi", key="set-into",
        format_func=lambda name: text(f"modality.{name}"),
    )  # fmt: skip
    st.select_slider(text("controls.k"), ALLOWED["k"], key="set-k")


def _filters() -> None:
    workspace = resources.workspace()
    st.slider(text("controls.age"), *AGES, key="set-age")
    st.segmented_control(
        text("controls.sex"), ALLOWED["sex"], required=True, key="set-sex",
        format_func=lambda name: text(f"controls.sex_{name}"),
    )  # fmt: skip
    st.multiselect(text("controls.labels"), workspace.labels(), key="set-labels", placeholder=text("controls.any"))
    names = [cohort.name for cohort in workspace.cohorts()]
    st.multiselect(text("controls.cohorts"), names, key="set-cohorts", placeholder=text("controls.any"))
