"""Pairs of PPG and ECG bound by what `casebind adapt --encoders` learns, in a run whose encoders never saw them.

The folds, windows and galleries are those of engine.evaluate.pair_folds. In each fold the pairs of the others are a
site's own: they teach the adapters of both towers and the maps (engine.learning), which are searched with among the
patients of the fold. Encoders and heads stay as the run has them; windows with a finding are the labelled studies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.evaluate.pairs import WindowPairs
from engine.learning.adaptation_data import AdaptationData, KindPairs, part_of
from engine.learning.adaptation_fit import AdaptationPlan, fit_maps
from engine.learning.adapter_fit import adapt
from engine.learning.fit import RatedPairs
from engine.learning.round_data import Pool, RoundData
from engine.model.adapter import BEATS, coarse_features
from engine.training.binding.modality_sides import embed
from engine.training.data.captions import many_hot
from engine.training.data.prepared import Prepared
from engine.training.embedded import load_tower
from engine.training.encoders import loop

BATCH = 256
NO_RATINGS = RatedPairs(
    *(np.zeros((0, 256), np.float32),) * 2, *(np.zeros(0, str),) * 2, *(np.zeros(0),) * 2, np.zeros((0, 0), bool)
)


def adapted_folds(
    run: Path, datas: dict[str, Prepared], found: list[WindowPairs], index: list[np.ndarray], plan: AdaptationPlan
) -> Iterator[WindowPairs]:
    """Yield the windows of one fold after the other as they are searched when the pairs of the others are bound.

    run   : with bound towers of ECG and PPG
    found : the windows of each fold as the run has them;  index : (n, 2) their numbers in the prepared PPGs and ECGs
    """
    material = _material(run, datas, np.concatenate(index))
    for fold, windows in zip(index, found, strict=True):
        patients = {datas["ppg"].rows[i].patient_id for i in fold[:, 0]}
        data = _without(material, datas, patients)
        _, adapted = adapt(data, {})
        heads = {kind: np.eye(256, dtype=np.float32) for kind in BEATS.kinds}
        heads = fit_maps(heads, adapted, plan, saved=None, save=lambda state: None)
        after = {kind: _mapped(adapted.sides[kind], heads[kind]) for kind in BEATS.kinds}
        yield replace(windows, ppg=after["ppg"][fold[:, 0]], ecg=after["ecg"][fold[:, 1]])


def _mapped(z: np.ndarray, head: np.ndarray) -> np.ndarray:
    made = z @ head.T
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))


def _material(run: Path, datas: dict[str, Prepared], every: np.ndarray) -> AdaptationData:
    """Return all windows as an adaptation has them, nobody held out yet."""
    sides, coarse, rows = {}, {}, {}
    for kind in BEATS.kinds:
        inputs, count = loop.tensors(datas[kind]), len(datas[kind].rows)
        sides[kind] = embed(load_tower(run / "bound" / f"{kind}.safetensors", kind), inputs, np.arange(count))
        coarse[kind] = _coarse(kind, inputs, count)
        rows[f"side.{kind}"] = np.arange(count)
    patients = np.array([datas["ppg"].rows[i].patient_id for i in every[:, 0]])
    pairs = {BEATS.kinds: KindPairs(every[:, ::-1], np.zeros(len(every), np.int8), patients)}
    labels = RoundData(NO_RATINGS, NO_RATINGS, np.zeros(0, str), {}, {}, {}, 0)
    return AdaptationData(sides, pairs, labels, coarse=coarse, coarse_rows=rows)


def _coarse(kind: str, inputs: dict[str, torch.Tensor], count: int) -> np.ndarray:
    parts = []
    for start in range(0, count, BATCH):
        batch = loop.take(inputs, np.arange(start, min(start + BATCH, count)))
        parts.append(coarse_features(kind, batch).cpu().numpy())
    return np.concatenate(parts)


def _without(data: AdaptationData, datas: dict[str, Prepared], patients: set[str]) -> AdaptationData:
    """Return the same with these patients held out: from pairs and from the labelled studies."""
    replay, rows = {}, dict(data.coarse_rows)
    for kind in BEATS.kinds:
        known = [(i, r) for i, r in enumerate(datas[kind].rows) if r.finding_set and r.split == "train"]
        known = [(i, row) for i, row in known if row.patient_id not in patients]
        if known:
            chosen = np.array([i for i, _ in known])
            replay[kind] = _pool(data.sides[kind][chosen], datas[kind], chosen)
            rows[f"replay.{kind}"] = chosen
    one = data.pairs[BEATS.kinds]
    part = np.array([part_of(str(who), held=who in patients) for who in one.patients], np.int8)
    return replace(
        data, pairs={BEATS.kinds: replace(one, part=part)}, labels=replace(data.labels, replay=replay), coarse_rows=rows
    )


def _pool(z: np.ndarray, data: Prepared, chosen: np.ndarray) -> Pool:
    rows = [data.rows[i] for i in chosen]
    patients, sexes, datasets, ids = (
        np.array([getattr(row, name) for row in rows]) for name in ("patient_id", "sex", "dataset", "study_id")
    )
    held = many_hot(row.finding_set for row in rows)
    return Pool(z, held, patients, sexes, datasets, np.full(len(rows), np.nan), ids)
