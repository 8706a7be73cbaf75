"""What a viewer's user has drawn: from the browser to the record, and back when the study is shown again.

Annotations of a study or stored query stand in the record, under their author. A panel without a study keeps them in
the session, as in a quiz.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from engine.errors import CasebindError
from engine.sentences import spoken
from engine.workspace.annotations import annotations_on, delete_annotations, save_annotations
from pages.shared import free_text
from pages.shared.resources import workspace
from pages.shared.session import reader
from pages.shared.viewer.panel import Panel


def take(component: str, key: str, panels: Sequence[Panel]) -> None:
    """Take the annotations that the browser has sent. component : key of its widget; key : of the viewer"""
    sent = st.session_state[component].get("drawn")
    if not isinstance(sent, dict) or sent.get("panel") not in range(len(panels)):
        return
    panel, given = panels[sent["panel"]], list(sent.get("annotations") or [])
    problem = ""
    if panel.study_id:
        try:
            _save(panel.study_id, given)
        except CasebindError as error:
            problem = spoken(error)
    st.session_state[_name(panel, key)] = {
        "revision": int(sent.get("revision") or 0),
        "problem": problem,
        "annotations": given,
    }


def state_of(panel: Panel, key: str) -> dict[str, Any]:
    """Return a panel's annotations, how often they were sent, what went wrong, and whether they are saved."""
    state = st.session_state.get(_name(panel, key), {"revision": 0, "problem": "", "annotations": []})
    if panel.study_id and not state["problem"]:
        state = {**state, "annotations": _saved(panel.study_id)}
    return {**state, "saves": bool(panel.study_id)}


def in_session(panel: Panel, key: str) -> list[dict[str, Any]]:
    """Return what was drawn on a panel that has no study to save it with, in the form of engine.annotation."""
    return list(st.session_state.get(_name(panel, key), {}).get("annotations", []))


def put(panel: Panel, key: str, annotations: Sequence[dict[str, Any]]) -> None:
    """Draw annotations on a panel without a study before its viewer is drawn for the first time."""
    known = {"revision": 0, "problem": "", "annotations": list(annotations)}
    st.session_state.setdefault(_name(panel, key), known)


def _save(study_id: str, given: list[Any]) -> None:
    """Make the record of the reader's annotations equal to what is on the picture."""
    author, given = reader(), [_settled(one) for one in given]
    present = {one.get("id") for one in given if isinstance(one, dict)}
    gone = [one["id"] for one in _saved(study_id) if one["id"] not in present]
    save_annotations(workspace(), study_id, given, actor=author)
    if gone:
        delete_annotations(workspace(), gone, actor=author)


def _settled(one: Any) -> Any:
    """Return an annotation without what may tell who somebody is in its text; the picture then shows it so."""
    words = one.get("text") if isinstance(one, dict) else None
    return {**one, "text": free_text.settled("drawn", words)} if isinstance(words, str) else one


def _saved(study_id: str) -> list[dict[str, Any]]:
    author = reader()
    return [one.to_json() for one in annotations_on(workspace(), [study_id], actor=author, of=author.name)]


def _name(panel: Panel, key: str) -> str:
    return f"{key}-drawn-{panel.study_id or panel.token[:16]}"
