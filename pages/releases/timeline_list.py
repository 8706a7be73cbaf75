"""The releases, newest first: who made them of how many ratings, how they did, when they were put in place."""

from __future__ import annotations

import streamlit as st

from engine.learning.timeline import Entry
from engine.store.promotions import DONE, Row
from pages.releases import html_table, state
from pages.shared.markdown import plain
from pages.shared.strings import several, text


def draw(entries: list[Entry], serving: Entry) -> None:
    """Draw the list."""
    st.subheader(text("releases.timeline"), anchor=False)
    for one in entries:
        with st.container(border=True, key=f"release-{one.digest[:12]}"):
            _entry(one)
            if one.release is not None:
                with st.container(horizontal=True, gap="small"):
                    _buttons(one, serving)


def _buttons(one: Entry, serving: Entry) -> None:
    """Draw the ways to a round's figures, and back to a release that served before."""
    if one.made_from:
        st.button(
            text("releases.look"),
            key=f"look-{one.name}",
            icon=":material/visibility:",
            on_click=state.look,
            args=(one.name,),
            help=text("releases.look_help", name=one.name),
        )
    if one.served and not one.serves:
        st.button(
            text("releases.back", name=one.name),
            key=f"back-{one.name}",
            icon=":material/undo:",
            on_click=state.roll_back,
            args=(one.name, serving.digest),
            disabled=not state.who(),
            help=text("releases.back_help") if state.who() else text("releases.name_first"),
        )


def _entry(one: Entry) -> None:
    serves = f" :blue-badge[:material/check_circle: {text('releases.serves')}]" if one.serves else ""
    lines = [f"**{plain(one.name)}**{serves}"]
    day = one.created[:16].replace("T", " ")
    if one.made_from:
        raters = several(one.raters, "releases.raters")
        made = several(one.ratings, "releases.made", who=one.who, base=one.made_from, day=day, raters=raters)
        lines.append(f":small[{plain(made)}]")
        if one.before is not None and one.after is not None:
            figures = text("releases.figures", before=f"{one.before:.3f}", after=f"{one.after:.3f}")
            lines.append(f":small[{figures}] {verdict(one.passes, one.falls)}")
    else:
        lines.append(f":small[{text('releases.shipped', day=day) if one.release else text('releases.gone')}]")
    lines += [f":small[{plain(_put(row))}]" for row in one.takeovers]
    st.markdown("  \n".join(lines))


def verdict(passes: bool | None, falls: tuple[str, ...]) -> str:
    """Return the gate's verdict as a badge of icon and words."""
    if passes:
        return f":green-badge[:material/check: {text('releases.passes')}]"
    return f":orange-badge[:material/warning: {several(len(falls), 'releases.fails')}]"


def _put(row: Row) -> str:
    """Say when and by whom a release was put in place, and why where guards had fallen."""
    words = text(f"releases.{row.kind}", who=row.who, day=f"{row.began_at:%Y-%m-%d %H:%M}", before=row.from_release)
    return f"{words} {text('releases.because', reason=row.reason)}" if row.reason else words


def draw_history(rows: list[Row]) -> None:
    """Draw every takeover that was asked for, as it ended."""
    if not rows:
        return
    with st.expander(text("releases.history")):
        found = [_cells(row) for row in reversed(rows)]
        names = ("when", "what", "by", "from", "to", "gate", "reason", "ended")
        html_table.draw([text(f"releases.column_{name}") for name in names], found)


def _cells(row: Row) -> tuple[str, ...]:
    gated = text(f"releases.gate_{row.passes}") if row.kind == "promotion" else ""
    ended = text("releases.state_done") if row.state == DONE else row.why or text("releases.state_running")
    kind = text(f"releases.kind_{row.kind}")
    return f"{row.began_at:%Y-%m-%d %H:%M}", kind, row.who, row.from_release, row.to_release, gated, row.reason, ended
