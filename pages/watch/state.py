"""What the page of the monitor asks of the engine: what was seen, a run, an acknowledgement."""

from __future__ import annotations

import streamlit as st

from engine.monitor.run import MonitorJob
from engine.monitor.watched import WatchView, look
from engine.sentences import spoken
from engine.store import unsteady as store
from engine.store.alarms import Decision, acknowledge
from engine.store.unsteady import UnsteadyStudy
from engine.strings import text
from pages.shared import free_text, resources
from pages.shared.markdown import escaped
from pages.shared.session import attempt, rater

SOURCE, ERROR = "source", "watch-error"  # in the URL; in the session
POLL_S = 1.0
_jobs: dict[str, MonitorJob] = {}  # by workspace: one run at a time, for everybody


def seen() -> WatchView:
    """Return what was seen under the release that serves."""
    return look(resources.workspace(), resources.release(), actor=resources.actor())


def unsteady() -> tuple[list[UnsteadyStudy], int]:
    """Return the studies that small changes move far, the furthest first, and how many there are."""
    return store.unsteady(resources.workspace().database, resources.actor())


def named() -> tuple[str, str] | None:
    """Return modality and source that the URL names."""
    modality, slash, source = str(st.query_params.get(SOURCE, "")).partition("/")
    return (modality, source) if slash else None


def is_running() -> bool:
    """Return whether a run that somebody began here is on its way."""
    job = _jobs.get(str(resources.workspace().path))
    return job is not None and not job.over


def begin() -> None:
    """Begin a run in the background, unless one is on its way."""
    if not is_running():
        place = resources.workspace()
        job = _jobs[str(place.path)] = MonitorJob(place, resources.release(), resources.actor())
        job.begin()


def draw_running() -> None:
    """Draw how far a run is, and why the last one failed."""
    job = _jobs.get(str(resources.workspace().path))
    if job is not None and not job.over:
        _progress(job)
    elif job is not None and job.error:
        st.warning(escaped(spoken(job.error)), icon=":material/error:")


@st.fragment(run_every=POLL_S)
def _progress(job: MonitorJob) -> None:
    if job.over:
        st.rerun(scope="app")
    st.progress(job.share, text=text("watch.running"))


def acknowledged(number: int, key: str) -> None:
    """Acknowledge an alarm with the decision and the reason that stand beside it."""
    decision: Decision = st.session_state[f"{key}-decision"]
    reason = free_text.settled(f"{key}-reason", str(st.session_state.get(f"{key}-reason", "")))
    attempt(ERROR, lambda: acknowledge(resources.workspace().database, number, decision, reason, actor=rater()))
