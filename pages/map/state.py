"""What the map screen remembers: the made map and its points for everybody, colouring and choices in the URL."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import streamlit as st

from engine.map import job, selection
from engine.map.file import Chart, file_of, load
from engine.map.place import MapVectors, QueryPlace, map_vectors, place_query
from engine.map.points import BY, Points, groups, points_of
from engine.modalities import MODALITIES
from engine.retrieval.answer import Answer
from engine.store.filters import Clause
from engine.store.permission import permission
from pages.shared import resources

OUTLINE, STOPPED = "map-outline", "map-stopped"  # in the session: what the last gesture drew; that the user stopped it
LOOKED = "map-looked"  # in the session: the study whose picture was asked for last
QUERY = "query"  # in the URL
NEAREST = 10
MOST_CORNERS = 5000  # of an outline
Outline = tuple[str, tuple[float, ...], tuple[float, ...]]


class MapKey(NamedTuple):
    """What a map's points depend on.

    written   : moment at which the map's file was written, ns
    version   : of the workspace's studies and consents
    permitted : what the actor may see
    """

    path: str
    release: str
    digest: str
    written: int
    version: tuple[int, int]
    permitted: Clause


@st.cache_resource(max_entries=4, show_spinner=False)
def _chart(path: str, release: str, written: int) -> Chart | None:
    return load(resources.workspace().path, release)


@st.cache_resource(max_entries=4, show_spinner=False)
def _points(key: MapKey) -> Points:
    """Return the points for everybody with the same permission."""
    chart = _chart(key.path, key.release, key.written)
    assert chart is not None
    return points_of(resources.workspace(), chart, key.digest, actor=resources.actor())


@st.cache_resource(max_entries=8, show_spinner=False)
def _groups(_points: Points, by: str, key: MapKey) -> tuple[list[str], np.ndarray]:
    return groups(_points, by)


@dataclass(frozen=True, eq=False)
class MapView:
    """A made map, its points as they may be shown now, and the key of this state."""

    chart: Chart
    points: Points
    key: MapKey

    @property
    def outline(self) -> dict[str, object] | None:
        """What is drawn around, in the words of the browser."""
        drawn = outline()
        return None if drawn is None else dict(zip(("kind", "x", "y"), drawn, strict=True))

    def groups(self, by: str) -> tuple[list[str], np.ndarray]:
        """Return the groups of a colouring, worked out once."""
        return _groups(self.points, by, self.key)


def current_map() -> MapView | None:
    """Return the map of the release that is searched; None where none has been made."""
    workspace, release = resources.workspace(), resources.release()
    try:
        written = file_of(workspace.path, release.name).stat().st_mtime_ns
    except OSError:
        return None
    key = MapKey(
        path=str(workspace.path),
        release=release.name,
        digest=release.digest,
        written=written,
        version=workspace.snapshots.version(),
        permitted=permission(resources.workspace().database, resources.actor()),
    )
    chart = _chart(key.path, key.release, key.written)
    return None if chart is None else MapView(chart, _points(key), key)


def ensure_map(current: MapView | None) -> job.MapJob | None:
    """Begin to make the map where there is none or the collection has changed, unless the user stopped that."""
    if current is not None and current.points.state.fresh:
        return None
    running = job.latest_job(resources.workspace())
    if running is not None and (not running.over or running.step == "failed"):
        return running
    if st.session_state.get(STOPPED):
        return running
    return start_map()


def start_map() -> job.MapJob | None:
    """Begin to make the map, whatever was stopped before."""
    st.session_state.pop(STOPPED, None)
    return job.begin(resources.workspace(), resources.release(), actor=resources.actor())


def stop() -> None:
    """Stop the making; the map shown stays."""
    running = job.latest_job(resources.workspace())
    st.session_state[STOPPED] = True
    if running is not None:
        running.stop()


# What is chosen


def in_url(name: str) -> list[str]:
    """Return what the URL says about one choice, where it is allowed."""
    allowed = {"by": BY, "kinds": MODALITIES}.get(name)
    return [value for value in st.query_params.get_all(name) if allowed is None or value in allowed]


def to_url(name: str, values: list[str]) -> None:
    """Write one choice into the URL, or take it out where it is empty."""
    if not values:
        st.query_params.pop(name, None)
    elif st.query_params.get_all(name) != values:
        st.query_params[name] = values


def store_outline(drawn: object) -> bool:
    """Keep what a gesture drew in map coordinates; return whether it is another one than before."""
    found = _outline_of(drawn)
    if found is None or found == outline():
        return False
    st.session_state[OUTLINE] = found
    return True


def _outline_of(drawn: object) -> Outline | None:
    """Return (lasso or box, xs, ys) as the browser told it; None where that cannot be."""
    if not isinstance(drawn, Mapping) or drawn.get("kind") not in ("lasso", "box"):
        return None
    xs, ys = drawn.get("x"), drawn.get("y")
    if not (isinstance(xs, list) and isinstance(ys, list) and 2 <= len(xs) == len(ys) <= MOST_CORNERS):
        return None
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in (*xs, *ys)):
        return None
    return str(drawn["kind"]), tuple(map(float, xs)), tuple(map(float, ys))


def outline() -> Outline | None:
    """Return (lasso or box, xs, ys) of the last gesture."""
    return st.session_state.get(OUTLINE)


def forget_outline() -> None:
    """Drop the outline."""
    st.session_state.pop(OUTLINE, None)


def chosen(points: Points, near: str) -> tuple[str, np.ndarray]:
    """Return how studies were chosen (near, lasso, box, filter or nothing) and their places; UsageError on a bad id.

    Filters apply to everything; a study that others are near to outranks an outline.
    """
    kinds, found = in_url("kinds"), in_url("finding")
    passing = selection.passing(points, kinds, found)
    if near:
        order, _ = selection.nearest_points(points, near, len(points.ids))
        return "near", order[np.isin(order, passing)][:NEAREST]
    drawn = outline()
    if drawn is not None:
        kind, xs, ys = drawn
        within = (selection.inside if kind == "lasso" else selection.in_box)(points, xs, ys)
        return kind, within[np.isin(within, passing)]
    return ("filter", passing) if kinds or found else ("nothing", np.empty(0, np.int64))


def query_place(map_view: MapView) -> QueryPlace | None:
    """Return where the query of the address or of this session stands; None for none, or one without a place."""
    query_id = query_shown()
    if not query_id:
        return None
    return _place(map_view.key, query_id, map_view.points)


def query_shown() -> str:
    """Return the id of the query in the address, or of this session's; "" for none."""
    found = st.session_state.get("answer")
    mine = found.query_id if isinstance(found, Answer) else ""
    return st.query_params.get(QUERY) or mine


@st.cache_data(max_entries=64, show_spinner=False)
def _place(key: MapKey, query_id: str, _points: Points) -> QueryPlace | None:
    known = _vectors(key, _points)
    return place_query(resources.workspace(), resources.release(), _points, known, query_id, actor=resources.actor())


@st.cache_resource(max_entries=2, show_spinner=False)
def _vectors(key: MapKey, _points: Points) -> MapVectors:
    return map_vectors(resources.workspace(), resources.release(), _points)
