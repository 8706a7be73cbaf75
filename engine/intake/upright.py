"""A frontal film turned so that the patient stands upright and faces the reader: rows to the left, columns to the feet.

PS3.3 C.7.6.1.1.1: the first value of Patient Orientation is the direction of the rows, the second that of the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_ACROSS, _ALONG = ("L", "R"), ("F", "H")


def turn_upright(orientation: Any, pixels: np.ndarray) -> tuple[np.ndarray, str]:
    r"""Return (height, width) pixels as L\F, and what was done; as given where nothing is stated of a frontal film."""
    rows, columns = _directions(orientation)
    done = []
    if rows in _ALONG and columns in _ACROSS:
        pixels, rows, columns = pixels.T, columns, rows
        done.append("turned")
    stated = "\\".join(str(one) for one in orientation) if rows and columns else ""
    if rows not in _ACROSS or columns not in _ALONG:
        return pixels, f"its orientation {stated} left aside, since no frontal film lies so" if stated else ""
    if rows == "R":
        pixels = pixels[:, ::-1]
        done.append("left and right exchanged")
    if columns == "H":
        pixels = pixels[::-1]
        done.append("top and bottom exchanged")
    return np.ascontiguousarray(pixels), f"{', '.join(done)} since it is stored as {stated}" if done else ""


def is_on_its_side(orientation: Any) -> bool:
    """Return whether rows run along the body, so that height and width change places."""
    rows, columns = _directions(orientation)
    return rows in _ALONG and columns in _ACROSS


def _directions(orientation: Any) -> tuple[str, str]:
    """Return the first letter of both directions, or two empty words."""
    if isinstance(orientation, str) or not isinstance(orientation, Sequence) or len(orientation) != 2:
        return "", ""
    rows, columns = (str(one).strip().upper()[:1] for one in orientation)
    return rows, columns
