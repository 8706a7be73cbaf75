"""Promotion and the way back: one button, a reason where guards fell, and how far the re-index is."""

from __future__ import annotations

import streamlit as st

from engine.learning import promotion
from engine.learning.promotion import LEAST_REASON, Moving
from engine.learning.timeline import Entry
from pages.releases import state
from pages.shared import resources
from pages.shared.markdown import plain
from pages.shared.strings import text

LONGEST_REASON = 300  # characters


def draw_moving(moving: Moving | None) -> None:
    """Draw a takeover on its way, one that failed, or one that was cut off by the end of a server."""
    if moving is not None and not moving.over:
        _progress(moving)
        return
    if moving is not None and moving.why:
        st.warning(plain(moving.why), icon=":material/error:")
    cut = promotion.interrupted(resources.workspace())
    if cut is not None:
        words = text(f"releases.cut_{cut.kind}", name=cut.to_release, who=cut.who, serving=cut.from_release)
        st.warning(plain(words), icon=":material/pause_circle:")
        st.button(
            text("releases.go_on", name=cut.to_release),
            key="go-on",
            icon=":material/play_arrow:",
            on_click=state.go_on,
            args=(cut.from_digest,),
            disabled=not state.who(),
            help=None if state.who() else text("releases.name_first"),
        )


@st.fragment(run_every=state.LOOK_EVERY_S)
def _progress(moving: Moving) -> None:
    """Draw how many studies have their new codes; the page is drawn anew at the end."""
    if moving.over:
        st.rerun(scope="app")
    before, after = moving.asked.before[0], moving.asked.after[0]
    st.progress(moving.share, text=text("releases.moving", before=before, after=after, who=moving.asked.who))


def draw(shown: Entry, serving: Entry) -> None:
    """Draw the button that promotes, and why it cannot be pressed where it cannot."""
    if shown.release is None:
        return
    about, busy = shown.release.manifest["round"], promotion.present(resources.workspace())
    if about["from_digest"] != serving.digest:
        st.info(
            text("releases.other_base", name=shown.name, base=about["from"], serving=serving.name),
            icon=":material/info:",
        )
        return
    reason = ""
    if not shown.passes:
        reason = st.text_input(
            text("releases.reason", least=LEAST_REASON),
            key=f"reason-{shown.name}",
            max_chars=LONGEST_REASON,
            help=text("releases.reason_help"),
        )
    given = bool(shown.passes) or len(" ".join((reason or "").split())) >= LEAST_REASON
    st.button(
        text("releases.promote", name=shown.name),
        key="promote",
        type="primary",
        icon=":material/publish:",
        disabled=not (state.who() and given) or (busy is not None and not busy.over),
        on_click=state.promote,
        args=(shown.release, serving.digest),
    )
    why = "promote_note" if given else "reason_first"
    st.markdown(f":small[{text(f'releases.{why}' if state.who() else 'releases.name_first')}]")
