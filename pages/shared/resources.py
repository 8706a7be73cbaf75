"""The workspace and the release, opened and warmed once per process."""

from __future__ import annotations

import gc
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import streamlit as st

from engine.actor import Actor, single_user
from engine.errors import WorkspaceError
from engine.intake import limited
from engine.learning.collection_calibration import count_in_background
from engine.model.release import Release, load_release
from engine.retrieval import search as retrieval
from engine.settings import workspace_path
from engine.store.filters import Clause
from engine.store.permission import permission
from engine.strings import text
from engine.study import Modality
from engine.teaching import access
from engine.workspace.serving import serving_release
from engine.workspace.workspace import Workspace, open_workspace
from pages.shared import browser

WITHHELD, REREAD_S = "withheld", 1.0  # in the session; another tab may have opened a quiz meanwhile
RECORDINGS: tuple[Modality, ...] = ("ecg", "ppg", "cxr")


class Sight(NamedTuple):
    """What a list of studies depends on, so that one that was made for somebody else is not shown.

    version   : of the workspace's studies and consents
    permitted : what the actor may see
    """

    path: str
    version: tuple[int, int]
    permitted: Clause


def actor() -> Actor:
    """Return who uses this session: the one user of an app without sign-in, known by the browser.

    Cases of quizzes that are open to this browser are withheld from it.
    """
    return replace(single_user(), session=browser.session(), withheld=_withheld())


def _withheld() -> tuple[str, ...]:
    """Return what is withheld, read again once in a while, and at once after `look_again`."""
    read_at, withheld = st.session_state.get(WITHHELD, (-math.inf, ()))
    if time.monotonic() - read_at > REREAD_S:
        found = replace(single_user(), session=browser.session())
        with suppress(WorkspaceError):
            withheld = access.as_learner(workspace(), actor=found).withheld
        st.session_state[WITHHELD] = (time.monotonic(), withheld)
    return withheld


def sight() -> Sight:
    """Return what a list of studies that this actor sees depends on."""
    place = workspace()
    return Sight(str(place.path), place.snapshots.version(), permission(actor()))


def look_again() -> None:
    """Have what is withheld read again: a quiz was opened, or a question was answered."""
    st.session_state.pop(WITHHELD, None)


@st.cache_resource(show_spinner=False)
def _newest() -> Release:
    return load_release()


def release() -> Release:
    """Return the release whose codes are searched; the newest where there are none, or none that are installed."""
    try:
        return serving_release(workspace(), _newest())
    except WorkspaceError:
        return _newest()


@st.cache_resource(show_spinner=False)
def _workspace(path: str) -> Workspace:
    return open_workspace(path)


def workspace() -> Workspace:
    """Return the workspace of the settings; WorkspaceError that names `casebind demo` where there is none."""
    path = workspace_path()
    if not path.is_dir():
        raise WorkspaceError(text("app.no_workspace"))
    return _workspace(str(path))


@st.cache_resource(show_spinner=False)
def _warming(path: str) -> tuple[Future[None], Future[None]]:
    """Start loading in the background, once per process: what recordings need, then the slower language model."""
    limited.start()
    pool, place, parts = ThreadPoolExecutor(1, "warm"), _workspace(path), release()
    loading = [pool.submit(_load, place, parts, kinds) for kinds in (RECORDINGS, ("text",))]
    return loading[0], loading[1]


def _load(searched_workspace: Workspace, searched_release: Release, modalities: tuple[Modality, ...]) -> None:
    """Load what queries of some kinds need, then take all that stays for good out of the garbage collector's reach.

    Streamlit collects garbage after every run; looking through the objects of the models' libraries each time would
    hold everybody up for half a second.
    """
    retrieval.warm_up(searched_workspace, searched_release, modalities)
    count_in_background(searched_workspace, searched_release)
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False)
def freeze_gc() -> None:
    """Take what is loaded by now out of the garbage collector's reach, once; for pages that need no models."""
    gc.collect()
    gc.freeze()


def warm() -> None:
    """Begin to load everything that a first query needs, so that it is no slower than the second; returns at once."""
    workspace()
    _warming(str(workspace_path()))


def keep_counts() -> None:
    """Count again what near means in the collection, in the background and where that is to be done."""
    count_in_background(workspace(), release())


def wait(for_text: bool) -> None:
    """Wait, with a word about it, until what the query needs is loaded; raise what went wrong while loading.

    words : whether the query is a text, which needs the language model too
    """
    warm()
    loading = _warming(str(workspace_path()))[for_text]
    try:
        if loading.done():
            loading.result()
        else:
            with st.spinner(text("app.loading"), show_time=True):
                loading.result()
    except Exception:
        _warming.clear()  # so that a reload tries again
        raise
