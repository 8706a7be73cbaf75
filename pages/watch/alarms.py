"""The alarms that stand: in words, with what to do, and the form that acknowledges one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.store.alarms import DECISIONS, MIN_REASON, STOP, Acknowledgement, Alarm
from engine.strings import several, text
from pages.shared import free_text
from pages.shared.markdown import escaped
from pages.shared.session import draw_name, rater
from pages.watch import state, words

MAX_REASON = 300  # characters
SHOWN = 20  # acknowledgements, the newest first


def draw_standing(standing: Sequence[Alarm]) -> None:
    """Draw every alarm that nobody has acknowledged; one sentence where there is none."""
    if not standing:
        st.success(text("watch.no_alarm"), icon=":material/check_circle:")
        return
    draw_name("watch-who", text("watch.who"), width=320)
    for one in reversed(standing):
        _draw(one)


def draw_acknowledged(made: Sequence[Acknowledgement]) -> None:
    """Draw who acknowledged which alarm, and why."""
    if not made:
        return
    with st.expander(several(len(made), "watch.acknowledged")):
        for one in list(reversed(made))[:SHOWN]:
            about = {"signal": words.signal(one.signal), "source": words.source(one.modality, one.source)}
            decision = text(f"watch.decision_{one.decision}")
            when = f"{one.made_at:%Y-%m-%d %H:%M}"
            line = text("watch.acknowledged_line", when=when, who=one.who, decision=decision, **about)
            st.markdown(f"- {escaped(line)}: {escaped(one.reason)}")


def _draw(one: Alarm) -> None:
    key = f"watch-{one.number}"
    icon = "block" if one.level == STOP else "visibility"
    level = text("watch.level_stop" if one.level == STOP else "watch.level_look")
    with st.container(border=True, key=f"alarm-{one.number}"):
        st.markdown(f":material/{icon}: **{level}** · {escaped(words.alarm(one))}")
        advice = text(f"watch.advice_{one.signal.replace(' ', '_')}")
        st.markdown(f"{advice} :small[{text('watch.runbook', signal=one.signal)} · {one.raised_at:%Y-%m-%d %H:%M} UTC]")
        with st.expander(text("watch.acknowledge_open")):
            st.radio(
                text("watch.decision"),
                DECISIONS,
                key=f"{key}-decision",
                format_func=lambda name: text(f"watch.decision_{name}"),
                captions=[text(f"watch.decision_{name}_help") for name in DECISIONS],
            )
            reason = free_text.draw_box(
                st.text_input, text("watch.reason", least=MIN_REASON), f"{key}-reason", max_chars=MAX_REASON
            )
            ready = bool(rater().name) and len(" ".join((reason or "").split())) >= MIN_REASON
            st.button(
                text("watch.acknowledge"),
                key=f"{key}-acknowledge",
                icon=":material/task_alt:",
                on_click=state.acknowledged,
                args=(one.number, key),
                disabled=not ready,
            )
