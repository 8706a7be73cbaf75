"""Why two studies match: a first map soon, refined in the background until it is stopped or done, with its caveats."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.drawing.signed_colours import symmetric_limit
from engine.explain.maps import GRADIENTS, OCCLUSION, InputMap, PairMaps
from engine.explain.picture import strongest_words
from engine.explain.sentences import CAVEAT, computed, not_converged, outside, percent
from engine.sentences import spoken
from engine.strings import text
from engine.study import Film, Note, Study
from pages.compare import maps, method, parts, wave_table
from pages.compare.maps import Refinement
from pages.shared import frame, legend
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped
from pages.shared.theme import browser_paper

OPACITY = 75  # per cent, until the user chooses
POLL_S = 0.5


def wanted() -> bool:
    """Return whether the overlay is shown; it is off until asked for."""
    return bool(st.session_state.get("why"))


def draw_button() -> None:
    """Draw the button that shows or hides the overlay."""
    st.button(
        text("detail.hide" if wanted() else "detail.overlay"),
        key="why-button",
        shortcut=KEYS["why"],
        icon=":material/visibility_off:" if wanted() else ":material/visibility:",
        type="primary" if wanted() else "secondary",
        help=text("detail.overlay_help"),
        on_click=_toggle,
    )


def draw_progress(refinement: Refinement | None, chosen: str | None) -> None:
    """Draw over the pictures by which method they are explained, how far the maps are, and how strongly drawn."""
    with st.container(horizontal=True, vertical_alignment="center", key="detail-why"):
        method.draw_switch(chosen)
        if refinement is not None and not refinement.over:
            _watch(refinement, maps.coloured(refinement.best))
        st.session_state.setdefault("opacity", st.session_state.get("opacity-kept", OPACITY))
        st.session_state["opacity-kept"] = st.slider(
            text("detail.opacity"), 0, 100, key="opacity", format="%d %%", width=220
        )


def _toggle() -> None:
    st.session_state["why"] = not wanted()
    if not wanted():
        maps.stop_refinements()


def opacity() -> float:
    """Return the opacity that the user chose, 0..1."""
    return st.session_state.get("opacity", OPACITY) / 100


def signed_overlay(input_map: InputMap | None, study: Study) -> tuple[np.ndarray | None, str]:
    """Return a side's map in -1..1 of its own limit, and where it lies in words; (None, "") where there is none.

    A map that has not converged is (None, why there are no colours).
    """
    if input_map is None or isinstance(study.content, Note):
        return None, ""
    if not input_map.converged:
        return None, not_converged(input_map)
    said = f"{parts.sentence(input_map, study)} {outside(input_map)}".strip()
    return np.clip(input_map.values / symmetric_limit(input_map.values), -1, 1), said


def draw_explanation(refinement: Refinement, query: Study, match: Study) -> None:
    """Draw the scale, the gaps, the strongest parts and the caveat."""
    known = refinement.best
    if refinement.error:
        st.error(text("compare.failed"), icon=":material/error:")
    stopped = refinement.stopped_by_user and not refinement.complete
    if known is not None:
        _honesty(known, query, match, stopped=stopped, beside=refinement.beside)
    elif stopped:
        st.markdown(f":material/pause_circle: {text('detail.stopped')}")


@st.fragment(run_every=POLL_S)
def _watch(refinement: Refinement, seen: tuple[bool, ...]) -> None:
    """Draw the progress; draw the page anew when a map may be coloured or none will be."""
    if refinement.over or maps.coloured(refinement.best) != seen:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(refinement.share, refinement.step, width="stretch")
        st.button(text("detail.stop"), key="stop", on_click=refinement.stop, args=(True,))


def _honesty(pair_maps: PairMaps, query: Study, match: Study, *, stopped: bool, beside: PairMaps | None) -> None:
    """Draw the scale of what is coloured, what either side adds up to, the strongest parts, and the caveat.

    beside : the gradients that another method's maps are held against
    """
    sides = (("detail.gap_query", pair_maps.query, query), ("detail.gap_match", pair_maps.match, match))
    drawn = [(one, study) for _, one, study in sides if one is not None and not isinstance(study.content, Note)]
    coloured = [study for one, study in drawn if one.converged]
    if coloured:
        patterns = {text("detail.striped" if isinstance(one.content, Film) else "detail.dashed") for one in coloured}
        pattern = " / ".join(sorted(patterns))
        scale = legend.legend_svg(browser_paper(), pattern=pattern)
        st.image(scale, width=760, alt=text("detail.legend_alt", mark=pattern))
    if stopped:
        st.markdown(f":material/pause_circle: {text('detail.stopped')}")
    columns = st.columns(2, gap="medium")
    for column, (name, one, study) in zip(columns, sides, strict=True):
        if one is not None:
            with column:
                _table(one)
                agreed = _agreed(pair_maps, beside, name, study)
                _side(name, one, study, agreed)
    for note in pair_maps.notes:
        st.markdown(f":small[{escaped(spoken(note))}]")
    st.markdown(f":material/warning: {escaped(spoken(CAVEAT))}")


def _table(input_map: InputMap) -> None:
    """Draw shares by wave and lead or beat, or the words of a text, where the method has such parts."""
    if input_map.parts is None or not input_map.converged:
        return
    shares = wave_table.wave_shares(input_map)
    if shares is not None:
        by = "explained.table_beat" if shares.columns[0].isdecimal() else "explained.table_lead"
        st.image(wave_table.table_svg(shares, browser_paper()), width="stretch", alt=wave_table.in_words(shares))
        st.markdown(f":small[{escaped(text(by))}]")
    elif not input_map.parts.labels.size:
        st.markdown(f"**{escaped(strongest_words(input_map) or text('explained.wave_none'))}**")


def _agreed(pair_maps: PairMaps, beside: PairMaps | None, name: str, study: Study) -> str:
    side = name.removeprefix("detail.gap_")
    if beside is None:
        return ""
    return method.agreement_said(getattr(pair_maps, side), getattr(pair_maps.raw, side), beside, side, study)


def _side(name: str, input_map: InputMap, study: Study, agreed: str) -> None:
    """Draw what one map adds up to and how far it agrees with gradients; where it lies only if it has converged."""
    gap, limit = percent(input_map.gap), percent(input_map.limit)
    said = text(
        "detail.gap", side=text(name), gap=gap, limit=limit, steps=input_map.steps, baseline=spoken(input_map.baseline)
    )
    if input_map.method != GRADIENTS:
        said = text("detail.compared", side=text(name), baseline=spoken(input_map.baseline), how=computed(input_map))
    accounts = text("detail.accounts", share=f"{100 * input_map.explained:.0f}")
    if input_map.method == OCCLUSION:
        accounts = ""
    known = f"{accounts} {outside(input_map)}" if input_map.converged else f"**{text('detail.gap_open')}**"
    with frame.heard(name.replace(".", "-")):
        st.markdown(f"{said} {known}".rstrip())
    if not input_map.converged:
        return
    if agreed:
        st.markdown(f":material/compare_arrows: {escaped(agreed)}")
    if input_map.smoothing:
        st.markdown(f":small[{escaped(text('detail.smoothing', smoothing=spoken(input_map.smoothing)))}]")
    with st.expander(text("detail.strongest")):
        st.table(parts.table(input_map, study), hide_index=True)
