"""The round or adaptation that is on its way or could be made: progress, a way to cancel it, what it said."""

from __future__ import annotations

import streamlit as st

from engine.learning import beginning, round_job
from engine.learning.adaptation_job import LEAST_PAIRS
from engine.learning.group_balance import BALANCES
from engine.learning.round_data import new_ratings, ratings_cutoff
from engine.learning.round_job import RoundJob
from engine.learning.timeline import TimelineEntry
from engine.strings import number, several, text
from pages.releases import state
from pages.shared import resources, session
from pages.shared.markdown import said
from pages.shared.session import rater

LOG_LINES = 12


def draw_round(serving: TimelineEntry) -> None:
    """Draw who is here, how many ratings are new, and the round; or the binding of own pairs."""
    st.subheader(text("releases.make_title"), anchor=False)
    session.draw_name("releases-who", text("releases.who"))
    present, gathering = round_job.latest_job(resources.workspace()), beginning.under_way(resources.workspace())
    if gathering or (present is not None and not present.over):
        _progress(0 if present is None or present.over else present.number)
        return
    if serving.release is not None:
        n = new_ratings(resources.workspace(), ratings_cutoff(serving.release))
        st.markdown(several(n, "releases.new", name=serving.name))
    st.segmented_control(
        text("balance.title"),
        BALANCES,
        default=BALANCES[0],
        required=True,
        key=state.BALANCE,
        format_func=lambda by: text(f"balance.{by or 'none'}"),
        help=text("balance.help"),
    )
    st.button(
        text("releases.make"),
        key="make-round",
        icon=":material/model_training:",
        on_click=state.start_round,
        disabled=not rater().name,
        type="primary",
    )
    st.markdown(f":small[{text('releases.make_note') if rater().name else text('releases.name_first')}]")
    _not_begun()
    _adaptation()
    if present is not None:
        _ended(present)


def _adaptation() -> None:
    """Draw the way to bind the collection's own pairs."""
    st.subheader(text("releases.adapt_title"), anchor=False)
    st.checkbox(text("releases.adapt_encoders"), key=state.ENCODERS, help=text("releases.adapt_encoders_help"))
    st.button(
        text("releases.adapt"),
        key="make-adaptation",
        icon=":material/link:",
        on_click=state.start_adaptation,
        disabled=not rater().name,
    )
    st.markdown(f":small[{text('releases.adapt_note', least=number(LEAST_PAIRS))}]")


def _not_begun() -> None:
    """Say why the last round or binding could not begin, until somebody has seen it."""
    if why := beginning.why_not_begun(resources.workspace()):
        st.warning(said(why), icon=":material/error:")
        st.button(text("releases.begin_seen"), key="begin-seen", icon=":material/check:", on_click=state.seen)


@st.fragment(run_every=state.POLL_S)
def _progress(shown: int) -> None:
    """Draw step and share once a second; the whole page is drawn anew when the round begins or ends.

    shown : its number; 0 where it has none yet, since its gathering has just begun
    """
    present = round_job.latest_job(resources.workspace())
    begun = present is not None and not present.over
    if not shown and not begun and beginning.under_way(resources.workspace()):
        st.progress(0.0, text=text("releases.step_gathering"))
    elif present is None or present.over or present.number != shown:
        st.rerun(scope="app")
    else:
        step = text(f"releases.step_{present.step}")
        st.progress(present.share, text=_said("running", present, step=step, who=present.who))
        st.button(text(_key("cancel", present)), key="cancel-round", icon=":material/close:", on_click=state.cancel)
        _log(present)


def _ended(last: RoundJob) -> None:
    """Say what became of the last round, where it made no release; what it said may be read in any case."""
    if last.step == "failed":
        st.warning(said(last.error), icon=":material/error:")
    elif last.step == "cancelled":
        st.info(_said("cancelled", last), icon=":material/close:")
    _log(last)


def _log(shown_job: RoundJob) -> None:
    with st.expander(_said("log", shown_job)):
        st.code(shown_job.log_tail(LOG_LINES) or text("releases.log_empty"), language=None, wrap_lines=True)


def _key(name: str, job: RoundJob) -> str:
    """Return the key of what is said of a round, or of an adaptation."""
    return f"releases.{name}" if job.kind == "round" else f"releases.{name}_{job.kind}"


def _said(name: str, job: RoundJob, **places: str) -> str:
    return text(_key(name, job), number=job.number, **places)
