"""The sentences that go with every explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.drawing.signed_colours import symmetric_limit
from engine.strings import text
from engine.study import Film, Study, Trace

if TYPE_CHECKING:
    from engine.explain.maps import InputMap, PairMaps

CAVEAT = (
    "Where the colour lies is weak evidence: gradient maps localise findings worse than radiologists do "
    "(Saporta et al., Nat Mach Intell 2022) and often fail basic trust tests on chest films "
    "(Arun et al., Radiol Artif Intell 2021). They show what this model used, not what matters medically."
)
TEXT_SIDE = (
    "Text is not attributed: its encoder reads whole sentences, so no word carries a gradient here; "
    "the other side is explained against the text as it stands."
)
SIDE_INPUTS = (
    "ECG amplitudes, missing-lead flags and length are held as they are; the colours share out the waveform's shape."
)

SMALL_CHANGE = (
    "Against its baseline the {sides} changes the similarity by less than {limit}: what raises and what lowers it "
    "cancel, and shares and gap are given against {limit}."
)

MOST_SAID = 1.0  # a larger gap says no more than this one
MUCH_OUTSIDE = 0.25  # of a film's map
PATCH_SHARE = 0.01  # of a film's area
STRETCH_S = 0.1  # seconds of one lead


def percent(share: float) -> str:
    """Return a share as per cent with two significant digits, e.g. "0.84 %", "12 %"."""
    value = 100 * share
    digits = 0 if value >= 10 or value == round(value) else 1 if value >= 1 else 2
    return f"{value:.{digits}f} %"


def not_converged(input_map: InputMap) -> str:
    """Return what stands on a picture whose map may not be coloured."""
    if input_map.gap <= input_map.limit:
        return text("explain.by_luck")
    gap = percent(input_map.gap) if input_map.gap <= MOST_SAID else text("explain.over", share=percent(MOST_SAID))
    return text("explain.not_converged", gap=gap, limit=percent(input_map.limit))


def accounts(input_map: InputMap) -> str:
    """Return which share of the change in similarity a map accounts for."""
    return text("explain.accounts", share=f"{100 * input_map.explained:.0f}")


def computed(input_map: InputMap) -> str:
    """Return how SHAP or occlusion made a map, and what of it is left blank."""
    parts = input_map.parts
    if parts is None:
        return ""
    done, many = input_map.steps, len(parts.names)
    if parts.method == "occlusion":
        return text("explain.by_occlusion", parts=many, done=done)
    if not parts.errors.any():
        return text("explain.by_shap_exact", parts=many, done=done)
    clear = int(parts.clear.sum())
    share = f"{100 * float(np.median(parts.errors)) / input_map.measure:.1f}"
    return text("explain.by_shap", parts=many, done=done, clear=clear, error=share)


def outside(input_map: InputMap) -> str:
    """Return how much of a map lies outside the patient, with a warning where it is much; "" of a trace."""
    if input_map.outside is None:
        return ""
    said = text("explain.outside", share=f"{100 * input_map.outside:.0f}")
    return f"{said} {text('explain.much_outside')}" if input_map.outside > MUCH_OUTSIDE else said


def uncoloured(maps: PairMaps) -> list[tuple[str, str]]:
    """Return ("query" or "match", why) of every side whose map may not be coloured."""
    sides = (("query", maps.query), ("match", maps.match))
    return [(name, not_converged(one)) for name, one in sides if one is not None and not one.converged]


def unit(input_map: InputMap, study: Study) -> tuple[float, str]:
    """Return what the strongest colour stands for, as a share of the total change in similarity, and per what."""
    end = symmetric_limit(input_map.values) / input_map.measure
    if isinstance(study.content, Trace):
        return end * STRETCH_S * study.content.fs, "share of the change in similarity, per lead and 0.1 s"
    if isinstance(study.content, Film):
        return (
            end * PATCH_SHARE * input_map.values.size,
            "share of the change in similarity, per 1 % of the film's area",
        )
    raise TypeError(f"a {study.modality} study has no map")
