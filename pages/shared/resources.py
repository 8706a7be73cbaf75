"""The workspace and the release, opened and warmed once per process."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache, lru_cache
from hashlib import sha256
from typing import NamedTuple

import streamlit as st

from engine.access.sessions import Session
from engine.actor import Actor, single_user
from engine.consent import acts
from engine.consent.retention import retain
from engine.drawing.signed_colours import colour_scale
from engine.errors import WorkspaceError
from engine.explain.methods import warm_up as warm_up_explanations
from engine.hospital.worker import InboxWorker
from engine.intake import forked_reader
from engine.learning.collection_calibration import count_in_background
from engine.model.release import Release, load_release
from engine.monitor.daily import DailyMonitor
from engine.reader_study import blind
from engine.retrieval import search as retrieval
from engine.settings import workspace_path
from engine.store.audit_file import SYSTEM
from engine.store.filters import Clause
from engine.store.permission import permission
from engine.strings import text
from engine.study import Modality
from engine.workspace.serving import serving_release
from engine.workspace.workspace import Workspace, open_workspace
from pages.shared import browser, signed_in

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
    """Return who uses this session: who signed in, or the one user of an app without sign-in, known by the browser.

    Cases of quizzes and reader studies that are open to that person are withheld from them. UsageError where the
    session has ended.
    """
    return replace(_person(), withheld=_withheld())


def actor_later(drawn_for: Actor) -> Callable[[], Actor]:
    """Return what says who uses this session when it is called, in any thread: a file is made after its page was drawn.

    A role that was taken away meanwhile counts, and so does the end of the session (UsageError).

    drawn_for : who that is where nobody signs in
    """
    look = signed_in.lookup()

    def now() -> Actor:
        found = look()
        return drawn_for if found is None else blind.as_reader(workspace(), actor=_of_account(found))

    return now


def _person() -> Actor:
    """Return who is here, without what is withheld."""
    found = signed_in.session()
    return replace(single_user(), session=browser.session()) if found is None else _of_account(found)


def _of_account(found: Session) -> Actor:
    """Return who signed in; in the record a person with an account has one session for good."""
    lasting = sha256(f"account {found.name}".encode()).hexdigest()[:32]
    return replace(found.actor(), session=lasting, sign_in=found.number)


def _withheld() -> tuple[str, ...]:
    """Return what is withheld, read again once in a while, and at once after `look_again`."""
    read_at, withheld = st.session_state.get(WITHHELD, (-math.inf, ()))
    if time.monotonic() - read_at > REREAD_S:
        with suppress(WorkspaceError):
            withheld = blind.as_reader(workspace(), actor=_person()).withheld
        st.session_state[WITHHELD] = (time.monotonic(), withheld)
    return withheld


def sight() -> Sight:
    """Return what a list of studies that this actor sees depends on."""
    place = workspace()
    return Sight(str(place.path), place.snapshots.version(), permission(place.database, actor()))


def look_again() -> None:
    """Have what is withheld read again: a quiz was opened, or a question was answered."""
    st.session_state.pop(WITHHELD, None)


@lru_cache(maxsize=1)
def _newest() -> Release:
    return load_release()


def release() -> Release:
    """Return the release whose codes are searched; the newest where there are none, or none that are installed."""
    try:
        return serving_release(workspace(), _newest())
    except WorkspaceError:
        return _newest()


@cache  # asked for dozens of times a run, for which Streamlit's caches are slow
def _workspace(path: str) -> Workspace:
    opened = open_workspace(path)
    acts.serve(opened.path)
    InboxWorker(opened.path, _newest)
    DailyMonitor(opened.path, _newest)
    return opened


def workspace() -> Workspace:
    """Return the workspace of the settings; WorkspaceError that names `casebind demo` where there is none."""
    path = workspace_path()
    if not path.is_dir():
        raise WorkspaceError(text("app.no_workspace"))
    return _workspace(str(path))


@st.cache_resource(show_spinner=False)
def _warming(path: str) -> tuple[Future[None], Future[None]]:
    """Start loading in the background, once per process: what recordings need, then the slower language model."""
    forked_reader.start()
    pool, place, parts = ThreadPoolExecutor(1, "warm"), _workspace(path), release()
    loading = [pool.submit(_load, place, parts, kinds) for kinds in (RECORDINGS, ("text",))]
    pool.submit(retain, place, actor=SYSTEM)
    pool.submit(warm_up_explanations)  # what a first look at a trace would wait seconds for
    return loading[0], loading[1]


def _load(searched_workspace: Workspace, searched_release: Release, modalities: tuple[Modality, ...]) -> None:
    """Load what queries of some kinds need, then take all that stays for good out of the garbage collector's reach.

    Looking through the objects of the models' libraries at every collection would hold everybody up for half a second.
    """
    retrieval.warm_up(searched_workspace, searched_release, modalities)
    colour_scale()  # its library takes seconds to import
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


def opened() -> Workspace | None:
    """Return the workspace where somebody has had it opened, else None."""
    return workspace() if _workspace.cache_info().currsize else None


def loaded() -> str:
    """Return how far the loading of the release is that this begins: "loading", "loaded", or "failed", once."""
    warm()
    loading = _warming(str(workspace_path()))
    if not all(one.done() for one in loading):
        return "loading"
    if any(one.exception() for one in loading):
        _warming.clear()  # so that the next time tries again
        return "failed"
    return "loaded"


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
