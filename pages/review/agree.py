"""How far raters agree: everyone, two by two, pair by pair; and how far each rater's marks can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine.actor import Actor
from engine.learning import agreement, blind, reliability
from engine.learning.agreement import Coefficient, Disputed
from engine.learning.queue import shown_ratings
from engine.store.records import Rating
from engine.strings import several, text
from pages.review import state
from pages.shared import resources
from pages.shared.link import link
from pages.shared.markdown import escaped
from pages.shared.session import rater

MAX_LISTED = 20  # disputed pairs


def draw_agreement() -> None:
    """Draw the screen of its own."""
    state.draw_view_head("agreement.title")
    draw_agreement_figures(rater())


def draw_agreement_figures(actor: Actor) -> None:
    """Draw all figures, of pairs that this rater may be shown; single ones where their marks may be seen, too."""
    ratings = shown_ratings(resources.workspace(), actor)
    found = agreement.agreement(ratings)
    st.subheader(text("agreement.overall"), anchor=False)
    st.markdown(_words("agreement.alpha", found.alpha))
    st.markdown(f":small[{text('agreement.about')}]")
    if found.kappas:
        st.subheader(text("agreement.two"), anchor=False)
        rows = [(escaped(one.first), escaped(one.second), *_cells(one.coefficient)) for one in found.kappas]
        _table(rows, ("rater", "other", "kappa", "interval", "n"))
    _raters(actor, ratings)
    mine = {one.pair for one in blind.visible(ratings, actor)}
    _pairs([one for one in found.pairs if (one.query_id, one.study_id) in mine], len(found.pairs))


def _raters(actor: Actor, ratings: Sequence[Rating]) -> None:
    """Draw each rater's estimated share of right marks and what their marks weigh in a round."""
    expected = reliability.expected(resources.workspace(), actor, ratings)
    known = reliability.reliability(ratings, expected)
    if not known:
        return
    st.subheader(text("agreement.raters"), anchor=False)
    st.markdown(text("agreement.raters_about"))
    rows = [
        (
            escaped(who),
            f"{one.weight:.2f}",
            f"{100 * one.share:.0f}",
            _interval(100 * one.low, 100 * one.high, 0),
            one.n,
        )
        for who, one in sorted(known.items(), key=lambda pair: -pair[1].weight)
    ]
    _table(rows, ("rater", "weight", "share", "interval", "compared"))


def _pairs(visible_pairs: list[Disputed], total: int) -> None:
    """Draw the most disputed pairs with links to look at them again."""
    st.subheader(text("agreement.disputed"), anchor=False)
    apart = [one for one in visible_pairs if one.apart > 0]
    if not apart:
        st.markdown(text("agreement.disputed_none"))
    for one in apart[:MAX_LISTED]:
        said = "; ".join(f"{escaped(rater)}: {text(f'mark.{mark}')}" for rater, mark in one.ratings)
        address = link("compare", query=one.query_id, case=one.study_id)
        named = text("agreement.compare", query=escaped(one.query_id), study=escaped(one.study_id))
        st.markdown(f"[{named}]({address})  \n:small[{text('agreement.apart', apart=one.apart)} {said}]")
    if len(apart) > MAX_LISTED:
        st.markdown(f":small[{text('agreement.listed', n=MAX_LISTED, total=len(apart))}]")
    if total > len(visible_pairs) and state.has_name():
        st.markdown(f":small[{several(total - len(visible_pairs), 'agreement.hidden')}]")


def _words(key: str, figure: Coefficient) -> str:
    """Return a coefficient with interval and numbers in words, or why there is none."""
    if figure.value is None:
        return text(f"agreement.{figure.reason}")
    interval = (
        text("agreement.no_interval")
        if figure.low is None
        else text("agreement.between", low=figure.low, high=figure.high)
    )
    return text(key, value=figure.value, interval=interval, n=figure.n, raters=figure.raters)


def _cells(figure: Coefficient) -> tuple[object, ...]:
    """Return value, interval and number of pairs as cells; a reason stands in place of the value."""
    if figure.value is None:
        return text(f"agreement.short_{figure.reason}"), "", figure.n
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}", text("agreement.no_interval"), figure.n
    return f"{figure.value:.2f}", _interval(figure.low, figure.high, 2), figure.n


def _interval(low: float, high: float, digits: int) -> str:
    return text("agreement.interval", low=f"{low:.{digits}f}", high=f"{high:.{digits}f}")


def _table(rows: Sequence[tuple[object, ...]], names: tuple[str, ...]) -> None:
    st.table(pd.DataFrame(rows, columns=[text(f"agreement.column_{name}") for name in names]), hide_index=True)
