"""Where the figures of groups come from: what the release carries, and what was measured of this collection."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.evaluate import group_radii
from engine.evaluate.group_radii import NAME, OfferedRadii
from engine.evaluate.recorded import RecordedEvaluation, recorded
from engine.store.group_radii import GroupRadii
from engine.workspace.serving import serving_release
from pages.shared import resources
from pages.shared.session import attempt

ERROR = "groups-error"  # in the session


def of_release() -> RecordedEvaluation | None:
    """Return what the serving release carries, or that of the release it is based on."""
    return recorded(serving_release(resources.workspace(), resources.release()), NAME, or_of_base=True)


def offers() -> list[OfferedRadii]:
    """Return the radii that the serving release's own figures offer."""
    place = resources.workspace()
    return group_radii.offered(place, serving_release(place, resources.release()))


def switch_radii(chosen: GroupRadii, key: str) -> None:
    """Switch radii as the toggle of this key stands."""
    place, on = resources.workspace(), bool(st.session_state[key])
    release = serving_release(place, resources.release())
    attempt(ERROR, lambda: group_radii.switch(place, release, chosen, on=on, actor=resources.actor()))


def of_collection(sight: resources.Sight) -> dict[str, Any]:
    """Return the figures of the collection that this person sees; measured once while it stays as it is."""
    return _measured(sight, serving_release(resources.workspace(), resources.release()).digest)


@st.cache_data(max_entries=4, show_spinner=False)
def _measured(sight: resources.Sight, digest: str) -> dict[str, Any]:
    from engine.evaluate import fairness_collection

    workspace = resources.workspace()
    release = serving_release(workspace, resources.release())
    return fairness_collection.evaluate(workspace, release, actor=resources.actor())
