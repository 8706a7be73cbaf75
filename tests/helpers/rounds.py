"""Releases of rounds that learnt something known: maps a little off the identity, and a gate's table made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.actor import Actor
from engine.findings import findings
from engine.learning import gate, round_release
from engine.learning.fit import FittedRound
from engine.learning.gate import GateRow
from engine.model.release import MODELS, Release
from engine.workspace.workspace import Workspace

GOOD = (
    GateRow("overall", "", 90, 0.50, 0.55, 0.05, 0.02, 0.08),
    GateRow("pair", "ecg>cxr", 40, 0.4, 0.5, 0.1, 0.0, 0.2),
)
BAD = (
    GateRow("overall", "", 90, 0.50, 0.55, 0.05, 0.02, 0.08),
    GateRow("pair", "ecg>cxr", 40, 0.5, 0.4, -0.1, -0.2, 0.0),
)


def learnt(base: Release, seed: int = 0, far: float = 0.02) -> FittedRound:
    """Maps a little off those of the release before, under its hash layer as it is."""
    rng, state = np.random.default_rng(seed), base.layer().state_dict()
    heads = {m: (base.heads[m] + far * rng.normal(size=(256, 256))).astype(np.float32) for m in base.modalities}
    return FittedRound(heads, state["weight"].numpy(), state["threshold"].numpy(), [])


def written(workspace: Path, base: Release, seed: int = 0, rows: tuple[GateRow, ...] = GOOD, **about: Any) -> Release:
    """Write the release of a round on `base`, with a gate's table."""
    tables = json.loads((MODELS / base.base / "calibration.json").read_text())
    about = {"ratings": 3, "raters": [{"who": "Ada", "n": 3}], "seconds": 1.0, "gate": gate.rows_as_json(rows), **about}
    name = round_release.next_name(workspace, base.base)
    return round_release.write(workspace, base, name, learnt(base, seed), calibration=tables, about=about)


def rate(place: Workspace, n: int, *, who: str = "Ada", flips: float = 0.0, seed: int = 0) -> int:
    """Rate n pairs of studies as their labels say, a share of them the other way round; return how many were flipped.

    Half of the pairs share a finding, as far as there are so many.
    """
    rng, known = np.random.default_rng(seed), [(row, findings(row.labels)) for row in place.all_rows() if row.labels]
    known = [one for one in known if one[1]]
    done, flipped = 0, 0
    for _ in range(200 * n):
        (q, held), (s, other) = (known[i] for i in rng.integers(0, len(known), 2))
        relevant = bool(held & other)
        if q.patient_id == s.patient_id or relevant != (done % 2 == 0):
            continue
        turned = bool(rng.random() < flips)
        mark = "relevant" if relevant != turned else "irrelevant"
        place.rate(q.study_id, s.study_id, mark, actor=Actor(who), release=(place.releases.serving() or ("",))[0])
        done, flipped = done + 1, flipped + turned
        if done == n:
            break
    return flipped
