"""Every colour that drawings use, by name: assets/colours.toml, and the published maps."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from engine.settings import ASSETS

ThemeType = Literal["light", "dark"]


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


def paper(theme: ThemeType) -> Paper:
    """Return the trace paper of a theme; prints use the light one."""
    return Paper(**colours()["paper"][theme])


def cividis(values: np.ndarray) -> np.ndarray:
    """Return colours (…, 3) in 0..1 for magnitudes in 0..1.

    Nuñez, Anderton and Renslow (2018): dark to light, even for colour-blind readers.
    """
    import matplotlib as mpl

    return np.asarray(mpl.colormaps["cividis"](np.asarray(values, np.float64)))[..., :3]


def hex_of(rgb: np.ndarray) -> str:
    """Return one colour (3,) in 0..1 as #rrggbb."""
    return "#" + "".join(f"{round(255 * float(v)):02x}" for v in rgb)
