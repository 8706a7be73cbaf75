"""A made map as it lies in the workspace: one file per release, put in place whole, and whether it is still true."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from engine.files import write_whole
from engine.map.fidelity import Fidelity
from engine.store.filters import CONSENT_SQL
from engine.workspace.workspace import Workspace

FOLDER, METHOD = "maps", 1  # METHOD grows with every change of how maps are made
MIN_STUDIES, MAX_STUDIES = (
    30,
    20_000,
)  # studies of a map: fewer have no neighbourhoods; of more, a random sample is taken
SEED = 0

PERMITTED = (
    "SELECT c.study_id, c.modality, c.w0, c.w1, c.w2, c.w3 FROM codes c JOIN studies s USING (study_id)"
    f" WHERE c.release = ? AND {CONSENT_SQL} ORDER BY c.study_id"
)


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
    kept: Fidelity
    made_at: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Source:
    """What a map is made from now: permitted study ids and modalities (n,), packed codes (n, 32) uint8, a digest."""

    ids: np.ndarray
    modalities: np.ndarray
    codes: np.ndarray
    digest: str


def source(workspace: Workspace, release: str, release_digest: str) -> Source:
    """Return the studies of a release whose patients have not withdrawn."""
    found = workspace.database.columns(PERMITTED, [release])
    ids = np.asarray(found["study_id"], dtype=object)
    words = np.stack([np.asarray(found[f"w{i}"], np.uint64) for i in range(4)], axis=1)
    codes = np.ascontiguousarray(words.astype("<u8")).view(np.uint8).reshape(-1, 32)
    known = sha256(f"{METHOD} {release_digest} {len(ids)}\n".encode() + "\n".join(ids).encode() + codes.tobytes())
    return Source(ids, np.asarray(found["modality"], dtype=object), codes, known.hexdigest())


def sampled(n: int) -> np.ndarray:
    """Return the places of the studies that a map of n studies is made of, (≤ MOST,), in order."""
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
        "kept": asdict(chart.kept),
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
            about["kept"] = Fidelity(**about["kept"])
            return Chart(ids=file["ids"].astype(object), points=file["points"], **about)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
