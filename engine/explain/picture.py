"""One PNG for a pair: query and match side by side with their maps, the legend, the proof and the caveat."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from engine.drawing.film import grey8, stamp_axes, stamp_of
from engine.drawing.signed_colours import LOWERS, OPACITY, RAISES, colour_scale, strength, symmetric_limit
from engine.explain.maps import GRADIENTS, OCCLUSION, SHAP, InputMap, PairMaps
from engine.explain.overlay import blend, film_overlay, line_runs
from engine.explain.sentences import CAVEAT, TEXT_SIDE, accounts, computed, not_converged, outside, percent, unit
from engine.strings import notice
from engine.study import Film, Note, Study, Trace

SIZE_IN, DPI = (13.0, 9.1), 130
INK, FAINT, PAPER = "#1f2933", "#9aa5b1", "#ffffff"
AMPLITUDE = {"mV": "the bar at the right is 1 mV", "sd": "amplitude unknown", "au": "amplitude arbitrary"}
MOST_WORDS = 12  # of a text that are named
METHOD_NAMES = {GRADIENTS: "Integrated gradients", SHAP: "SHAP", OCCLUSION: "Occlusion"}
LEAD_STEP_MV = 2.2  # distance of two leads' lines


def write_png(query: Study, match: Study, maps: PairMaps, out: Path) -> None:
    """Write the picture of a pair with its maps."""
    draw_pair_figure(query, match, maps).savefig(out, dpi=DPI, format="png", facecolor=PAPER)


def draw_pair_figure(query: Study, match: Study, maps: PairMaps) -> Any:
    """Return a matplotlib Figure with both sides, their legends and the sentences that belong to them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_IN)
    FigureCanvasAgg(figure)
    figure.suptitle(f"What makes these two similar (cosine {number(maps.similarity)})", color=INK, fontsize=14, y=0.975)
    for left, title, study, input_map in ((0.05, "Query", query, maps.query), (0.53, "Match", match, maps.match)):
        axes = figure.add_axes((left, 0.315, 0.43, 0.59))
        axes.set_title(f"{title}: {study.recognised}", color=INK, fontsize=11, loc="left")
        draw_side(axes, study, input_map)
        if input_map is not None and input_map.converged and not isinstance(study.content, Note):
            _legend(figure, (left + 0.06, 0.228, 0.31, 0.015), study, input_map)
        figure.text(left, 0.168, fill(completeness_sentence(input_map), 100), color=INK, fontsize=8, va="top")
    notes = [note for note in maps.notes if note != TEXT_SIDE]
    figure.text(0.05, 0.09, fill(" ".join([CAVEAT, *notes]), 215), color=INK, fontsize=7.5, va="top")
    figure.text(0.05, 0.012, f"{notice()}.", color=INK, fontsize=10, weight="bold")
    return figure


