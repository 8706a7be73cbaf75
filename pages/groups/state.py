"""Where the figures of groups come from: what the release carries, and what was measured of this collection."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.evaluate.recorded import RecordedEvaluation, recorded
from engine.workspace.serving import serving_release
from pages.shared import resources

NAME = "fairness"


def of_release() -> RecordedEvaluation | None:
    """Return what the serving release carries, or that of the release it is based on."""
    return recorded(serving_release(resources.workspace(), resources.release()), NAME, or_of_base=True)


def of_collection(sight: resources.Sight) -> dict[str, Any]:
    """Return the figures of the collection that this person sees; measured once while it stays as it is."""
    return _measured(sight, serving_release(resources.workspace(), resources.release()).digest)


@st.cache_data(max_entries=4, show_spinner=False)
def _measured(sight: resources.Sight, digest: str) -> dict[str, Any]:
    from engine.evaluate import fairness_collection

    workspace = resources.workspace()
    release = serving_release(workspace, resources.release())
    return fairness_collection.evaluate(workspace, release, actor=resources.actor())
