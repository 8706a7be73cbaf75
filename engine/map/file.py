"""A made map as a file of the workspace: one per release, written whole or not at all, with what it was made from."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from engine.actor import Actor
from engine.files import write_whole
from engine.map.fidelity import Fidelity
from engine.store.maps import code_columns
from engine.workspace.workspace import Workspace

FOLDER, METHOD = "maps", 1  # METHOD grows with every change of how maps are made
MIN_STUDIES = 30  # of a map: fewer have no neighbourhoods
MAX_STUDIES = 20_000  # of a map: of more, a random sample is taken
SEED = 0


@dataclass(frozen=True, eq=False)
class Chart:
    """A made map.

    ids    : (n,) study ids, as they were when it was made
    points : (n, 2) float32
    total  : studies that there were to be mapped; more than n where a sample was taken
    digest : of the studies and codes that it was made from
    """

    release: str
    ids: np.ndarray
    points: np.ndarray
    total: int
    digest: str
    fidelity: Fidelity
    made_at: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Source:
    """What a map is made from now: permitted study ids and modalities (n,), packed codes (n, 32) uint8, a digest."""

    ids: np.ndarray
    modalities: np.ndarray
    codes: np.ndarray
    digest: str


def source(workspace: Workspace, release: str, release_digest: str, *, actor: Actor) -> Source:
    """Return the studies of a release that the actor may see, those that open quizzes withhold too: one map for all."""
    columns = code_columns(workspace.database, actor.maintaining(), release)
    ids = np.asarray(columns["study_id"], dtype=object)
    words = np.stack([np.asarray(columns[f"w{i}"], np.uint64) for i in range(4)], axis=1)
    codes = np.ascontiguousarray(words.astype("<u8")).view(np.uint8).reshape(-1, 32)
    made_from = sha256(f"{METHOD} {release_digest} {len(ids)}\n".encode() + "\n".join(ids).encode() + codes.tobytes())
    return Source(ids, np.asarray(columns["modality"], dtype=object), codes, made_from.hexdigest())


def sampled(n: int) -> np.ndarray:
    """Return the indices of the studies that a map of n studies is made of, (≤ MAX_STUDIES,), in order."""
    return np.arange(n) if n <= MAX_STUDIES else np.sort(np.random.default_rng(SEED).permutation(n)[:MAX_STUDIES])


def file_of(workspace: Path, release: str) -> Path:
    """Return where the map of a release lies."""
    return workspace / FOLDER / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', release)}.npz"


def save(workspace: Path, chart: Chart) -> Path:
    """Write a map whole or not at all."""
    file = file_of(workspace, chart.release)
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "release": chart.release,
        "total": chart.total,
        "digest": chart.digest,
        "kept": asdict(chart.fidelity),
        "made_at": chart.made_at,
        "seconds": chart.seconds,
    }
    ids, points = np.array([str(one) for one in chart.ids]), chart.points.astype(np.float32)
    write_whole(file, lambda out: np.savez_compressed(out, ids=ids, points=points, about=np.array(json.dumps(about))))
    return file


def load(workspace: Path, release: str) -> Chart | None:
    """Return the map of a release; None where there is none or its file is damaged, since it can be made again."""
    try:
        with np.load(file_of(workspace, release), allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            about["fidelity"] = Fidelity(**about.pop("kept"))
            return Chart(ids=file["ids"].astype(object), points=file["points"], **about)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
