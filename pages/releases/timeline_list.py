"""The releases, newest first: who made them of how many ratings, how they did, when they were promoted."""

from __future__ import annotations

import streamlit as st

from engine.learning.timeline import TimelineEntry
from engine.store.promotions import DONE, PromotionRow
from engine.strings import several, text
from pages.releases import state
from pages.shared import html_table
from pages.shared.markdown import escaped
from pages.shared.session import rater


def draw_timeline(entries: list[TimelineEntry], serving: TimelineEntry) -> None:
    """Draw the list."""
    st.subheader(text("releases.timeline"), anchor=False)
    for one in entries:
        with st.container(border=True, key=f"release-{one.digest[:12]}"):
            _entry(one)
            if one.release is not None:
                with st.container(horizontal=True, gap="small"):
                    _buttons(one, serving)


def _buttons(entry: TimelineEntry, serving: TimelineEntry) -> None:
    """Draw the ways to a round's figures, and back to a release that served before."""
    if entry.made_from:
        st.button(
            text("releases.look"),
            key=f"look-{entry.name}",
            icon=":material/visibility:",
            on_click=state.select_release,
            args=(entry.name,),
            help=text("releases.look_help", name=entry.name),
        )
    if entry.can_roll_back and not entry.serves:
        st.button(
            text("releases.back", name=entry.name),
            key=f"back-{entry.name}",
            icon=":material/undo:",
            on_click=state.roll_back,
            args=(entry.name, serving.digest),
            disabled=not rater().name,
            help=text("releases.back_help") if rater().name else text("releases.name_first"),
        )


def _entry(entry: TimelineEntry) -> None:
    serves = f" :blue-badge[:material/check_circle: {text('releases.serves')}]" if entry.serves else ""
    lines = [f"**{escaped(entry.name)}**{serves}"]
    day = entry.created[:16].replace("T", " ")
    if entry.made_from:
        lines.append(f":small[{escaped(_made(entry, day))}]")
        if entry.before is not None and entry.after is not None:
            values = {"before": entry.before, "without": entry.without, "after": entry.after}
            if entry.pairs:
                del values["without"]
            key = "releases.bound_figures" if entry.pairs else "releases.figures"
            figures = text(key, **{name: _of_ten(value) for name, value in values.items()})
            lines.append(f":small[{figures}] {verdict_badge(entry.passed, entry.failed_guards)}")
    else:
        lines.append(f":small[{text('releases.shipped', day=day) if entry.release else text('releases.gone')}]")
    lines += [f":small[{escaped(_promotion_line(row))}]" for row in entry.promotions]
    st.markdown("  \n".join(lines))


def _made(entry: TimelineEntry, day: str) -> str:
    """Say who made a release, and of what: ratings, or pairs of one visit."""
    about = {"who": entry.who, "base": entry.made_from, "day": day}
    if entry.pairs:
        return several(entry.pairs, "releases.bound", **about)
    made = several(entry.ratings, "releases.made", raters=several(entry.raters, "releases.raters"), **about)
    return f"{made}; {text(f'balance.made_{entry.balance}')}" if entry.balance else made


def _of_ten(share: float | None) -> str:
    return text("releases.not_measured") if share is None else f"{10 * share:.1f}"


def verdict_badge(passed: bool | None, failed_guards: tuple[str, ...]) -> str:
    """Return the gate's verdict as a badge of icon and words."""
    if passed:
        return f":green-badge[:material/check: {text('releases.passes')}]"
    return f":orange-badge[:material/warning: {several(len(failed_guards), 'releases.fails')}]"


def _promotion_line(row: PromotionRow) -> str:
    """Say when and by whom a release was promoted, and why where guards had fallen."""
    words = text(f"releases.{row.kind}", who=row.who, day=f"{row.began_at:%Y-%m-%d %H:%M}", before=row.from_release)
    return f"{words} {text('releases.because', reason=row.reason)}" if row.reason else words


def draw_history(rows: list[PromotionRow]) -> None:
    """Draw every promotion that was asked for, as it ended."""
    if not rows:
        return
    with st.expander(text("releases.history")):
        found = [_cells(row) for row in reversed(rows)]
        names = ("when", "what", "by", "from", "to", "gate", "reason", "ended")
        html_table.draw_html_table([text(f"releases.column_{name}") for name in names], found)


def _cells(row: PromotionRow) -> tuple[str, ...]:
    gated = text(f"releases.gate_{row.passes}") if row.kind == "promotion" else ""
    ended = text("releases.state_done") if row.state == DONE else row.why or text("releases.state_running")
    kind = text(f"releases.kind_{row.kind}")
    return f"{row.began_at:%Y-%m-%d %H:%M}", kind, row.who, row.from_release, row.to_release, gated, row.reason, ended
