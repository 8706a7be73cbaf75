"""Whether pre-training helps: the same tuning from pre-trained and from random weights, on shares of the patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.errors import UsageError
from engine.metrics.classifying import mean_auroc
from engine.metrics.resampling import measured
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.models import Encoder, encoder_for
from engine.training.data import prepared
from engine.training.data.prepared import Prepared
from engine.training.encoders import loop, tune
from engine.training.probe import ProbeResult, probed
from engine.training.stages import TUNE, load_state

MIN_HOLDERS = 8  # valid studies that hold a finding, and that lack it, for it to count
NOTES = (
    "Both starts are tuned alike, by the same batches, and read by logistic probes; findings with at least "
    f"{MIN_HOLDERS} studies of valid count, each once.",
    "The best epoch and the probe's strength are chosen on valid, the split that is reported, for both starts alike.",
)


def share_of(data: Prepared, share: float, seed: int = 0) -> Prepared:
    """Return the data with a share of the `train` patients; the others are put apart."""
    names = np.unique([row.patient_id for row in data.rows if row.split == "train"])
    count = max(1, round(share * len(names)))
    kept = set(np.random.default_rng(seed).permutation(names)[:count])
    rows = [row if row.split != "train" or row.patient_id in kept else replace(row, split="apart") for row in data.rows]
    return Prepared(rows, data.inputs)


def tuned_from(
    state: dict[str, torch.Tensor] | None, modality: str, data: Prepared, plan: tune.TuningPlan, log: loop.Log
) -> ProbeResult:
    """Tune an encoder from given weights, or from random ones, and read `valid` by probes."""
    torch.manual_seed(plan.seed)
    encoder: Encoder = encoder_for(modality)
    if state is not None:
        encoder.load_state_dict({**encoder.state_dict(), **state})
    tune.tune(modality, encoder, data, plan, log)
    return probed(encoder, data)


def rows_of(task: str, probes: dict[str, ProbeResult]) -> list[ResultRow]:
    """Return each start's mean AUROC over findings, and the first less the second on the same draws of patients."""
    first = next(iter(probes.values()))
    counted = (first.has_finding.sum(0) >= MIN_HOLDERS) & ((~first.has_finding).sum(0) >= MIN_HOLDERS)
    if not counted.any():
        return []
    patients, held = first.patients, first.has_finding[:, counted]
    scores = {name: one.scores[:, counted] for name, one in probes.items()}
    rows = []
    for name, mine in scores.items():
        figure = measured(lambda w, s=mine: mean_auroc(s, held, w), patients)  # type: ignore[misc]
        counts = {"findings": int(counted.sum())}
        rows.append(ResultRow(task, name, {"AUROC": figure}, distinct(patients), {"AUROC": 0.5}, counts))
    a, b = scores.values()
    gain = measured(lambda w: mean_auroc(a, held, w) - mean_auroc(b, held, w), patients)
    return [*rows, ResultRow(task, " − ".join(scores), {"difference": gain}, distinct(patients))]


def compare(
    modality: str, run: Path, cache: Path, shares: Sequence[float], *, epochs: float, log: loop.Log
) -> Measurement:
    """Return both starts' AUROC on `valid` for every share of the patients; `epochs` scales the tuning plan.

    A smaller share is gone through more often, so that every tuning takes as many steps.
    """
    file = run / "encoders" / f"{modality}-pretrained.safetensors"
    if not file.is_file():
        raise UsageError(
            f"{run} holds no pre-trained {modality} encoder: run `casebind train encoders {modality}` first."
        )
    data, rows = prepared.load(cache, modality), []
    for share in shares:
        part, found = share_of(data, share), {}
        plan = replace(TUNE[modality], epochs=max(1, round(TUNE[modality].epochs * epochs / share)))
        for name, state in (("pre-trained", load_state(file)), ("random", None)):
            log.write(stage="start", start=name, share=share)
            found[name] = tuned_from(state, modality, part, plan, log)
        rows += rows_of(f"{modality}, {100 * share:g} % of train patients, {plan.epochs} epochs", found)
    return Measurement(f"starts-{modality}", run.name, "valid", rows, NOTES)
