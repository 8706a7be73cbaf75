"""Where a map lies, in words and numbers: shares per lead or per ninth of a film, for who does not read the colours."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.explain.maps import InputMap
from engine.strings import text
from engine.study import Film, Study, Trace

MAX_PARTS = 4  # strongest parts that are listed
FILM_PARTS = (("upper", "middle", "lower"), ("left", "centre", "right"))


def shares(input_map: InputMap, study: Study) -> list[tuple[str, float, float]]:
    """Return (part, share of all |values| 0..1, sum of signed values) of every part, strongest first."""
    if isinstance(study.content, Film):
        blocks = _film_blocks(input_map.values)
    elif isinstance(study.content, Trace):
        blocks = _lead_blocks(input_map.values, study)
    else:
        blocks = _words(input_map)
    total = sum(float(np.abs(block).sum()) for _, block in blocks) or 1.0
    found = [(name, float(np.abs(block).sum()) / total, float(block.sum())) for name, block in blocks]
    return sorted(found, key=lambda part: -part[1])


def _film_blocks(values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    rows = np.array_split(values, 3, axis=0)
    return [
        (text("detail.film_part", row=text(f"detail.{row}"), column=text(f"detail.{column}")), block)
        for row, strip in zip(FILM_PARTS[0], rows, strict=True)
        for column, block in zip(FILM_PARTS[1], np.array_split(strip, 3, axis=1), strict=True)
    ]


def _lead_blocks(values: np.ndarray, study: Study) -> list[tuple[str, np.ndarray]]:
    return list(zip(study.searched_trace.leads, values, strict=True))


def _words(input_map: InputMap) -> list[tuple[str, np.ndarray]]:
    names = input_map.parts.names if input_map.parts is not None else ()
    return [(word, value[None]) for (_, word), value in zip(names, input_map.values, strict=True)]


def table(input_map: InputMap, study: Study) -> pd.DataFrame:
    """Return the strongest parts with share and direction."""
    rows = [
        (name, f"{100 * share:.0f}", text("detail.legend_plus" if net > 0 else "detail.legend_minus"))
        for name, share, net in _marked(input_map, study)[:MAX_PARTS]
    ]
    return pd.DataFrame(rows, columns=[text("detail.part"), text("detail.share"), text("detail.direction")])


def sentence(input_map: InputMap, study: Study) -> str:
    """Return one sentence that says where most of the map lies, or that no part is marked."""
    named = [f"{name} ({100 * share:.0f} %)" for name, share, _ in _marked(input_map, study)[:3]]
    return text("detail.overlay_alt", parts=", ".join(named)) if named else text("explained.wave_none")


def _marked(input_map: InputMap, study: Study) -> list[tuple[str, float, float]]:
    """Return the parts of which something is drawn; of SHAP those within their error are blank."""
    return [part for part in shares(input_map, study) if part[1] > 0]
