"""What carries a match on a trace: shares by wave and lead, or by beat, as a table of signed colours and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.drawing.palette import Paper, hex_of
from engine.drawing.signed_colours import colour
from engine.explain.maps import InputMap
from engine.explain.waves import ECG_WAVES, PULSE_WAVES
from engine.strings import text
from pages.shared import svg

WIDTH, ROW, LABEL, FOOT = 170.0, 9.0, 24.0, 3.0  # mm
FULL = 0.30  # of the change in similarity: a cell of full colour
STRONG = 0.6  # of full colour, from which numbers are written on white
SIZE = 3.6


@dataclass(frozen=True, eq=False)
class WaveShares:
    """shares : (waves, columns) of the change in similarity, NaN where nothing is clear of its error."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    shares: np.ndarray


def wave_shares(input_map: InputMap) -> WaveShares | None:
    """Return the shares by wave and lead or beat, with sums; None where the map is of no waves."""
    parts = input_map.parts
    if parts is None:
        return None
    waves = ECG_WAVES if any(wave in ECG_WAVES for _, wave in parts.names) else PULSE_WAVES
    columns = list(dict.fromkeys(first for first, wave in parts.names if first and wave in waves))
    if not columns or parts.labels.size == 0 or parts.labels.ndim != 2:
        return None
    values = np.zeros((len(waves) + 1, len(columns) + 1))
    variances = np.zeros_like(values)
    for (first, wave), value, error in zip(parts.names, parts.values, parts.errors, strict=True):
        if first in columns and wave in waves:
            row, column = waves.index(wave), columns.index(first)
            for place in ((row, column), (row, -1), (-1, column), (-1, -1)):
                values[place] += value
                variances[place] += error**2
    values[np.abs(values) <= 2 * np.sqrt(variances)] = np.nan
    names = (*(text(f"explained.wave_{wave}") for wave in waves), text("explained.wave_all"))
    return WaveShares(names, (*columns, text("explained.wave_all")), values / input_map.measure)


def table_svg(shares: WaveShares, paper: Paper) -> str:
    """Return the table as SVG: colour and sign say the direction, numbers are per cent of the change in similarity."""
    high, wide = shares.shares.shape
    step, height = (WIDTH - LABEL) / wide, ROW * (high + 1) + FOOT
    parts = [f'<rect width="{WIDTH:g}" height="{height:g}" fill="{paper.background}"/>']
    for column, name in enumerate(shares.columns):
        middle = LABEL + (column + 0.5) * step
        parts.append(svg.label(middle, ROW * 0.65, name, paper.ink, size=SIZE, anchor="middle"))
    for row, name in enumerate(shares.rows):
        top = ROW * (row + 1)
        parts.append(svg.label(0.5, top + ROW * 0.62, name, paper.ink, size=SIZE))
        for column in range(wide):
            parts += _cell(float(shares.shares[row, column]), (LABEL + column * step, top, step), paper)
    return svg.document(WIDTH, height, parts)


def _cell(share: float, place: tuple[float, float, float], paper: Paper) -> list[str]:
    left, top, step = place
    middle, base = left + step / 2, top + ROW * 0.62
    if not np.isfinite(share):
        return [svg.label(middle, base, "·", paper.ink, size=SIZE, anchor="middle")]
    size = min(1.0, abs(share) / FULL)
    fill = hex_of(colour(np.array(np.sign(share) * max(size, 0.15)), 1.0))
    box = f'<rect x="{left + 0.3:.2f}" y="{top + 0.3:.2f}" width="{step - 0.6:.2f}" height="{ROW - 0.6:.2f}" rx="0.8" '
    ink = "#ffffff" if size > STRONG else paper.ink
    opacity = 1.0 if size > STRONG else 0.12 + 0.35 * size
    return [
        f'{box}fill="{fill}" fill-opacity="{opacity:.2f}"/>',
        svg.label(middle, base, _number(share), ink, size=SIZE, anchor="middle"),
    ]


def _number(share: float) -> str:
    whole = round(100 * share)
    return "0" if not whole else f"{'+' if whole > 0 else '−'}{abs(whole)}"


def in_words(shares: WaveShares, most: int = 4) -> str:
    """Return the largest cells in words, for who does not see the table."""
    inner = shares.shares[:-1, :-1]
    order = np.argsort(-np.abs(np.nan_to_num(inner)), axis=None)[:most]
    found = [divmod(int(at), inner.shape[1]) for at in order]
    named = [
        f"{shares.columns[column]} {shares.rows[row]} {_number(float(inner[row, column]))} %"
        for row, column in found
        if np.isfinite(inner[row, column])
    ]
    return text("explained.wave_alt", parts=", ".join(named)) if named else text("explained.wave_none")
