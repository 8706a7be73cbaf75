"""What the ratings earned: before, without them, with them, and whether the difference is more than chance."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.learning import gate
from engine.learning.gate import GateRow
from engine.strings import text

SIDES = ("before", "without", "after")


def draw_earned(rows: Sequence[GateRow], held_out: int) -> None:
    """Draw the three figures of all held-out studies and what they and the held-out ratings say of the ratings.

    held_out : ratings that no round learns from; where they cannot be compared, no row is of them
    """
    overall = next((row for row in rows if row.section == "overall"), None)
    ratings = next((row for row in rows if row.section == "ratings"), None)
    if overall is None:
        return
    st.subheader(text("releases.earned"), anchor=False)
    st.markdown(text("releases.earned_note"))
    with st.container(key="earned"):
        for column, side in zip(st.columns(len(SIDES), border=True), SIDES, strict=True):
            value: float | None = getattr(overall, side)
            with column:
                st.markdown(f"**{text(f'releases.earned_{side}')}**  \n:small[{text(f'releases.earned_{side}_note')}]")
                shown = (
                    text("releases.not_measured") if value is None else text("releases.of_ten", n=f"{10 * value:.1f}")
                )
                st.markdown(f"### {shown}")
    lines = (("by_labels", _by_labels(overall)), ("by_ratings", _by_ratings(ratings, held_out)))
    st.markdown("  \n".join(f"{text(f'releases.{name}')} {said}" for name, said in lines))


def _by_labels(row: GateRow) -> str:
    verdict = row.verdict_on_ratings
    if verdict == "too_few":
        return text("releases.few_studies", n=row.n, least=gate.MIN_STUDIES)
    return _said(verdict, row, 10, text("releases.unit_ten"))


def _by_ratings(row: GateRow | None, held_out: int) -> str:
    if row is None or (row.verdict_on_ratings == "too_few"):
        return text("releases.few_ratings", n=held_out if row is None else row.n, least=gate.MIN_STUDIES)
    return _said(row.verdict_on_ratings, row, 100, text("releases.unit_pairs"))


def _said(verdict: str, row: GateRow, scale: float, unit: str) -> str:
    """Return a verdict in words, with the difference and its interval in whole units."""
    if row.earned is None or row.earned_low is None or row.earned_high is None:
        return text("releases.unknown")
    low, high = (
        sorted((row.earned_low, row.earned_high), key=abs) if verdict == "less" else (row.earned_low, row.earned_high)
    )
    numbers = {"by": row.earned, "low": low, "high": high}
    shown = {name: _number(scale * value, signed=verdict == "chance") for name, value in numbers.items()}
    return text(f"releases.ratings_{verdict}", unit=unit, **shown)


def _number(value: float, *, signed: bool) -> str:
    """Return a number with one digit; unsigned where the words say which way it goes."""
    return f"{value:+.1f}".replace("-", "\N{MINUS SIGN}") if signed else f"{abs(value):.1f}"
