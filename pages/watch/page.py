"""Watch: alarms that stand and what to do, and each signal of one source over time with its usual band.

/watch?source=<modality>/<source> looks at one source; &who=<name> is who acknowledges.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.monitor.watched import WatchedSignal, WatchView
from engine.strings import number, several, text
from pages.shared import frame, html_table, session
from pages.shared.markdown import escaped
from pages.shared.theme import browser_theme
from pages.watch import alarms, state, unsteady, words
from pages.watch.figure import figure

COLUMNS = ("signal", "reference", "last", "usual", "p", "evidence", "queries")


def draw() -> None:
    """Draw the alarms that stand, then one source: picture, numbers, refusals."""
    frame.describe(text("watch.title"), screen="watch")
    session.show_error(state.ERROR)
    st.title(text("watch.title"), anchor=False)
    seen = state.seen()
    _line(seen)
    state.draw_running()
    alarms.draw_standing(seen.standing)
    unsteady.draw_unsteady()
    sources = list(dict.fromkeys((one.modality, one.source) for one in seen.signals))
    if not sources:
        st.info(text("watch.nothing"), icon=":material/monitoring:")
        return
    chosen = st.selectbox(
        text("watch.source"),
        sources,
        index=sources.index(first) if (first := state.named() or _alarmed(seen)) in sources else 0,
        format_func=lambda one: words.source(*one),
        key="watch-source",
    )
    st.query_params[state.SOURCE] = "/".join(chosen)
    _picture([one for one in seen.signals if (one.modality, one.source) == chosen])
    _refusals(seen, chosen)
    alarms.draw_acknowledged(seen.acknowledged)


def _alarmed(seen: WatchView) -> tuple[str, str] | None:
    """Return modality and source of the newest alarm that stands, which are looked at first."""
    newest = seen.standing[-1] if seen.standing else None
    return None if newest is None else (newest.modality, newest.source)


def _line(seen: WatchView) -> None:
    """Draw what is compared with what, when it was looked at last, and the button that looks now."""
    with st.container(horizontal=True, vertical_alignment="center", key="watch-line"):
        when = text("watch.never") if seen.last_run is None else f"{seen.last_run:%Y-%m-%d %H:%M} UTC"
        left_out = text("watch.left_out", synthetic=seen.left_out["synthetic"], words=seen.left_out["text"])
        st.markdown(f"{text('watch.lead', release=seen.release)} {text('watch.last_run', when=when)} {left_out}")
        st.button(
            text("watch.run"),
            key="watch-run",
            icon=":material/refresh:",
            on_click=state.begin,
            disabled=state.is_running(),
        )


def _picture(signals: Sequence[WatchedSignal]) -> None:
    """Draw each signal with its usual band, and the numbers below."""
    st.plotly_chart(
        figure(signals, browser_theme()),
        key="watch-chart",
        theme=None,
        config={"displayModeBar": False},
        alt=" ".join(words.said(one) for one in signals),
    )
    st.markdown(f":small[{text('watch.how_to_read')}]")
    with st.expander(text("watch.numbers")):
        rows = [_row(one) for one in signals]
        html_table.draw_html_table(
            [text(f"watch.column_{name}") for name in COLUMNS], rows, [one.alarm is not None for one in signals]
        )


def _row(one: WatchedSignal) -> tuple[str, ...]:
    name = words.signal(one.signal)
    if not one.windows:
        return (name, "–", words.too_few(one), "–", "–", "–", number(one.waiting))
    last = one.windows[-1]
    evidence = f"{one.evidence.value if one.evidence else 0:.3g} / {one.limit:.0f}"
    usual = text("watch.between", low=words.figure(last.low), high=words.figure(last.high))
    return (
        name,
        words.reference(last.reference),
        words.figure(last.value),
        usual,
        f"{last.p:.2g}",
        evidence,
        number(one.queries),
    )


def _refusals(seen: WatchView, chosen: tuple[str, str]) -> None:
    """Draw how many recordings of the source were refused, by cause."""
    mine = [(cause, n) for modality, source, cause, n in seen.refusals if (modality, source) == chosen]
    if mine:
        with st.expander(several(sum(n for _, n in mine), "watch.refusals")):
            listed = [f"- {escaped(cause)}: {number(n)}" for cause, n in mine]
            st.markdown("\n".join(listed))


draw()
