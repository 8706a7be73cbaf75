"""The gate: a plain verdict, then every figure before and after with its interval and what guards it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from engine.learning import gate
from engine.learning.gate import GateRow
from engine.model.release import Release
from engine.retrieval import wording
from engine.strings import number, one_of, several, text
from pages.releases import earned, own_pairs
from pages.shared import html_table
from pages.shared.markdown import escaped

ROUND = ("measure", "n", "before", "without", "after", "difference", "earned", "guard")
BOUND = ("measure", "n", "before", "now", "difference", "guard")  # of what is compared with before alone
OPEN = ("overall", "ratings", "pair", "group")  # sections that are seen at once; labels on request


def draw_gate(release: Release) -> None:
    """Draw verdict, table, and what the raters' marks say against the labels."""
    rows, verdict, about = gate.table(release), gate.verdict(release), release.manifest["round"]
    if verdict.passed:
        st.success(text("releases.verdict_passes"), icon=":material/check:")
    else:
        falls = "\n".join(f"- {escaped(one)}" for one in verdict.failed_guards)
        st.warning(f"{text('releases.verdict_fails')}\n\n{falls}", icon=":material/warning:")
    bound = about.get("adaptation")
    alone = bound is None and "federation" not in about
    if alone:
        earned.draw_earned(rows, about.get("kept_apart", 0))
    elif bound is not None:
        own_pairs.draw_own_pairs(bound)
    note = text("releases.table_note", kept=about.get("kept_apart", 0), frozen=_holdout_counts(about.get("frozen", {})))
    made_up = about.get("synthetic", 0)
    st.markdown(f"{note} {several(made_up, 'releases.synthetic') if made_up else ''}")
    if any(row.section in OPEN for row in rows):
        _table([row for section in OPEN for row in rows if row.section == section], ROUND if alone else BOUND)
    labels = [row for row in rows if row.section == "label"]
    if labels:
        with st.expander(text("releases.labels")):
            st.markdown(text("releases.labels_note"))
            _table(labels, ROUND if alone else BOUND)
    _raters(about)


def _holdout_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {text(f'modality_plains.{kind}')}" for kind, n in counts.items())


def _table(rows: list[GateRow], columns: Sequence[str]) -> None:
    heads = [text(f"releases.column_{name}") for name in columns]
    cells = [[_cells(row)[name] for name in columns] for row in rows]
    html_table.draw_html_table(heads, cells, [row.falls for row in rows])


def _cells(row: GateRow) -> dict[str, str]:
    """Return a row as words by column; a guard is said in words and with a sign, never by colour."""
    return {
        "measure": name_of(row),
        "n": _counted(row),
        "before": f"{row.before:.3f}",
        "without": text("releases.not_measured") if row.without is None else f"{row.without:.3f}",
        "after": f"{row.after:.3f}",
        "now": f"{row.after:.3f}",
        "difference": _change(row.difference, row.low, row.high),
        "earned": _earned(row),
        "guard": _guard(row),
    }


def _counted(row: GateRow) -> str:
    """Return how many studies ask, or how many rated pairs are compared."""
    return text("releases.n_ratings", n=number(row.n)) if row.section == "ratings" else number(row.n)


def _change(by: float, low: float, high: float) -> str:
    """Return a difference with its interval, without one where none could be drawn."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return _signed(by)
    return f"{_signed(by)} ({text('releases.span', low=_signed(low), high=_signed(high))})"


def _earned(row: GateRow) -> str:
    """Return what the ratings changed, or why that cannot be said."""
    if row.earned is None or row.earned_low is None or row.earned_high is None:
        return text("releases.not_measured")
    if row.verdict_on_ratings == "too_few":
        return text("releases.too_few")
    return _change(row.earned, row.earned_low, row.earned_high)


def _signed(value: float) -> str:
    """Return a difference with its sign, a minus as long as a plus."""
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def name_of(row: GateRow) -> str:
    """Return what a row measures, in words."""
    if row.section == "pair":
        query, target = row.name.split(">")
        return text("releases.pair", query=text(f"modality_one.{query}"), target=text(f"modality_plains.{target}"))
    if row.section == "group":
        kind, _, value = row.name.partition(" ")
        return f"{text(f'releases.group_{kind}')}: {one_of('sex', value) if kind == 'sex' else value}"
    return wording.finding(row.name) if row.section == "label" else text(f"releases.measure_{row.section}")


def _guard(row: GateRow) -> str:
    if row.too_few:
        return text("releases.guard_few", least=gate.MIN_STUDIES)
    if not row.guarded:
        return text("releases.guard_none")
    return text("releases.guard_falls" if row.falls else "releases.guard_holds", limit=gate.limit(row.section))


def _raters(about: dict[str, Any]) -> None:
    """Say how everybody's marks agree with labels and other raters, and how much they weighed."""
    raters = [one for one in about.get("raters", []) if "share" in one]
    if not raters:
        return
    with st.expander(several(len(raters), "releases.raters_title")):
        st.markdown(text("releases.raters_note"))
        found = [_rater(one) for one in raters]
        names = ("by", "compared", "right", "interval", "weight")
        html_table.draw_html_table([text(f"releases.column_{name}") for name in names], found)


def _rater(rater: dict[str, Any]) -> tuple[str, ...]:
    span = text("releases.span", low=f"{rater['low']:.2f}", high=f"{rater['high']:.2f}")
    return rater["who"], number(rater["n"]), f"{rater['share']:.2f}", span, f"{rater['weight']:.2f}"
