"""Colours by name (assets/colours.toml) and the browser's theme."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import streamlit as st

from engine.settings import ASSETS

ThemeType = Literal["light", "dark"]
# Where on vik the faintest and the strongest values lie, off its middle: the pale middle would veil what is beneath,
# and the darkest ends would vanish on a dark paper. Magnitude is told by opacity and width besides.
VIK_NEAR, VIK_FAR = 0.20, 0.34


@dataclass(frozen=True)
class Paper:
    """The five colours of one trace paper, as #rrggbb."""

    background: str
    minor: str
    major: str
    ink: str
    faint: str


@lru_cache(maxsize=1)
def colours() -> dict[str, Any]:
    """Return assets/colours.toml as a dictionary."""
    return tomllib.loads((ASSETS / "colours.toml").read_text(encoding="utf-8"))


def browser_theme() -> ThemeType:
    """Return the theme that the browser shows; dark where it has not said yet."""
    return "light" if st.context.theme.type == "light" else "dark"


def paper(theme: ThemeType) -> Paper:
    """Return the trace paper of a theme."""
    return Paper(**colours()["paper"][theme])


@lru_cache(maxsize=4)
def _stops(name: str) -> np.ndarray:
    return np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours()["maps"][name]], dtype=np.float64)


def map_rgb(values: np.ndarray, name: str) -> np.ndarray:
    """Return colours (…, 3) in 0..255 for values in 0..1 of the map `name`, linearly between its stops."""
    stops = _stops(name)
    at = np.clip(values, 0, 1) * (len(stops) - 1)
    low = np.minimum(at.astype(int), len(stops) - 2)
    share = (at - low)[..., None]
    return stops[low] * (1 - share) + stops[low + 1] * share


def signed_rgb(values: np.ndarray) -> np.ndarray:
    """Return colours (…, 3) in 0..255 for signed values in -1..1: vik, blue below zero and brown above."""
    far = VIK_NEAR + (VIK_FAR - VIK_NEAR) * np.clip(np.abs(values), 0, 1)
    return map_rgb(0.5 + np.sign(values) * far, "vik")


def hex_of(rgb: np.ndarray) -> str:
    """Return one colour (3,) in 0..255 as #rrggbb."""
    return "#" + "".join(f"{round(float(v)):02x}" for v in rgb)
