"""The work of a round, in a process of its own: `python -m engine.learning.round_worker FOLDER`, the folder of a job.

It reads job.json and in.npz, says in state.json how far it is, and writes the round's release whole or not at all. It
never opens the workspace's database: that belongs to the server. What was learnt so far lies in the job's folder
(in.checkpoint.pt), so a process that was killed is gone on with. An adaptation (engine.learning.adaptation_worker) runs
in `main` too.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import CasebindError
from engine.files import utc_now, write_whole
from engine.learning.group_balance import checked, groups_of, shares
from engine.learning.round_data import RoundData, from_arrays

if TYPE_CHECKING:
    import torch

    from engine.learning.fit import FittedRound, RatedPairs
    from engine.learning.round_data import Pool
    from engine.model.release import Release
    from engine.training.hashing.train import LabelledEmbeddings

NICE, THREADS = 10, 2  # others come first
JOB, INPUTS, STATE, CANCELLED = "job.json", "in.npz", "state.json", "cancelled"
CHECKPOINT = "in.checkpoint.pt"
FITTED, BARE, MEASURED = 0.45, 0.85, 0.97  # shares of the whole after each step
FULL = "The round could not be finished: free some disk and begin again, ratings and releases are as they were."


def report_progress(folder: Path, state: str, share: float, **more: Any) -> None:
    """Write how far the work is, whole or not at all; ends the process where somebody has cancelled it."""
    if (folder / CANCELLED).exists():
        sys.exit(0)
    known = {"state": state, "share": round(share, 3), "pid": os.getpid(), **more}
    write_whole(folder / STATE, json.dumps(known), durable=False)


def main(folder: Path, work: Callable[[Path, dict[str, Any]], str]) -> int:
    """Do the work of one job; return the exit status. work: (folder, content of job.json) → the release's name"""
    os.nice(NICE)
    report_progress(folder, "gathering", 0.0)
    state, share = "done", 1.0
    try:
        about = {"name": work(folder, json.loads((folder / JOB).read_text("utf-8")))}
    except Exception as problem:
        traceback.print_exc()
        state, share, about = "failed", 0.0, {"why": _sentence(problem)}
    finally:
        forget_inputs(folder)  # before it is said that the work is over
    report_progress(folder, state, share, ended=utc_now().isoformat(timespec="seconds"), **about)
    return int(state == "failed")


def forget_inputs(folder: Path) -> None:
    """Delete what a job was given to learn from, and what it had learnt so far."""
    for file in folder.glob("in.*"):
        file.unlink(missing_ok=True)


class StageCheckpoint:
    """What a job has done so far: finished stages by name, and the state of the one that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / CHECKPOINT
        self.known = self._read()

    def stage(self, name: str, steps: int, span: tuple[float, float], work: Callable[..., Any]) -> Any:
        """Return what `work(saved=…, save=…)` makes, or what it made before the process was killed."""
        if name in self.known:
            return self.known[name]

        def save(state: dict[str, Any]) -> None:
            self._write({**self.known, "running": (name, state)})
            share = span[0] + (span[1] - span[0]) * state["step"] / steps
            report_progress(self.folder, "fitting", share)

        running, state = self.known.get("running", ("", None))
        if running == name:
            print(f"goes on after step {state['step']} of {steps}", flush=True)
        made = work(saved=state if running == name else None, save=save)
        self.known = {**{k: v for k, v in self.known.items() if k != "running"}, name: made}
        self._write(self.known)
        return made

    def _write(self, content: dict[str, Any]) -> None:
        import torch

        buffer = io.BytesIO()
        torch.save(content, buffer)
        write_whole(self.file, buffer.getvalue())

    def _read(self) -> dict[str, Any]:
        import torch

        if not self.file.is_file():
            return {}
        found: dict[str, Any] = torch.load(self.file, weights_only=True)  # numbers alone, never code
        return found


def work(folder: Path, job: dict[str, Any]) -> str:
    """Fit, measure and write; return the name of the release."""
    import torch

    from engine.learning import gate, round_release
    from engine.learning.fit import FitPlan, fit
    from engine.model.release import load_release
    from engine.training.meter import start_meter

    torch.set_num_threads(THREADS)
    begun, meter, base = time.monotonic(), start_meter(), load_release(Path(job["base"]))
    with np.load(folder / INPUTS, allow_pickle=False) as arrays:
        found = from_arrays(arrays)
    print(f"{len(found.learn)} ratings to fit, {len(found.apart)} held out", flush=True)
    report_progress(folder, "fitting", 0.0)
    replay = {m: embedded(pool) for m, pool in found.replay.items()}
    plan = FitPlan(seed=job["number"], balance=checked(job.get("balance", "")))
    asks = {m: _asking_weights(pool, plan.balance) for m, pool in found.replay.items()}

    done = StageCheckpoint(folder)

    def learnt(name: str, pairs: RatedPairs, span: tuple[float, float]) -> FittedRound:
        def fitting(**more: Any) -> dict[str, Any]:
            return _kept(fit(base.layer(), base.heads, pairs, replay, plan, asks=asks, **more))

        return _fitted(done.stage(name, plan.steps, span, fitting))

    fitted = learnt("rated", found.learn, (0.0, FITTED))
    print(json.dumps(fitted.history[-1] if fitted.history else {}), flush=True)
    bare = learnt("bare", found.learn.take(np.zeros(0, int)), (FITTED, BARE))  # the original pairs, without a rating
    report_progress(folder, "measuring", BARE)
    after = Coder(base, fitted)
    rows = gate.apply_guards(gate_rows(base, after, found, Coder(base, bare)))
    report_progress(folder, "measuring", MEASURED)
    calibration = calibration_tables(base, after, found)
    figures = {
        "gate": gate.rows_as_json(rows),
        "seconds": round(time.monotonic() - begun, 1),
        "energy": meter.stop().as_dict(),
        "plan": asdict(plan),
    }
    made = round_release.write(
        Path(job["workspace"]), base, job["name"], fitted, calibration=calibration, about={**job["about"], **figures}
    )
    print(f"{made.name} is written after {figures['seconds']} s", flush=True)
    return made.name


def _kept(fitted: FittedRound) -> dict[str, Any]:
    """Return what was fitted as it is kept between two processes."""
    import torch

    heads = {name: torch.from_numpy(head) for name, head in fitted.heads.items()}
    layer = {"weight": torch.from_numpy(fitted.weight), "threshold": torch.from_numpy(fitted.threshold)}
    return {"heads": heads, **layer, "history": fitted.history}


def _fitted(kept: dict[str, Any]) -> FittedRound:
    """Return what `_kept` was made of."""
    from engine.learning.fit import FittedRound

    heads = {name: head.numpy() for name, head in kept["heads"].items()}
    return FittedRound(heads, kept["weight"].numpy(), kept["threshold"].numpy(), kept["history"])


class Coder:
    """The codes that a round's release gives, before it is written."""

    def __init__(self, base: Release, fitted: FittedRound) -> None:
        import torch

        from engine.learning.fit import Mapped

        self.model = Mapped(base.layer(), fitted.heads)
        state = {"weight": torch.from_numpy(fitted.weight), "threshold": torch.from_numpy(fitted.threshold)}
        self.model.layer.load_state_dict(state)

    def codes(self, z: np.ndarray, modality: str) -> np.ndarray:
        """Stored embeddings (n, 256) → packed codes (n, 32) uint8."""
        import torch

        from engine.model.packing import pack

        with torch.no_grad():
            projected = self.model.layer.project(self.model.mapped(torch.from_numpy(z), modality), modality)
        return pack(projected.numpy() > 0)

    def mapped(self, z: np.ndarray, modality: str) -> np.ndarray:
        """Stored embeddings (n, 256) → mapped ones of length 1, (n, 256) float32."""
        import torch

        with torch.no_grad():
            found: np.ndarray = self.model.mapped(torch.from_numpy(z), modality).numpy()
        return found


