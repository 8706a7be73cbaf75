"""Ventricular premature beats: single, in couplets, or after every sinus beat (bigeminy).

The sinus node is not reset, so a full compensatory pause follows and the mean rate stays; beats of one focus come after
a nearly fixed time (fixed coupling). Surawicz and Knilans, Chou's Electrocardiography in Clinical Practice, 2008.
"""

from __future__ import annotations

import numpy as np

COUPLING = (0.52, 0.70)  # a premature beat comes after this share of the sinus RR
SECOND = (0.52, 0.62)  # the second of a couplet after the first, share of the sinus RR
NUMBERS, SHARES = (1, 2, 3, 4), (0.15, 0.35, 0.30, 0.20)  # single ones in ten seconds, as `train` of PTB-XL looks
COUPLETS = (1, 2)
INSIDE_S = 1.2  # from the ends of the recording


def with_premature(
    r_s: np.ndarray, kind: np.ndarray, pattern: str, duration_s: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the beats (r_s, kind) with some replaced by early ventricular ones; pattern as EcgDetails.ectopy."""
    r_s, kind = r_s.copy(), kind.copy()
    share = rng.uniform(*COUPLING)
    second = rng.uniform(*SECOND)
    for at in _positions(r_s, pattern, duration_s, rng):
        rr = r_s[at] - r_s[at - 1]
        _place(r_s, kind, at, max((share + rng.normal(0, 0.012)) * rr, min(0.34, 0.8 * rr)))
        if pattern == "couplets":
            _place(r_s, kind, at + 1, max((second + rng.normal(0, 0.012)) * rr, min(0.32, 0.7 * rr)))
    return r_s, kind


def _place(r_s: np.ndarray, kind: np.ndarray, at: int, after_s: float) -> None:
    r_s[at] = r_s[at - 1] + after_s
    kind[at] = "ventricular"


def _positions(r_s: np.ndarray, pattern: str, duration_s: float, rng: np.random.Generator) -> list[int]:
    """Return which beats become premature, in time."""
    if pattern == "bigeminy":
        return list(range(1 + int(rng.integers(2)), r_s.size, 2))
    couplets = pattern == "couplets"
    apart = 3 if couplets else 2
    number = int(rng.choice(COUPLETS)) if couplets else int(rng.choice(NUMBERS, p=SHARES))
    inside = np.flatnonzero((r_s > INSIDE_S) & (r_s < duration_s - INSIDE_S))
    chosen: list[int] = []
    for at in rng.permutation(inside[: -1 if couplets else None]):
        if len(chosen) < number and all(abs(at - other) > apart for other in chosen):
            chosen.append(int(at))
    return sorted(chosen)
