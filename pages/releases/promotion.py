"""Promotion and rollback: one button, a reason where guards fell, and how far the re-index is."""

from __future__ import annotations

import streamlit as st

from engine.learning import promotion
from engine.learning.promotion import MIN_REASON, PromotionJob
from engine.learning.timeline import TimelineEntry
from engine.sentences import spoken
from engine.strings import text
from pages.releases import state
from pages.shared import free_text, resources
from pages.shared.markdown import escaped
from pages.shared.session import rater

MAX_REASON_LENGTH = 300  # characters


def draw_running_promotion(running: PromotionJob | None) -> None:
    """Draw a promotion that runs, that failed, or that the end of a server interrupted."""
    if running is not None and not running.over:
        _progress(running)
        return
    if running is not None and running.error:
        st.warning(escaped(spoken(running.error)), icon=":material/error:")
    cut = promotion.interrupted(resources.workspace())
    if cut is not None:
        words = text(f"releases.cut_{cut.kind}", name=cut.to_release, who=cut.who, serving=cut.from_release)
        st.warning(escaped(words), icon=":material/pause_circle:")
        st.button(
            text("releases.go_on", name=cut.to_release),
            key="go-on",
            icon=":material/play_arrow:",
            on_click=state.resume_promotion,
            args=(cut.from_digest,),
            disabled=not rater().name,
            help=None if rater().name else text("releases.name_first"),
        )


@st.fragment(run_every=state.POLL_S)
def _progress(running: PromotionJob) -> None:
    """Draw how many studies have their new codes; the page is drawn anew at the end."""
    if running.over:
        st.rerun(scope="app")
    before, after = running.request.before[0], running.request.after[0]
    st.progress(running.share, text=text("releases.moving", before=before, after=after, who=running.request.who))


def draw_promote_button(entry: TimelineEntry, serving: TimelineEntry) -> None:
    """Draw the button that promotes, and why it cannot be pressed where it cannot."""
    if entry.release is None:
        return
    about, busy = entry.release.manifest["round"], promotion.latest_job(resources.workspace())
    if about["from_digest"] != serving.digest:
        st.info(
            text("releases.other_base", name=entry.name, base=about["from"], serving=serving.name),
            icon=":material/info:",
        )
        return
    reason, passed = "", bool(entry.passed) and not promotion.standing_alarms(resources.workspace())
    if not passed:
        reason = free_text.draw_box(
            st.text_input,
            text("releases.reason", least=MIN_REASON),
            f"reason-{entry.name}",
            max_chars=MAX_REASON_LENGTH,
            help=text("releases.reason_help"),
        )
    given = passed or len(" ".join((reason or "").split())) >= MIN_REASON
    st.button(
        text("releases.promote", name=entry.name),
        key="promote",
        type="primary",
        icon=":material/publish:",
        disabled=not (rater().name and given) or (busy is not None and not busy.over),
        on_click=state.promote,
        args=(entry.release, serving.digest),
    )
    why = "promote_note" if given else "reason_first"
    st.markdown(f":small[{text(f'releases.{why}' if rater().name else 'releases.name_first')}]")