def gate_rows(base: Release, after: Coder, data: RoundData, bare: Coder) -> list[Any]:
    """Return every row of the table: before by the release that the round began with, after by what it learnt.

    bare : what it would have learnt from the original pairs alone
    """
    from engine.learning.gate_metrics import holdout_rows, measure_queries, rating_rows

    coders = (base, after, bare)
    sides = [{m: one.codes(pool.z, m) for m, pool in data.holdout.items()} for one in coders]
    far = [far_of(one, data) for one in coders]
    return holdout_rows(measure_queries(data.holdout, *sides)) + rating_rows(data.apart, data.units, *far)


def far_of(coder: Release | Coder, found: RoundData) -> np.ndarray:
    """Return the distances of the held-out rated pairs, (p,) int."""
    marked, out = found.apart, []
    for z, kinds in ((marked.zq, marked.mq), (marked.zs, marked.ms)):
        codes = np.zeros((len(z), 32), np.uint8)
        for kind in np.unique(kinds):
            codes[kinds == kind] = coder.codes(z[kinds == kind], str(kind))
        out.append(codes.view("<u8"))
    return np.asarray(np.bitwise_count(out[0] ^ out[1]).sum(1), np.int64)


def calibration_tables(
    base: Release, after: Coder, found: RoundData, typed: np.ndarray | None = None
) -> dict[str, Any]:
    """Return the content of calibration.json: what a distance means under the new codes, on the held-out studies.

    typed : what `recalibrate.embed_typed` returns of the base, where that is known
    """
    from engine.learning.recalibrate import embed_typed, tables, typed_findings

    before = json.loads((base.path / "calibration.json").read_text("utf-8"))
    words = typed_findings(embed_typed(base) if typed is None else typed)
    return tables(found.holdout, words, after.codes, before)


def embedded(pool: Pool) -> LabelledEmbeddings:
    """Return a pool of original studies as `fit` takes it."""
    import torch

    from engine.training.hashing.train import LabelledEmbeddings

    return LabelledEmbeddings(torch.from_numpy(pool.z), torch.from_numpy(pool.has_finding))


def _asking_weights(pool: Pool, balance: str) -> torch.Tensor:
    """Return what each original study weighs as one that asks, (n,), where groups count equally by `balance`."""
    import torch

    return torch.from_numpy(shares(groups_of(checked(balance), pool.age.tolist(), pool.sex.tolist())))


def _sentence(problem: Exception) -> str:
    if isinstance(problem, CasebindError):
        return str(problem)
    if isinstance(problem, OSError):
        return FULL
    return f"The round could not be finished ({type(problem).__name__}): its log says more, ratings are as they were."


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), work))
