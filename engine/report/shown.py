"""Studies as they leave: with what was drawn on them and the mark of synthetic ones, for pages, pictures and slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.annotation import Annotation
from engine.drawing.annotated import on_film, onto_sheet
from engine.drawing.film import grey8, stamp_of, stamped
from engine.drawing.sheet import Sheet
from engine.drawing.trace_sheet import trace_panels, trace_sheet
from engine.study import Film, Study

MAX_PULSE_S = 60.0  # a longer pulse recording is shown by its searched stretch alone


@dataclass(frozen=True)
class TraceSetup:
    """How a trace is laid out: `layout`, `step` and `minor` as `trace_sheet` takes them."""

    layout: str = "3x4r"
    step: float = 0.0
    minor: bool = True
    whole: bool = False  # a pulse recording of up to a minute, instead of its searched stretch


def film_pixels(
    study: Study, film: Film, max_px: int, annotations: Sequence[Annotation] = (), *, stamp: bool = True
) -> np.ndarray:
    """Return a film as it is shown, (h, w) or (h, w, 3) uint8, its longer side at most `max_px` pixels."""
    pixels = on_film(grey8(film, max_px), film, annotations)
    return stamped(pixels, stamp_of(study.facts)) if stamp else pixels


def sheet_of(study: Study, annotations: Sequence[Annotation] = (), paper: TraceSetup | None = None) -> Sheet:
    """Return a trace on paper with what was drawn on the stretch that it shows."""
    paper = paper or TraceSetup()
    whole = paper.whole and study.modality == "ppg" and study.trace.duration_s <= MAX_PULSE_S
    trace = study.trace if whole else study.searched_trace
    sheet = trace_sheet(trace, layout=paper.layout, step=paper.step, minor=paper.minor, stamp=stamp_of(study.facts))
    if annotations:
        start = 0.0 if whole or study.window_s is None else study.window_s[0]
        onto_sheet(sheet, trace_panels(trace, layout=paper.layout), annotations, start)
    return sheet


def film_ratio(film: Film) -> float:
    """Return a film's height over its width, in mm where its pixels have a size."""
    rows, columns = film.pixels.shape[:2]
    row_mm, column_mm = film.spacing_mm or (1.0, 1.0)
    return float(rows * row_mm / (columns * column_mm))
