"""What the releases screen remembers: in the URL the release that is looked at, in the session what went wrong."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import CasebindError
from engine.learning import promotion
from engine.learning import round_job as job
from engine.learning.preview import Change, Preview, changes, moment
from engine.learning.timeline import Entry
from engine.model.release import Release
from pages.shared import resources

LOOK, WHO = "release", "who"  # names in the URL; the second is the review screen's as well
ERROR, CHANGES = "releases-error", "releases-changes"
LOOK_EVERY_S = 1.0  # at a round, or a takeover, that is on its way


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


def looked_at(entries: list[Entry]) -> Entry | None:
    """Return the round's release that the URL names; the newest that does not serve, or else the newest, where none."""
    made = [one for one in entries if one.made_from and one.release is not None]
    named = [one for one in made if one.name == st.query_params.get(LOOK)]
    return next(iter([*named, *(one for one in made if not one.serves), *made]), None)


def look(name: str) -> None:
    """Look at a release."""
    st.query_params[LOOK] = name


def make() -> None:
    """Begin a round on the serving release."""
    _tried(lambda: job.begin(resources.workspace(), resources.release(), who()))
    st.query_params.pop(LOOK, None)  # the release that comes is looked at


def cancel() -> None:
    """End the round that runs."""
    _tried(lambda: job.cancel(resources.workspace()))


def promote(release: Release, shown: str) -> None:
    """Let a release take over; `shown` is the digest of the one that served when the table was drawn."""
    reason = str(st.session_state.get(f"reason-{release.name}", ""))
    _tried(lambda: promotion.promote(resources.workspace(), release, who(), shown, reason))


def roll_back(name: str, shown: str) -> None:
    """Let a release that served before take over again."""
    _tried(lambda: promotion.roll_back(resources.workspace(), who(), shown, name))


def go_on(shown: str) -> None:
    """Go on with a takeover that was cut off."""
    _tried(lambda: promotion.go_on(resources.workspace(), who(), shown))


def say() -> None:
    """Draw once what went wrong with the last press."""
    words = st.session_state.pop(ERROR, "")
    if words:
        st.error(words, icon=":material/error:")


def changed(candidate: Release, asked: str | None) -> list[Change]:
    """Return what a release changes for the newest queries of a person, or of anybody; looked up and audited once."""
    workspace, serving = resources.workspace(), resources.release()
    wanted = (candidate.digest, serving.digest, asked, moment(workspace))
    kept = st.session_state.get(CHANGES)
    if kept is None or kept[0] != wanted:
        preview = _preview(
            str(workspace.path), candidate.digest, serving.digest, sum(workspace.counts().values()), serving, candidate
        )
        kept = st.session_state[CHANGES] = wanted, changes(workspace, preview, asked, reader=who() or resources.WHO)
    found: list[Change] = kept[1]
    return found


@st.cache_resource(show_spinner=False, max_entries=2)
def _preview(path: str, candidate: str, serving: str, studies: int, _serving: Release, _candidate: Release) -> Preview:
    """Make the codes that a release would give, once for everybody."""
    return Preview(resources.workspace(), _serving, _candidate)


def _tried(deed: Callable[[], object]) -> None:
    try:
        deed()
    except CasebindError as problem:
        st.session_state[ERROR] = str(problem)
