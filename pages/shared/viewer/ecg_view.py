"""The ECG viewer: paper as from a cart, one recording or two side by side, or their median beats over each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from engine.drawing import ecg_paper
from engine.drawing.ecg_paper import LeadLayout
from engine.intake.quality.rate import Rate
from engine.metrics.ecg_intervals import Intervals, estimate_intervals
from engine.metrics.median_beat import AFTER_S, BEFORE_S, MedianBeat, median_beat
from engine.strings import text
from engine.study import Trace
from pages.shared.viewer import browser, trace_bytes, trace_component, trace_data
from pages.shared.viewer.panel import Frame, Panel
from pages.shared.viewer.trace_data import GAINS, SPEEDS, places_of

LAYOUT, PAIR_LAYOUT = "3x4r", "6x2"  # at first, of one recording and of two side by side
BEAT_COLUMNS = 4  # of median beats where the leads are not the usual twelve


def draw_ecgs(panels: list[Panel], frame: Frame) -> None:
    """Draw one ECG, or two side by side at one speed, gain and layout."""
    sent = [trace_component.sent_part(panel, frame, i) for i, panel in enumerate(panels)]
    shown = [
        trace_data.ecg_data(panel, part, f"viewer-{frame.key}-{i}")
        for i, (panel, part) in enumerate(zip(panels, sent, strict=True))
    ]
    for panel, one in zip(panels, shown, strict=True):
        one["intervals"] = "" if panel.anonymous else _interval_words(_intervals(panel))
    names = {key: layout["name"] for data in shown for key, layout in data["layouts"].items()}
    if all(len(set(map(str, data["layouts"].values()))) == 1 for data in shown):
        names = dict([next(iter(names.items()))])  # one row per lead, whatever is chosen
    trace_component.mount(
        panels,
        frame,
        {
            "pulse": False,
            "speeds": SPEEDS,
            "gains": GAINS,
            "layouts": names,
            "first": {
                "view": "strip",
                "speeds": {"strip": 25, "beats": 50},
                "gain": 10,
                "layout": LAYOUT if len(panels) == 1 else PAIR_LAYOUT,
            },
            "panels": shown,
            "complexes": _complexes(panels, frame),
        },
    )


def _complexes(panels: list[Panel], frame: Frame) -> dict[str, Any] | None:
    """Return the median beats of all panels for the leads that all have; None where one has no beats or other units."""
    found = [_median_beat(panel) for panel in panels]
    known = [beat for beat in found if beat is not None]
    units = {panel.study.trace.units for panel in panels}
    leads = tuple(lead for lead in panels[0].study.trace.leads if all(lead in beat.leads for beat in known))
    if len(known) < len(found) or len(units) > 1 or not leads:
        return None
    rows = _rows(leads)
    together = Trace(np.concatenate([_of_leads(beat, leads) for beat in known], axis=1), leads, 1.0, units.pop())
    layout = LeadLayout("", rows, ())
    curves = []
    for i, (panel, beat) in enumerate(zip(panels, known, strict=True)):
        content, scale = trace_bytes.samples_int16(_of_leads(beat, leads))
        packed = browser.packed(content, panel.token)
        said = text("trace_viewer.median" if panel.anonymous else "trace_viewer.median_of", n=beat.n_beats)
        curves.append(
            {
                "url": browser.address(packed, f"viewer-{frame.key}-{i}-beat"),
                "scale": scale,
                "fs": beat.fs,
                "title": f"{panel.title}: {said}" if panel.title else said,
            }
        )
    unit = text(f"trace.gain_{together.units}", gain="{gain}")
    return {
        "leads": leads,
        "middle": [0.0] * len(leads),
        "rows": rows,
        "before": BEFORE_S,
        "after": AFTER_S,
        "units": together.units,
        "perUnit": ecg_paper.mm_per_unit(together),
        "places": {str(gain): places_of(together, layout, gain, whole=True) for gain in GAINS},
        "curves": curves,
        "marks": _marks(panels),
        "settings": text("trace_viewer.beats_settings", speed="{speed}", gain=unit)
        + (f" · {text('trace_viewer.marked')}" if _marks(panels) else ""),
        "alt": text("trace_viewer.beats_alt", leads=len(leads), speed="{speed}", gain=unit),
    }


def _median_beat(panel: Panel) -> MedianBeat | None:
    """Return the median beat of a panel's recording; of an anonymous one too, as no rate is said of it."""
    start, part = trace_data.rated_part(panel)
    found = trace_data.rate(panel.token, start, part)
    return None if found is None else median_beat(part, found.beats_s)


def _intervals(panel: Panel) -> Intervals | None:
    start, part = trace_data.rated_part(panel)
    found, beat = trace_data.rate(panel.token, start, part), _median_beat(panel)
    return None if found is None or beat is None else estimate_intervals(beat, found.intervals_ms)


def _interval_words(found: Intervals | None) -> str:
    """Return the intervals as the estimates that they are; "" where no QRS stands out."""
    if found is None:
        return ""
    values = {"pr": found.pr, "qrs": found.qrs, "qt": found.qt}
    said = {name: _rounded(value) for name, value in values.items()}
    words = text("trace_viewer.estimated", **said)
    if found.qtc_bazett is None:
        return words
    qtc = text("trace_viewer.estimated_qtc", b=_rounded(found.qtc_bazett), f=_rounded(found.qtc_fridericia))
    return f"{words} · {qtc}"


def _rounded(ms: float | None) -> str:
    return text("trace_viewer.not_found") if ms is None else f"{ms:.0f} {text('trace_viewer.ms')}"


def _marks(panels: list[Panel]) -> list[float]:
    """Return where the waves of one recording's median beat begin and end, s from R, as estimated; none of two."""
    found = None if len(panels) > 1 or panels[0].anonymous else _intervals(panels[0])
    if found is None:
        return []
    points = (found.p_onset, found.qrs_onset, found.qrs_end, found.t_end)
    return [round(point / 1000, 4) for point in points if point is not None]


def _of_leads(beat: MedianBeat, leads: tuple[str, ...]) -> np.ndarray:
    return beat.samples[[beat.leads.index(lead) for lead in leads]]


def _rows(leads: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return leads in rows: twelve as in the usual layout, others in their order."""
    usual = ecg_paper.layouts()[LAYOUT].rows
    if {lead for row in usual for lead in row} == set(leads):
        return usual
    return tuple(leads[i : i + BEAT_COLUMNS] for i in range(0, len(leads), BEAT_COLUMNS))


def shown_rate(panel: Panel) -> Rate | None:
    """Return the rate of what is searched of an ECG, for the numbers behind the figure."""
    start = panel.study.window_s[0] if panel.study.window_s else 0.0
    return trace_data.rate(panel.token, start, panel.study.searched_trace)


def table(measured_rate: Rate | None) -> pd.DataFrame | None:
    """Return one row per interval between beats, with the rate it gives; None where no beats are known."""
    if measured_rate is None:
        return None
    rows = [
        (f"{a:.2f}", f"{gap:.0f}", f"{60_000 / gap:.0f}")
        for a, gap in zip(measured_rate.beats_s[1:].tolist(), measured_rate.intervals_ms.tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=[text("viewer.beat_at"), text("viewer.interval"), text("viewer.per_minute")])
