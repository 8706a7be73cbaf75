"""What the releases screen remembers: in the URL the release that is looked at, in the session what went wrong."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import CasebindError
from engine.learning import promotion, round_job
from engine.learning.preview import Preview, QueryChange, preview_changes, version
from engine.learning.timeline import TimelineEntry
from engine.model.release import Release
from pages.shared import resources

RELEASE, WHO = "release", "who"  # names in the URL; the second is the review screen's as well
ERROR, CHANGES = "releases-error", "releases-changes"
POLL_S = 1.0  # at a round, or a takeover, that is on its way


def who() -> str:
    """Return the name of whoever is here, shared with the review screen; "" where none was given."""
    return str(st.query_params.get(WHO) or st.session_state.get(WHO, "")).strip()


def rename() -> None:
    """Take the typed name."""
    typed = " ".join(st.session_state["releases-who"].split())
    st.session_state[WHO] = typed
    if typed:
        st.query_params[WHO] = typed
    else:
        st.query_params.pop(WHO, None)


def selected_entry(entries: list[TimelineEntry]) -> TimelineEntry | None:
    """Return the round's release that the URL names; the newest that does not serve, or else the newest, where none."""
    made = [one for one in entries if one.made_from and one.release is not None]
    named = [one for one in made if one.name == st.query_params.get(RELEASE)]
    return next(iter([*named, *(one for one in made if not one.serves), *made]), None)


def select_release(name: str) -> None:
    """Look at a release."""
    st.query_params[RELEASE] = name


def start_round() -> None:
    """Begin a round on the serving release."""
    _attempt(lambda: round_job.begin(resources.workspace(), resources.release(), who()))
    st.query_params.pop(RELEASE, None)  # the release that comes is looked at


def cancel() -> None:
    """End the round that runs."""
    _attempt(lambda: round_job.cancel(resources.workspace()))


def promote(release: Release, serving_digest: str) -> None:
    """Let a release take over; `shown` is the digest of the one that served when the table was drawn."""
    reason = str(st.session_state.get(f"reason-{release.name}", ""))
    _attempt(lambda: promotion.promote(resources.workspace(), release, who(), serving_digest, reason))


def roll_back(name: str, serving_digest: str) -> None:
    """Let a release that served before take over again."""
    _attempt(lambda: promotion.roll_back(resources.workspace(), who(), serving_digest, name))


def resume_promotion(serving_digest: str) -> None:
    """Go on with a takeover that was cut off."""
    _attempt(lambda: promotion.resume(resources.workspace(), who(), serving_digest))


def show_error() -> None:
    """Draw once what went wrong with the last press."""
    words = st.session_state.pop(ERROR, "")
    if words:
        st.error(words, icon=":material/error:")


def release_changes(candidate: Release, asked_by: str | None) -> list[QueryChange]:
    """Return what a release changes for the newest queries of a person, or of anybody; looked up and audited once."""
    workspace, serving = resources.workspace(), resources.release()
    wanted = (candidate.digest, serving.digest, asked_by, version(workspace))
    kept = st.session_state.get(CHANGES)
    if kept is None or kept[0] != wanted:
        preview = _preview(
            str(workspace.path),
            candidate.digest,
            serving.digest,
            sum(workspace.all_counts().values()),
            serving,
            candidate,
        )
        kept = st.session_state[CHANGES] = (
            wanted,
            preview_changes(workspace, preview, asked_by, reader=who() or resources.actor().name),
        )
    found: list[QueryChange] = kept[1]
    return found


@st.cache_resource(show_spinner=False, max_entries=2)
def _preview(path: str, candidate: str, serving: str, studies: int, _serving: Release, _candidate: Release) -> Preview:
    """Make the codes that a release would give, once for everybody."""
    return Preview(resources.workspace(), _serving, _candidate)


def _attempt(action: Callable[[], object]) -> None:
    try:
        action()
    except CasebindError as problem:
        st.session_state[ERROR] = str(problem)
