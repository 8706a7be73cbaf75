"""Pair search over all patients: align and bind PPG and ECG once per fold, without its patients, and search among them.

Two patients of `test` say little about finding the ECG of a moment. The transformers below stay as the run has them:
they have seen the windows of its `train` patients, though never which belong together.

A run that never saw any of them can be adapted instead (engine.evaluate.adaptation_folds), in the same galleries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from engine.errors import UsageError
from engine.evaluate.adaptation_folds import adapted_folds
from engine.evaluate.pairs import NOTES, WindowPairs, by_space, row_of, rows_of
from engine.learning.adaptation_fit import AdaptationPlan
from engine.metrics.heart_rate import window_rate
from engine.metrics.probe_fit import folds
from engine.metrics.rows import Measurement
from engine.study import Trace
from engine.training.binding import align
from engine.training.binding.edges import paired
from engine.training.binding.modality_sides import embed
from engine.training.binding.train import Binding, bind
from engine.training.binding.train import BindingPlan as BindPlan
from engine.training.data import prepared, simultaneous
from engine.training.data.captions import Captions, load_captions
from engine.training.data.prepared import Prepared
from engine.training.embedded import load_tower
from engine.training.encoders import loop
from engine.training.stages import aligned, tokens_of_run

FOLDS = 5
FS = {"ppg": 125.0, "ecg": 100.0}  # of model inputs
LEAD = {"ppg": "PPG", "ecg": "II"}
OURS, ADAPTED = "ours, float", "adapted, float"
GALLERY = "one window per segment"  # of the rows by fold
ARROWS = (("PPG→ECG", False), ("ECG→PPG", True))
NOTE = (
    f"{FOLDS} folds of patients: rhythm pooling and binding are trained without the fold whose windows are searched; "
    "the transformers below are those of the run."
)
ADAPTED_NOTE = (
    f"{FOLDS} folds of patients: '{ADAPTED}' is what casebind adapt --encoders learns from the other folds' pairs, "
    f"'{OURS}' the run as it is, which should be one that was prepared and trained --without the data set."
)


@dataclass(frozen=True)
class FoldPlan:
    """What is trained in each fold."""

    align: align.AlignmentPlan
    bind: BindPlan


def rates(modality: str, x: np.ndarray) -> np.ndarray:
    """Return heart rates from the peaks of model inputs (n, leads, t), first lead there is: (n,), NaN unknown."""
    lead = [int(np.argmax(np.abs(one).sum(1) > 0)) for one in x]
    rows = [one[at][None].astype(np.float32) for one, at in zip(x, lead, strict=True)]
    return np.array([window_rate(Trace(row, (LEAD[modality],), FS[modality], "mV")) for row in rows])


def without(data: Prepared, patients: set[str]) -> Prepared:
    """Return the data with these patients held out and all others that have a pair in `train`."""

    def split(row: prepared.Example) -> str:
        return "held" if row.patient_id in patients else "train" if row.pair else row.split

    return Prepared([replace(row, split=split(row)) for row in data.rows], data.inputs)


@dataclass(frozen=True)
class FoldMaterial:
    """What every fold is trained on: a run, prepared studies, simultaneous windows, their tokens, and captions."""

    run: Path
    datas: dict[str, Prepared]
    windows: simultaneous.SimultaneousWindows
    tokens: align.Tokens
    captions: Captions


def material_of(run: Path, cache: Path) -> FoldMaterial:
    """Return what the folds share; the transformers, which no fold changes, run over the windows once."""
    windows = simultaneous.load(cache)
    if windows is None:
        raise UsageError(f"{cache} has no PPG and ECG recorded together: prepare a data set that has some.")
    datas = {modality: prepared.load(cache, modality) for modality in ("ecg", "ppg")}
    return FoldMaterial(run, datas, windows, tokens_of_run(run, windows), load_captions(cache))


def trained(material: FoldMaterial, *, out: set[str], plan: FoldPlan, log: loop.Log) -> Binding:
    """Align and bind PPG and ECG without some patients."""
    seen = np.array(["held" if one in out else "train" for one in material.windows.patients])
    windows, model, index = replace(material.windows, splits=seen), Binding(), np.flatnonzero(seen == "train")
    fitted = aligned(material.run, windows, index, plan.align, log, tokens=material.tokens)
    for modality, encoder in fitted.items():
        model.tower(modality).encoder.load_state_dict(encoder.state_dict())
    kept = {modality: without(data, out) for modality, data in material.datas.items()}
    return bind(model, kept, windows, material.captions, plan=plan.bind, log=log)


def window_pairs_of(model: Binding, datas: dict[str, Prepared], index: np.ndarray) -> WindowPairs:
    """Return the windows numbered by index (n, 2), PPG and ECG, as the model and as their peaks see them."""
    z, beats = {}, {}
    for numbers, modality in zip(index.T, ("ppg", "ecg"), strict=True):
        z[modality] = embed(model.tower(modality), loop.tensors(datas[modality]), numbers)
        beats[modality] = rates(modality, datas[modality].inputs["x"][numbers])
    rows = [datas["ppg"].rows[i] for i in index[:, 0]]
    patients, segments = (np.array([getattr(row, name) for row in rows]) for name in ("patient_id", "study_id"))
    return WindowPairs(z["ppg"], z["ecg"], patients, segments, beats["ppg"], beats["ecg"])


def dealt(datas: dict[str, Prepared]) -> list[np.ndarray]:
    """Return of each fold the numbers of its simultaneous windows in PPGs and ECGs, (n, 2)."""
    every = np.concatenate([paired(datas["ppg"], datas["ecg"], split) for split in ("train", "valid", "test")])
    fold = folds(np.array([datas["ppg"].rows[i].patient_id for i in every[:, 0]]), FOLDS)
    return [every[fold == number] for number in range(FOLDS)]


def each_fold(run: Path, cache: Path, plan: FoldPlan, log: loop.Log) -> Iterator[WindowPairs]:
    """Yield the held-out windows of one fold after the other."""
    material = material_of(run, cache)
    datas = material.datas
    for index in dealt(datas):
        torch.manual_seed(0)
        out = {datas["ppg"].rows[i].patient_id for i in index[:, 0]}
        yield window_pairs_of(trained(material, out=out, plan=plan, log=log), datas, index)


def pair_search(run: Path, cache: Path, log: loop.Log, epochs: float = 1.0) -> Measurement:
    """Return pair search over all patients with simultaneous recordings, beside heart-rate matching and chance."""
    plan = FoldPlan(
        replace(align.AlignmentPlan(), steps=max(1, int(align.AlignmentPlan.steps * epochs))),
        replace(BindPlan(), modalities=("ecg", "ppg"), views=1, epochs=max(1, int(BindPlan.epochs * epochs))),
    )
    found = list(each_fold(run, cache, plan, log))
    return Measurement("pairs-folds", run.name, f"{FOLDS} folds", rows_of({OURS: found}), (NOTE, *NOTES))


def adapted_search(run: Path, cache: Path, epochs: float = 1.0) -> Measurement:
    """Return the same for a run whose towers are adapted in each fold in place of being trained, also fold by fold.

    UsageError where the run has no bound towers.
    """
    datas = {modality: prepared.load(cache, modality) for modality in ("ecg", "ppg")}
    plan = replace(AdaptationPlan(), steps=max(1, int(AdaptationPlan.steps * epochs)))
    index, towers = dealt(datas), Binding()
    for modality in datas:
        file = run / "bound" / f"{modality}.safetensors"
        if not file.is_file():
            raise UsageError(f"{run} has no bound {modality} tower to adapt: run `casebind train binding` first.")
        towers.towers[modality] = load_tower(file, modality)
    before = [window_pairs_of(towers, datas, one) for one in index]
    spaces: dict[str, Sequence[WindowPairs]] = {
        OURS: before,
        ADAPTED: list(adapted_folds(run, datas, before, index, plan)),
    }
    rows = rows_of(spaces)
    for arrow, back in (("PPG→ECG", False), ("ECG→PPG", True)):
        for number, name in product(range(FOLDS), spaces):
            task, one = f"{arrow}, {GALLERY}, fold {number + 1}", [spaces[name][number]]
            rows.append(row_of(one, task, name, GALLERY, by_space, back=back))
    return Measurement("pairs-adapted", run.name, f"{FOLDS} folds", rows, (ADAPTED_NOTE, *NOTES))
