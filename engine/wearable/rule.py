"""Which windows of long recordings are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Per = Literal["hour", "day"]
PERS: tuple[Per, ...] = ("hour", "day")


@dataclass(frozen=True)
class KeepRule:
    """How many windows of long recordings are kept of every hour or day: the best ones by the gate's score."""

    best: int = 1
    per: Per = "hour"
