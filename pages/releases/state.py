"""What the releases screen remembers: in the URL the release that is looked at, in the session what went wrong."""

from __future__ import annotations

import streamlit as st

from engine.learning import adaptation_job, beginning, promotion, round_job
from engine.learning.adaptation_fit import AdaptationPlan
from engine.learning.preview import Preview, QueryChange, preview_changes, version
from engine.learning.timeline import TimelineEntry
from engine.model.release import Release
from pages.shared import free_text, resources
from pages.shared.session import attempt, rater, reader

RELEASE = "release"  # its name in the URL
ENCODERS = "adapt-encoders"  # key of the box that asks for adapted encoders
BALANCE = "round-balance"  # key of the choice of groups that count equally
ERROR, CHANGES = "releases-error", "releases-changes"
POLL_S = 1.0  # between two looks at a running round or promotion


def selected_entry(entries: list[TimelineEntry]) -> TimelineEntry | None:
    """Return the round's release that the URL names; the newest that does not serve, or else the newest, where none."""
    made = [one for one in entries if one.made_from and one.release is not None]
    named = [one for one in made if one.name == st.query_params.get(RELEASE)]
    return next(iter([*named, *(one for one in made if not one.serves), *made]), None)


def select_release(name: str) -> None:
    """Look at a release."""
    st.query_params[RELEASE] = name


def start_round() -> None:
    """Begin a round on the serving release, or go on with one that was killed."""
    place, release, who = resources.workspace(), resources.release(), rater()
    by = str(st.session_state.get(BALANCE) or "")
    attempt(ERROR, lambda: beginning.start(place, lambda: round_job.begin(place, release, who, by)))
    st.query_params.pop(RELEASE, None)  # the release that comes is looked at


def start_adaptation() -> None:
    """Begin to bind the collection's own pairs, or go on with a binding that was killed."""
    plan = AdaptationPlan(encoders=bool(st.session_state.get(ENCODERS)))
    place, release, who = resources.workspace(), resources.release(), rater()
    attempt(ERROR, lambda: beginning.start(place, lambda: adaptation_job.begin(place, release, who, plan)))
    st.query_params.pop(RELEASE, None)


def seen() -> None:
    """Say no more, to anybody, why the last round or binding could not begin."""
    beginning.seen(resources.workspace())


def cancel() -> None:
    """End the round or the adaptation that runs."""
    attempt(ERROR, lambda: round_job.cancel(resources.workspace(), rater()))


def promote(release: Release, serving_digest: str) -> None:
    """Promote a release. serving_digest : of the one that served when the table was drawn"""
    key = f"reason-{release.name}"
    reason = free_text.settled(key, str(st.session_state.get(key, "")))
    attempt(ERROR, lambda: promotion.promote(resources.workspace(), release, rater(), serving_digest, reason))


def roll_back(name: str, serving_digest: str) -> None:
    """Roll back to a release that served before."""
    attempt(ERROR, lambda: promotion.roll_back(resources.workspace(), rater(), serving_digest, name))


def resume_promotion(serving_digest: str) -> None:
    """Go on with a promotion that was interrupted."""
    attempt(ERROR, lambda: promotion.resume(resources.workspace(), rater(), serving_digest))


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
        kept = st.session_state[CHANGES] = (wanted, preview_changes(workspace, reader(), preview, asked_by))
    found: list[QueryChange] = kept[1]
    return found


@st.cache_resource(show_spinner=False, max_entries=2)
def _preview(path: str, candidate: str, serving: str, studies: int, _serving: Release, _candidate: Release) -> Preview:
    """Make the codes that a release would give, once for everybody."""
    return Preview(resources.workspace(), _serving, _candidate)
