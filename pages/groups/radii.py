"""A radius for each group: what it would give and cost, where figures offer it; and the switch that uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from engine.evaluate.group_radii import OfferedRadii
from engine.strings import text
from pages.groups import state, words
from pages.shared import permitted, session


def draw(section: Mapping[str, Any], offers: Sequence[OfferedRadii]) -> None:
    """Draw what the chosen comparison offers, and what is in use whatever comparison is chosen."""
    session.show_error(state.ERROR)
    trial = section.get("radii")
    if trial and trial["offered"]:
        _offer(section, trial, offers)
    used = [one.radii for one in offers if one.on]
    if used:
        named = "; ".join(words.comparison(one.query, one.source, one.by) for one in used)
        st.markdown(f":material/tune: {text('group_radius.in_use', radii=named)}")


def _offer(section: Mapping[str, Any], trial: Mapping[str, Any], offers: Sequence[OfferedRadii]) -> None:
    """Say what radii would give and cost patients who did not choose them; a maintainer switches them."""
    mine = [one for one in offers if one.trial is trial or one.trial == trial]
    radii = ", ".join(f"{words.value(section['by'], name)} {radius}" for name, radius in trial["radii"].items())
    figures = {"before": trial["before"]["value"], "after": trial["after"]["value"], "band": trial["after"]["band"]}
    kept = {"found": trial["kept_found"]["value"], "precision": trial["kept_precision"]["value"]}
    said = {name: f"{value:.2f}" for name, value in figures.items()} | {name: f"{v:.0%}" for name, v in kept.items()}
    line = text("groups.radii", by=words.by(section["by"]), radii=radii, common=trial["common"], **said)
    can_switch = bool(mine) and permitted.may("curate")
    on = any(one.on for one in mine)
    st.markdown(line if on or can_switch else f"{line} {text('group_radius.off')}")
    if can_switch:
        _switch(mine[0], offers)


def _switch(mine: OfferedRadii, offers: Sequence[OfferedRadii]) -> None:
    one = mine.radii
    key = f"groups-radii-{one.query}-{one.target}-{one.source}-{one.by}"
    st.session_state[key] = mine.on
    st.toggle(
        text("group_radius.use"),
        key=key,
        help=text("group_radius.use_help"),
        on_change=state.switch_radii,
        args=(one, key),
    )
    other = [o.radii.by for o in offers if o.on and o is not mine and _alike(o, mine)]
    if other and not mine.on:
        st.markdown(f":small[{text('group_radius.instead', by=words.by(other[0]))}]")


def _alike(one: OfferedRadii, other: OfferedRadii) -> bool:
    return (one.radii.query, one.radii.target) == (other.radii.query, other.radii.target)
