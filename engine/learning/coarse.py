"""What adapters read of stored films, ECGs and PPGs (engine.model.adapter), made once for a job.

    <workspace>/rounds/coarse/   while they are made; the job takes them into its own folder
        in.coarse.<modality>.npy     (n, f) float16, a row a study
        in.coarse.<modality>.json    how many are made, and of which studies by which encoders

Every study is opened, and films pass through the frozen part of their encoder, so this is what takes long: some hours
for 100,000 studies. Where it is stopped or killed the files stay, and the next job that reads goes on with them; one
that does not, a withdrawal from training and an erasure delete them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Container, Sequence
from pathlib import Path

import numpy as np

from engine.errors import UsageError
from engine.files import write_whole
from engine.learning.round_worker import forget_inputs
from engine.modalities import resolve, spec_of
from engine.model.adapter import COARSE as WIDTHS
from engine.model.adapter import LINKS, coarse_features
from engine.study import Film, Study
from engine.workspace.workspace import Workspace

BATCH = 16
WITHDREW = "Somebody withdrew from training while studies were read: begin again, without them."
Progress = Callable[[float], None]  # share of the whole, 0..1; what it raises ends the work


def kinds_of(paired: Container[tuple[str, str]]) -> tuple[str, ...]:
    """Return the modalities that adapters read where there are pairs of these two modalities."""
    linked = {kind for link in LINKS if link.kinds in paired for kind in link.kinds}
    return tuple(kind for kind in WIDTHS if kind in linked)


def write(
    workspace: Workspace, kind: str, ids: Sequence[str], encoder: str, *, folder: Path, progress: Progress
) -> np.ndarray:
    """Return (n, f) coarse features of studies of one modality, on disk; goes on with what lies in the folder.

    encoder : hash of the encoder that they go with
    Raises WorkspaceError where a study's file is damaged, UsageError where somebody withdrew meanwhile.
    """
    file, known = folder / f"in.coarse.{kind}.npy", folder / f"in.coarse.{kind}.json"
    wanted = hashlib.sha256("\n".join([encoder, str(WIDTHS[kind]), *ids]).encode()).hexdigest()
    done = _done(known, wanted) if file.is_file() else 0
    mode, shape = ("r+" if done else "w+"), (len(ids), WIDTHS[kind])
    out = np.lib.format.open_memmap(file, mode=mode, dtype=np.float16, shape=None if done else shape)
    for start in range(done, len(ids), BATCH):
        rows = {row.study_id: row for row in workspace.all_rows(ids[start : start + BATCH])}
        studies = [workspace.study_of(rows[one]) for one in ids[start : start + BATCH]]
        out[start : start + len(studies)] = coarse_of(kind, studies)
        out.flush()
        if not file.exists():
            raise UsageError(WITHDREW)
        write_whole(known, json.dumps({"of": wanted, "done": start + len(studies)}), durable=False)
        progress((start + len(studies)) / len(ids))
    return out


def take(made: Path, folder: Path, kinds: Sequence[str]) -> None:
    """Move what is made into the folder of the job that reads it; UsageError where somebody withdrew meanwhile."""
    if not all((made / f"in.coarse.{kind}.npy").exists() for kind in kinds):
        forget_inputs(made)
        raise UsageError(WITHDREW)
    for kind in kinds:
        os.replace(made / f"in.coarse.{kind}.npy", folder / f"in.coarse.{kind}.npy")
        (made / f"in.coarse.{kind}.json").unlink()


def read(folder: Path) -> dict[str, np.ndarray]:
    """Return modality → coarse features as they lie in a job's folder, read from disk when they are taken."""
    files = {kind: folder / f"in.coarse.{kind}.npy" for kind in WIDTHS}
    return {kind: np.load(file, mmap_mode="r") for kind, file in files.items() if file.is_file()}


def coarse_of(kind: str, studies: Sequence[Study]) -> np.ndarray:
    """Return the coarse features of studies of one modality, (n, f) float32."""
    import torch

    from engine.model.trunk import lower_tokens

    with torch.no_grad():
        films = [study.content for study in studies if isinstance(study.content, Film)]
        if films:
            return np.asarray(coarse_features(kind, {"tokens": lower_tokens(films)}).numpy())
        prepare = resolve(spec_of(kind).inputs)
        made = [prepare(study.searched) for study in studies]
        inputs = {name: torch.from_numpy(np.stack([one[name] for one in made])) for name in made[0]}
        return np.asarray(coarse_features(kind, inputs).numpy())


def _done(known: Path, wanted: str) -> int:
    try:
        found = json.loads(known.read_text("utf-8"))
    except (OSError, ValueError):
        return 0
    return int(found["done"]) if found.get("of") == wanted else 0