def number(value: float, digits: int = 2) -> str:
    """Return a signed number with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def completeness_sentence(input_map: InputMap | None) -> str:
    """Return the sentences that say what a map is measured against, whether it adds up, and what lies off the body."""
    if input_map is None:
        return TEXT_SIDE
    measured = (
        f"{METHOD_NAMES[input_map.method]}. Similarity {number(input_map.similarity, 3)}; "
        f"with {input_map.baseline} instead {number(input_map.baseline_similarity, 3)}."
    )
    if input_map.method != GRADIENTS:
        smoothed = f"Smoothing: {input_map.smoothing}." if input_map.smoothing else ""
        return " ".join(part for part in (measured, computed(input_map), outside(input_map), smoothed) if part)
    added = (
        f"Convergence gap {percent(input_map.gap)} after {input_map.steps} gradients, limit {percent(input_map.limit)}."
    )
    if not input_map.converged:
        return f"{measured} {not_converged(input_map)} {input_map.steps} gradients were computed."
    shared = f"The colours share out the difference, {number(input_map.rise, 3)}; {accounts(input_map)}"
    smoothed = f"Smoothing: {input_map.smoothing}."
    return " ".join(part for part in (measured, shared, outside(input_map), added, smoothed) if part)


def draw_side(axes: Any, study: Study, input_map: InputMap | None, *, opacity: float = OPACITY) -> None:
    """Draw one study with its map on matplotlib axes; over a map that has not converged, grey hatching that says so."""
    if input_map is not None and not input_map.converged:
        draw_side(axes, study, None)
        _hatch(axes, not_converged(input_map))
        return
    if isinstance(study.content, Film):
        _draw_film(axes, study.content, input_map, opacity)
    elif isinstance(study.content, Trace):
        _draw_trace(axes, study.content, input_map, study.window_s)
    elif isinstance(study.content, Note):
        axes.text(0.02, 0.96, fill(study.content.text[:1200], 70), color=INK, fontsize=10, va="top")
        if input_map is not None:
            axes.text(0.02, 0.5, fill(strongest_words(input_map), 70), color=INK, fontsize=10, va="top")
        axes.set_xticks([])
        axes.set_yticks([])
    stamp_axes(axes, stamp_of(study.facts))


def strongest_words(input_map: InputMap) -> str:
    """Return the words of a text that carry most of the change in similarity, with sign, strongest first."""
    if input_map.parts is None:
        return ""
    order = [at for at in np.argsort(-np.abs(input_map.values)) if input_map.values[at]][:MOST_WORDS]
    names, values = input_map.parts.names, input_map.values / input_map.measure
    return ", ".join(
        f"{names[at][1].strip('.,;:')} {'+' if values[at] > 0 else '−'}{percent(abs(values[at]))}" for at in order
    )


def _hatch(axes: Any, words: str) -> None:
    """Lay grey hatching over a picture whose map may not be coloured, and say why on it."""
    from matplotlib.patches import Rectangle

    grey, whole = (*(int(FAINT[i : i + 2], 16) / 255 for i in (1, 3, 5)), 0.55), axes.transAxes
    hatching = Rectangle((0, 0), 1, 1, transform=whole, fill=False, hatch="//", edgecolor=grey, linewidth=0, zorder=4)
    axes.add_patch(hatching)
    box = {"facecolor": "#e4e7eb", "edgecolor": INK, "boxstyle": "square,pad=0.5"}
    said = fill(words, 46)
    axes.text(0.5, 0.94, said, transform=whole, ha="center", va="top", fontsize=10, color=INK, bbox=box, zorder=5)


def _draw_film(axes: Any, film: Film, input_map: InputMap | None, opacity: float) -> None:
    pixels = grey8(film)
    values = np.zeros(pixels.shape, np.float32) if input_map is None else input_map.values
    axes.imshow(blend(pixels, film_overlay(values, opacity=opacity)), interpolation="bilinear")
    axes.set_axis_off()


def _draw_trace(axes: Any, trace: Trace, input_map: InputMap | None, window_s: tuple[float, float] | None) -> None:
    """Draw the searched stretch of every lead under each other, coloured where the map is not zero."""
    from matplotlib.collections import LineCollection

    start, end = window_s or (0.0, min(trace.duration_s, 10.0))
    first, last = round(start * trace.fs), round(end * trace.fs)
    time = np.arange(first, last) / trace.fs
    heights, step = lead_lines(trace.samples[:, first:last], trace.units)
    limit = symmetric_limit(input_map.values) if input_map is not None else 1.0
    for row, lead in enumerate(trace.leads):
        line = heights[row] - row * step
        axes.plot(time, line, color=FAINT, linewidth=0.7, zorder=1)
        axes.text(start - 0.01 * (end - start), -row * step, lead, ha="right", va="center", fontsize=8, color=INK)
        values = np.zeros(len(time)) if input_map is None else input_map.values[row, first:last]
        for run in line_runs(time, line, values, limit=limit):
            segments = np.column_stack([run.x, run.y]).reshape(-1, 3, 2)[:, :2]
            axes.add_collection(
                LineCollection(
                    list(segments),
                    colors=[run.colour],
                    alpha=run.opacity,
                    zorder=2,
                    linewidths=1.0 + 2.0 * abs(run.share),
                    capstyle="round",
                )
            )
    axes.set_xlim(start, end)
    if len(trace.leads) > 1:
        axes.set_ylim(-(len(trace.leads) - 0.4) * step, 0.6 * step)
    axes.set_yticks([])
    axes.tick_params(labelsize=8, colors=INK, pad=1)
    if trace.units == "mV":
        right, foot = end - 0.004 * (end - start), 0.1 * step
        axes.plot([right, right], [foot, foot + 1.0], color=INK, linewidth=2.0)
    axes.set_xlabel(f"seconds; {AMPLITUDE[trace.units]}", fontsize=8, color=INK, labelpad=0)
    axes.spines[["top", "left", "right"]].set_visible(False)


def lead_lines(samples: np.ndarray, units: str) -> tuple[np.ndarray, float]:
    """Return lines (leads, n) around 0 and their distance when drawn: mV as they are, else scaled to their spread."""
    middle = np.nan_to_num(np.nanmedian(samples, axis=1, keepdims=True))
    lines = samples - middle
    if units == "mV":
        return lines, max(LEAD_STEP_MV, 0.6 * float(np.nanpercentile(np.abs(lines), 99.9)))
    spread = max(float(np.nanpercentile(np.abs(lines), 99)), 1e-6)
    return lines / spread, LEAD_STEP_MV


def _legend(figure: Any, box: tuple[float, float, float, float], study: Study, input_map: InputMap) -> None:
    """Draw the colour bar as it looks on the picture: signed, fading to nothing at zero, with what its ends mean."""
    axes = figure.add_axes(box)
    shares = np.linspace(-1, 1, 256)
    bar = np.dstack([colour_scale()[None], strength(shares, 1.0)[None]])
    axes.imshow(bar, aspect="auto", extent=(-1, 1, 0, 1))
    axes.set_yticks([])
    end, per = unit(input_map, study)
    axes.set_xticks([-1, 0, 1], [f"−{percent(end)}", "0", f"+{percent(end)}"], fontsize=8, color=INK)
    axes.text(-1, 1.25, LOWERS, fontsize=8, color=INK, ha="left")
    axes.text(1, 1.25, RAISES, fontsize=8, color=INK, ha="right")
    axes.set_xlabel(per, fontsize=7.5, color=INK, labelpad=1)
