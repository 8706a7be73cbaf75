"""A release's own `valid` profile: what its embeddings, the gate's scores and refusals are like, by data set.

`profile.npz` of a release's folder holds, of one recording a patient, the embedding in 32 random directions (Johnson
and Lindenstrauss 1984), in half precision, without an id and in random order; nothing of the recording can be made of
it. It is no part of the release: nothing that answers depends on it. `python -m engine.training.profile` makes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.files import write_whole

FILE = "profile.npz"
DIRECTIONS = 32
SEED = 20261130  # of the directions, which must be the same wherever a profile is compared


@dataclass(frozen=True, eq=False)
class Known:
    """What one data set is like under a release.

    projected : (n, 32) float32, one row a patient. scores: (n,) of the gate, of what it accepts
    judged    : recordings that the gate judged, one a patient, of which it refused so many
    """

    projected: np.ndarray
    scores: np.ndarray
    judged: int
    refused: int


Profile = Mapping[str, Mapping[str, Known]]  # modality → data set → what it is like


@cache
def directions() -> np.ndarray:
    """Return the random directions, (256, 32) float32, that keep distances on average."""
    drawn = np.random.default_rng(SEED).standard_normal((256, DIRECTIONS)) / np.sqrt(DIRECTIONS)
    return drawn.astype(np.float32)


def project(embeddings: np.ndarray) -> np.ndarray:
    """Embeddings (n, 256) → (n, 32) float32."""
    return np.asarray(embeddings, np.float32).reshape(-1, 256) @ directions()


def save(folder: Path, profile: Profile, about: Mapping[str, Any]) -> Path:
    """Write a profile into a release's folder, whole or not at all; about: command, date, split."""
    arrays: dict[str, np.ndarray] = {"about": np.array(json.dumps(dict(about)))}
    for modality, sets in profile.items():
        for name, known in sets.items():
            key = f"{modality}/{name.replace('/', '|')}"
            arrays[f"{key}/projected"] = known.projected.astype(np.float16)
            arrays[f"{key}/scores"] = known.scores.astype(np.float16)
            arrays[f"{key}/gate"] = np.array([known.judged, known.refused])
    write_whole(folder / FILE, lambda out: np.savez_compressed(out, **arrays))  # type: ignore[arg-type]
    return folder / FILE


def load(folder: Path) -> Profile:
    """Return the profile of a release's folder; empty where there is none."""
    if not (folder / FILE).is_file():
        return {}
    found: dict[str, dict[str, Known]] = {}
    with np.load(folder / FILE, allow_pickle=False) as file:
        for key in [name.removesuffix("/gate") for name in file.files if name.endswith("/gate")]:
            modality, name = key.split("/")
            rows, scores = (file[f"{key}/{part}"].astype(np.float32) for part in ("projected", "scores"))
            judged, refused = (int(n) for n in file[f"{key}/gate"])
            found.setdefault(modality, {})[name.replace("|", "/")] = Known(rows, scores, judged, refused)
    return found
