"""What the map screen remembers: the made map and its points for everybody, colouring and choices in the URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import streamlit as st

from engine.map import job, selection
from engine.map.file import Chart, file_of, load
from engine.map.points import BY, Points, groups, points_of
from engine.modalities import MODALITIES
from engine.retrieval.answer import Answer
from engine.store.filters import Clause
from engine.store.permission import permission
from pages.shared import resources

OUTLINE, STOPPED = "map-outline", "map-stopped"  # in the session: what the last gesture drew; that the user stopped it
FIGURE = "map-figure"
NEAREST = 10


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
        permitted=permission(resources.actor()),
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


def store_outline() -> None:
    """Keep what a finished gesture drew; one that drew nothing lets everything go."""
    event = st.session_state[FIGURE]["selection"]
    drawn = [("lasso", one) for one in event["lasso"]] + [("box", one) for one in event["box"]]
    if drawn:
        kind, one = drawn[-1]
        st.session_state[OUTLINE] = (kind, tuple(one["x"]), tuple(one["y"]))
    else:
        st.session_state.pop(OUTLINE, None)


def outline() -> tuple[str, tuple[float, ...], tuple[float, ...]] | None:
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


def query_position(points: Points) -> tuple[np.ndarray, int] | None:
    """Return where this session's query stands, and the median of how many neighbours that is; 0 for its own place."""
    found = st.session_state.get("answer")
    if not isinstance(found, Answer) or not found.neighbours:
        return None
    if found.query_id in points.index_of:
        return points.xy[points.index_of[found.query_id]], 0
    nearest = sorted(found.neighbours, key=lambda one: one.hamming)
    on_it = [one.study_id for one in nearest if one.study_id in points.index_of][:NEAREST]
    place = selection.middle(points, on_it)
    return None if place is None else (place, len(on_it))
