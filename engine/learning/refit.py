"""What a workspace teaches, learnt anew from the root release in one go: the same data, the same bits.

Learnt state is a function of the root release, the rated and original pairs, the plan with its seed, and the number of
threads. All of these are fixed here, so that two workspaces with the same data learn the same; a round, which begins
with the release that serves, does not forget. The work is done in a process of its own, with random numbers of its own.
What typed words are under the root release is of nobody, so the first process hands it on to those that follow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError, WorkspaceError
from engine.learning.round_data import RoundData, from_arrays, gather_round_data, to_arrays
from engine.learning.round_worker import INPUTS, JOB, Coder, calibration_tables, embedded, gate_rows
from engine.settings import ROOT
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.learning.fit import FittedRound
    from engine.model.release import Release

SEED, THREADS = 0, 1
LEARNT, TABLES, TYPED = "learnt.npz", "tables.json", "typed.npy"
NOTHING = "There is nothing to learn from: no pair was rated of patients whose consent to training stands."
_typed: dict[str, np.ndarray] = {}  # digest of a root release → what its language model makes of typed words


@dataclass(frozen=True, eq=False)
class Refit:
    """What was learnt. rows: the gate's table as JSON, empty where it was not measured; found: what it learnt from"""

    fitted: FittedRound
    calibration: dict[str, Any]
    rows: list[dict[str, Any]]
    found: RoundData


def refit(
    workspace: Workspace, root: Release, *, actor: Actor, steps: int | None = None, measure: bool = False
) -> Refit:
    """Learn from everything that may be learnt from in a workspace, beginning with the root release.

    steps   : of the fit; None for those of a round
    measure : also fill the gate's table, root against what was learnt
    Raises UsageError where there is nothing to learn from.
    """
    found = gather_round_data(workspace, actor.maintaining())
    if not len(found.learn) or not found.replay:
        raise UsageError(NOTHING)
    home = workspace.path / "rounds"
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".refit-") as folder:
        job = {"base": str(root.path.resolve()), "steps": steps, "measure": measure}
        Path(folder, JOB).write_text(json.dumps(job), "utf-8")
        np.savez(Path(folder, INPUTS), **to_arrays(found))  # type: ignore[arg-type]
        if root.digest in _typed:
            np.save(Path(folder, TYPED), _typed[root.digest])
        _run(folder)
        _typed[root.digest] = np.load(Path(folder, TYPED), allow_pickle=False)
        return _read(Path(folder), found)


def _run(folder: str) -> None:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS))
    command = [sys.executable, "-m", "engine.learning.refit", folder]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **threads}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"status {ended.returncode}"])[-1]
        raise WorkspaceError(f"Nothing was learnt anew ({last}): free some memory and disk, and do the same again.")


def _read(folder: Path, found: RoundData) -> Refit:
    from engine.learning.fit import FittedRound

    tables = json.loads((folder / TABLES).read_text("utf-8"))
    with np.load(folder / LEARNT, allow_pickle=False) as arrays:
        heads = {name.removeprefix("head."): arrays[name] for name in arrays.files if name.startswith("head.")}
        fitted = FittedRound(heads, arrays["weight"], arrays["threshold"], [])
    return Refit(fitted, tables["calibration"], tables["rows"], found)


def main(folder: Path) -> None:
    """Do the work of one folder."""
    import torch

    from engine.learning import gate
    from engine.learning.fit import FitPlan, RatedPairs, fit
    from engine.learning.recalibrate import embed_typed
    from engine.model.release import load_release

    torch.set_num_threads(THREADS)
    job = json.loads((folder / JOB).read_text("utf-8"))
    base, plan = load_release(Path(job["base"])), FitPlan(seed=SEED)
    plan = plan if job["steps"] is None else FitPlan(**{**asdict(plan), "steps": job["steps"]})
    with np.load(folder / INPUTS, allow_pickle=False) as arrays:
        found = from_arrays(arrays)
    replay = {modality: embedded(pool) for modality, pool in found.replay.items()}

    def learnt(pairs: RatedPairs) -> FittedRound:
        return fit(base.layer(), base.heads, pairs, replay, plan)

    fitted, rows = learnt(found.learn), []
    after = Coder(base, fitted)
    if job["measure"]:
        bare = Coder(base, learnt(found.learn.take(np.zeros(0, int))))
        rows = gate.rows_as_json(gate.apply_guards(gate_rows(base, after, found, bare)))
    typed = np.load(folder / TYPED, allow_pickle=False) if (folder / TYPED).is_file() else embed_typed(base)
    np.save(folder / TYPED, typed)
    tables = {"calibration": calibration_tables(base, after, found, typed), "rows": rows}
    heads = {f"head.{modality}": head for modality, head in fitted.heads.items()}
    np.savez(folder / LEARNT, weight=fitted.weight, threshold=fitted.threshold, **heads)  # type: ignore[arg-type]
    (folder / TABLES).write_text(json.dumps(tables), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
