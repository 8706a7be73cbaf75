"""What the trace viewer of the browser is given of one recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from engine.drawing import ecg_paper
from engine.drawing.ecg_paper import LeadLayout
from engine.intake.quality.rate import Rate, rate_of
from engine.strings import language, several, text
from engine.study import Trace
from pages.shared.viewer import browser, trace_bytes
from pages.shared.viewer.panel import Panel

SPEEDS = (12.5, 25, 50)  # mm/s
GAINS = (5, 10, 20)  # mm/mV
MOST_SAMPLES = 3_000_000  # sent at once, over all leads; of a longer recording a stretch around what is seen
RATED_S = 600.0  # a recording up to this has its beats marked from end to end, a longer one those of what is searched
PAGE_S = 12.0  # a longer recording has an overview


@dataclass(frozen=True, eq=False)
class Sent:
    """The part of a recording that the browser has: all of it, or a stretch of a long one from `start_s` on."""

    trace: Trace
    start_s: float


def sent_part(panel: Panel, around_s: float) -> Sent:
    """Return what is sent of a recording, with a moment well inside."""
    whole = panel.study.trace
    if whole.samples.size <= MOST_SAMPLES:
        return Sent(whole, 0.0)
    seconds = MOST_SAMPLES / len(whole.leads) / whole.fs
    start = float(np.clip(around_s - seconds / 2, 0.0, max(whole.duration_s - seconds, 0.0)))
    start = round(start * whole.fs) / whole.fs
    return Sent(whole.between(start, start + seconds), start)


@st.cache_data(max_entries=60, show_spinner=False)
def _packed(token: str, start_s: float, _trace: Trace) -> tuple[bytes, list[float]]:
    content, scale = trace_bytes.samples_int16(_trace.samples)
    return browser.packed(content, token), scale


@st.cache_data(max_entries=200, show_spinner=False)
def _layouts(token: str, start_s: float, spoken: str, _trace: Trace, _moves: bool) -> dict[str, Any]:
    """Return every layout that the recording's leads allow, with its rows at every gain.

    moving : of a layout in several columns, the rows where the page is shorter and moves through the recording
    """
    found = {}
    for key in ecg_paper.layouts():
        layout = ecg_paper.layout_for(_trace, key)
        places = {str(gain): places_of(_trace, layout, gain, whole=_moves) for gain in GAINS}
        turns = not _moves and max(map(len, layout.rows)) > 1
        moving = {str(gain): places_of(_trace, layout, gain, whole=True) for gain in GAINS} if turns else places
        found[key] = {
            "name": layout.name,
            "rows": layout.rows,
            "rhythm": layout.rhythm,
            "places": places,
            "moving": moving,
        }
    return found


def places_of(trace: Trace, layout: LeadLayout, gain: float, *, whole: bool) -> dict[str, Any]:
    """Return the rows of a layout at a gain, mm, for the browser."""
    places = ecg_paper.row_places(trace, layout, gain, whole=whole)
    return {"bases": places.bases, "height": places.height, "names": places.names}


@st.cache_data(max_entries=200, show_spinner=False)
def rate(token: str, start_s: float, _trace: Trace) -> Rate | None:
    """Return the rate of a stretch of a trace; its beats count from the stretch's first sample."""
    return rate_of(_trace)


def rated_part(panel: Panel) -> tuple[float, Trace]:
    """Return the stretch whose beats are looked for: where it begins, and its trace."""
    study = panel.study
    if study.trace.duration_s <= RATED_S or study.window_s is None:
        return 0.0, study.trace
    return study.window_s[0], study.searched_trace


def rate_in(panel: Panel) -> Rate | None:
    """Return the rate of a panel's recording with beats from its beginning; None where none may or can be given."""
    if panel.anonymous:
        return None
    start, part = rated_part(panel)
    found = rate(panel.token, start, part)
    return None if found is None else Rate(found.lead, found.beats_s + start, found.agreement)


def common_data(panel: Panel, sent: Sent, place: str) -> dict[str, Any]:
    """Return what holds for ECGs and pulse recordings alike. place : of the media file, unique on the page"""
    whole, part = panel.study.trace, sent.trace
    packed, scale = _packed(panel.token, sent.start_s, part)
    searched = panel.study.window_s
    return {
        "token": panel.token[:16],
        "title": panel.title,
        "stamp": panel.stamp,
        "url": browser.address(packed, place),
        "leads": part.leads,
        "scale": scale,
        "middle": trace_bytes.middles(part),
        "fs": part.fs,
        "start": sent.start_s,
        "seconds": whole.duration_s,
        "units": whole.units,
        "first": searched[0] if searched else 0.0,
        "searched": searched,
        "overview": _outline(panel.token, whole) if whole.duration_s > PAGE_S else None,
        "map": _map(panel, sent, f"{place}-map"),
        "grey": panel.overlay_text if panel.overlay is None else "",
    }


@st.cache_data(max_entries=200, show_spinner=False)
def _outline(token: str, _trace: Trace) -> list[tuple[int, int] | tuple[None, None]]:
    lead = _trace.leads.index("II") if "II" in _trace.leads else 0
    return trace_bytes.outline(_trace.samples[lead])


def _map(panel: Panel, sent: Sent, place: str) -> dict[str, Any] | None:
    if panel.overlay is None:
        return None
    first = round(sent.start_s * sent.trace.fs)
    levels = trace_bytes.map_levels(panel.overlay[:, first : first + sent.trace.samples.shape[1]], sent.trace)
    return {"url": browser.address(browser.packed(levels, panel.token), place), "opacity": panel.opacity}


def ecg_data(panel: Panel, sent: Sent, place: str) -> dict[str, Any]:
    """Return an ECG for the browser; its words have places for {speed}, {gain} and {layout}."""
    whole = panel.study.trace
    moves = whole.duration_s > PAGE_S
    found = rate_in(panel)
    return {
        **common_data(panel, sent, place),
        "pulse": False,
        "perUnit": ecg_paper.mm_per_unit(sent.trace),
        "layouts": _layouts(panel.token, sent.start_s, language(), sent.trace, moves),
        "alt": panel.described(alternative(whole)),
        "settings": f"{settings(whole)} · {text('viewer.filter')}",
        "beats": None if found is None else {"lead": found.lead, "at": found.beats_s.round(4).tolist()},
        "rr": None if found is None else float(np.median(found.intervals_ms)),
        "rate": "" if panel.anonymous else rate_words(found),
    }


def alternative(trace: Trace) -> str:
    """Return the sentence that stands for an ECG's drawing, with places for {speed}, {gain} and {layout}."""
    return text(
        "trace.alt_ecg",
        speed="{speed}",
        leads=several(len(trace.leads), "trace.leads"),
        seconds=f"{trace.duration_s:.3g}",
        gain=text(f"trace.gain_{trace.units}", gain="{gain}"),
        layout="{layout}",
    )


def settings(trace: Trace) -> str:
    """Return the line of settings with places for {speed} and {gain}."""
    gain = text(f"trace.gain_{trace.units}", gain="{gain}")
    return text("trace.settings", speed="{speed}", gain=gain, fs=f"{trace.fs:g}", seconds=f"{trace.duration_s:.3g}")


def rate_words(found: Rate | None) -> str:
    """Return the heart rate with the intervals' median and range, or why there is none."""
    if found is None:
        return text("viewer.rate_none")
    gaps = found.intervals_ms
    return text(
        "viewer.rate",
        rate=round(found.per_minute),
        median=round(float(np.median(gaps))),
        low=round(float(gaps.min())),
        high=round(float(gaps.max())),
        n=gaps.size,
        lead=found.lead,
    )
