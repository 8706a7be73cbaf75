"""How a view is asked for, as its address holds it: radius, code length, order, kinds, number and filters."""

from __future__ import annotations

import streamlit as st

from engine.modalities import MODALITIES
from engine.retrieval.answer import BITS, OPERATING_POINTS, RERANKS, Options
from pages.shared.filter_address import filters_in_address

BY_MEANING = "meaning"  # name in the URL; "1" searches typed words by their embedding
NEAREST = "nearest"  # no radius: always k
COUNTS = (5, 10, 20, 50)
DEFAULTS: dict[str, list[str]] = {
    "at": [NEAREST],
    "bits": ["256"],
    "rerank": ["none"],
    "k": ["10"],
    "into": list(MODALITIES),
}
ALLOWED = {
    "at": (*OPERATING_POINTS, NEAREST),
    "bits": tuple(map(str, BITS)),
    "rerank": RERANKS,
    "k": tuple(map(str, COUNTS)),
    "into": MODALITIES,
}


def in_address(name: str) -> list[str]:
    """Return the values of one setting in the URL where they are allowed, else its default."""
    values = st.query_params.get_all(name)
    single = name == "into" or len(values) == 1
    return values if values and single and set(values) <= set(ALLOWED[name]) else DEFAULTS[name]


def options_in_address() -> Options:
    """Return the settings that the URL holds."""
    into = tuple(name for name in MODALITIES if name in in_address("into"))
    near = None if in_address("at")[0] == NEAREST else in_address("at")[0]
    return Options(
        targets=into,
        k=int(in_address("k")[0]),
        bits=int(in_address("bits")[0]),
        operating_point=near,
        filters=filters_in_address(),
        rerank=in_address("rerank")[0],
        by_meaning=st.query_params.get(BY_MEANING) == "1",
    )


def set_by_meaning(wanted: bool) -> None:
    """Search typed words by their embedding, or by labels again."""
    if wanted:
        st.query_params[BY_MEANING] = "1"
    else:
        st.query_params.pop(BY_MEANING, None)
