"""Why two studies match: a first map at once, refined under a progress bar that can be stopped, with its caveats."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.answer import Answer, Neighbour
from engine.explain.colours import symmetric_limit
from engine.explain.pair import GAP_LIMIT, InputMap, PairMaps, explain_pair
from engine.explain.words import CAVEAT
from engine.study import Film, Study
from pages.search import parts
from pages.shared import content, legend, resources
from pages.shared.keys import KEYS
from pages.shared.markdown import plain
from pages.shared.strings import text
from pages.shared.theme import browser_theme, paper

BUDGET_S = 15.0  # seconds of refinement before the map is left as it is
OPACITY = 75  # per cent, until the user chooses
Places = tuple[DeltaGenerator, DeltaGenerator]
Pair = tuple[str, str]  # query id, study id


def wanted() -> bool:
    """Return whether the overlay is shown; it is off until asked for."""
    return bool(st.session_state.get("why"))


def controls() -> None:
    """Draw the button that shows or hides the overlay, and its opacity while it is shown."""
    st.button(
        text("detail.hide" if wanted() else "detail.overlay"), key="why-button", shortcut=KEYS["why"],
        icon=":material/visibility_off:" if wanted() else ":material/visibility:", help=text("detail.overlay_help"),
        on_click=_toggle,
    )  # fmt: skip
    if wanted():
        st.session_state.setdefault("opacity", st.session_state.get("opacity-kept", OPACITY))
        st.session_state["opacity-kept"] = st.slider(
            text("detail.opacity"), 0, 100, key="opacity", format="%d %%", width=220
        )


def _toggle() -> None:
    st.session_state["why"] = not wanted()


def draw(found: Answer, neighbour: Neighbour, match: Study, layout: str, places: Places) -> None:
    """Draw both recordings into their places, with the overlay where it is wanted."""
    pair = (found.query_id, neighbour.study_id)
    known = _store().get(pair)
    _recordings(found.study, match, known if wanted() else None, layout, places)
    if not wanted():
        return
    _settle(pair)
    progress, lines = st.empty(), st.container()
    if known is None or not (known.final or pair in _stopped()):
        with progress.container():
            known = _refine(pair, found.study, match, layout, places)
        progress.empty()
    with lines:
        _honesty(known, found.study, match, stopped=pair in _stopped() and not known.final)


def _settle(pair: Pair) -> None:
    """End the run once when a pair is first explained: only then does the browser drop what the last view had drawn."""
    if st.session_state.get("settled") != pair:
        st.session_state["settled"] = pair
        st.rerun()


def _store() -> dict[Pair, PairMaps]:
    """Return the maps computed in this session."""
    return st.session_state.setdefault("maps", {})


def _stopped() -> set[Pair]:
    """Return the pairs whose refinement the user stopped."""
    return st.session_state.setdefault("stopped", set())


def _steps(maps: PairMaps | None) -> int:
    return sum(side.steps for side in (maps.query, maps.match) if side) if maps else 0


def _refine(pair: Pair, query: Study, match: Study, layout: str, places: Places) -> PairMaps:
    """Compute maps until they add up, drawing each; a click on anything ends the run and keeps the finest one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text("detail.first"), width="stretch")
        st.button(text("detail.stop"), key="stop", on_click=_stopped().add, args=(pair,))

    def tell(share: float, words: str) -> None:
        bar.progress(share, words)

    best = _store().get(pair)
    for maps in explain_pair(resources.release(), query, match, budget_s=BUDGET_S, progress=tell):
        if maps.final or _steps(maps) >= _steps(best):
            best = _store()[pair] = maps
            _recordings(query, match, maps, layout, places)
    return best


def _recordings(query: Study, match: Study, maps: PairMaps | None, layout: str, places: Places) -> None:
    sides = (maps.query, maps.match) if maps else (None, None)
    for study, side, place in zip((query, match), sides, places, strict=True):
        with place.container():
            overlay, said = (signed(side), parts.sentence(side, study)) if side else (None, "")
            opacity = st.session_state.get("opacity", OPACITY) / 100
            content.draw(study, layout=layout, overlay=overlay, opacity=opacity, said=said)


def signed(one: InputMap) -> np.ndarray:
    """Return a map in -1..1 of its own limit, so that the strongest parts of either side reach full colour."""
    return np.clip(one.values / symmetric_limit(one.values), -1, 1)


def _honesty(maps: PairMaps, query: Study, match: Study, *, stopped: bool) -> None:
    """Draw the scale, baseline and convergence gap of either side, the strongest parts, and the caveat."""
    patterns = {text("detail.striped" if isinstance(s.content, Film) else "detail.dashed") for s in (query, match)}
    pattern = " / ".join(sorted(patterns))
    scale = legend.draw(paper(browser_theme()), pattern=pattern)
    st.image(scale, width=760, alt=text("detail.legend_alt", mark=pattern))
    if stopped:
        st.markdown(f":material/pause_circle: {text('detail.stopped')}")
    columns = st.columns(2, gap="medium")
    sides = (("detail.gap_query", maps.query, query), ("detail.gap_match", maps.match, match))
    for column, (name, side, study) in zip(columns, sides, strict=True):
        if side is not None:
            with column:
                _side(text(name), side, study)
    for note in maps.notes:
        st.markdown(f":small[{plain(note)}]")
    st.markdown(f":material/warning: {plain(CAVEAT)}")


def _side(name: str, side: InputMap, study: Study) -> None:
    gap = text("detail.gap", side=name, gap=100 * side.gap, steps=side.steps, baseline=side.baseline)
    open_gap = "" if side.gap <= GAP_LIMIT else f" **{text('detail.gap_open', limit=100 * GAP_LIMIT)}**"
    st.markdown(f"{gap}{open_gap}")
    st.markdown(f":small[{plain(text('detail.smoothing', smoothing=side.smoothing))}]")
    with st.expander(text("detail.strongest")):
        st.table(parts.table(side, study), hide_index=True)
