"""`casebind evaluate hashing`: our codes against float, ITQ, LSH, sign and PCA-sign on the same embeddings."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluate.by_finding import BALANCED, BALANCED_AUROC, Evaluator, average, per_query, retrieval_task
from engine.evaluate.evaluation_sides import EvaluationSide, load_evaluation_sides
from engine.evaluate.plots import canvas, intervals, save, style
from engine.metrics.quantise import baselines, centred, similarity
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.modalities import MODALITIES
from engine.model.packing import LENGTHS, unpack
from engine.model.release import Release

NOTES = (
    "Relevance is a shared finding; queries never meet their own patient; one window per recording.",
    "Films and ECGs in these recordings share no patient: film–ECG figures rest on shared labels, not on patients.",
    "Text is the study's report, or a sentence generated from its findings.",
    "The baselines are fitted on train for each code length alone; ours is one layer whose prefixes are the shorter "
    "codes. Retention is mAP@10 ÷ that of float cosine; 'of centred' ÷ that of float cosine after each modality's mean "
    "is removed, as every code has it. Where float itself is near chance, retention above 1 is no merit of codes.",
    "'below best' compares mAP@10 with the best baseline of the same length; beside it the paired difference.",
)
FLOAT, CENTRED = "float", "float, centred"
LOSS = 0.03  # of float: where the best baseline loses more, half of it should be won back
NOTHING = "–"  # in a table, of a ratio whose whole is 0
Values = dict[str, np.ndarray]  # metric → per query


def projections(
    train: dict[str, EvaluationSide],
) -> tuple[dict[str, np.ndarray], dict[int, dict[str, list[np.ndarray]]]]:
    """Fit the baselines on train pooled over modalities, each centred: means by modality, projections by length."""
    means = {m: side.z.mean(0) for m, side in train.items()}
    pooled = np.concatenate([centred(side.z, means[m]) for m, side in train.items()])
    return means, {bits: baselines(pooled, bits) for bits in LENGTHS}


def methods(
    release: Release,
    a: EvaluationSide,
    b: EvaluationSide,
    means: dict[str, np.ndarray],
    fitted: dict[int, dict[str, list[np.ndarray]]],
) -> dict[tuple[str, int], list[np.ndarray]]:
    """Return every method's scores (q, g) by name and bits (0 = float); LSH has several draws."""
    moved = centred(a.z, means[a.modality]), centred(b.z, means[b.modality])
    bits_of = [unpack(release.codes(side.z, side.modality)) for side in (a, b)]
    out = {(FLOAT, 0): [a.z @ b.z.T], (CENTRED, 0): [moved[0] @ moved[1].T]}
    for bits, named in fitted.items():
        out["ours", bits] = [similarity(bits_of[0][:, :bits], bits_of[1][:, :bits])]
        for name, drawn in named.items():
            out[name, bits] = [similarity(moved[0] @ p > 0, moved[1] @ p > 0) for p in drawn]
    return out


def _verdict(evaluator: Evaluator, values_by_method: dict[tuple[str, int], Values], bits: int) -> dict[str, Any]:
    """Compare ours with the best baseline of the same length and with float, by mAP@10."""
    means = {name: evaluator.mean(v["mAP@10"]) for (name, b), v in values_by_method.items() if b == bits}
    exact, ours = evaluator.mean(values_by_method[FLOAT, 0]["mAP@10"]), means.pop("ours")
    best = max(means, key=lambda name: means[name])
    gain = evaluator.figure("mAP@10", values_by_method["ours", bits]["mAP@10"] - values_by_method[best, bits]["mAP@10"])
    lost = exact - means[best]
    return {
        "below best": "no" if ours >= means[best] else "YES",
        "ours − best": f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}) {best}",
        "best_baseline": best,
        "best_baseline_retention": round(means[best] / exact, 4) if exact else None,
        "loss_won_back": round((ours - means[best]) / lost, 4) if lost > LOSS * exact else None,
    }


def _share(own: float, whole: float) -> str:
    """Return what is kept of a figure; NOTHING where there is none to keep."""
    return f"{own / whole:.3f}" if whole else NOTHING


def rows_of(task: str, evaluator: Evaluator, values_by_method: dict[tuple[str, int], Values]) -> list[ResultRow]:
    """Return a row per method and length for one pair of modalities."""
    chance, rows = evaluator.chance(), []
    exact, moved = (evaluator.mean(values_by_method[name, 0]["mAP@10"]) for name in (FLOAT, CENTRED))
    for (name, bits), values in values_by_method.items():
        own = evaluator.mean(values["mAP@10"])
        more: dict[str, Any] = {"retention": _share(own, exact), "of centred": _share(own, moved)}
        more |= _verdict(evaluator, values_by_method, bits) if name == "ours" else {}
        more |= {"bits": bits, "findings_balanced": int(evaluator.task.counted.sum())}
        method = f"{name} {bits}" if bits else name
        rows.append(ResultRow(task, method, evaluator.figures(values), distinct(evaluator.patients), chance, more))
    return rows


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return a row per pair of modalities, method and code length."""
    train, here = (
        load_evaluation_sides(release, path, "train", cache),
        load_evaluation_sides(release, path, split, cache),
    )
    means, fitted = projections(train)
    rows: list[ResultRow] = []
    for a, b in product(MODALITIES, repeat=2):
        judge = Evaluator(retrieval_task(here[a].has_finding, here[b].has_finding, here[a].patients, here[b].patients))
        if judge.has_relevant.any():
            scores = methods(release, here[a], here[b], means, fitted)
            found = {name: average([per_query(s, judge.task) for s in drawn]) for name, drawn in scores.items()}
            rows += rows_of(f"{a}→{b}", judge, found)
    return Measurement("hashing", release.name, split, rows, NOTES)


def _retention(measurement: Measurement, folder: Path) -> Path:
    """Draw retention by code length, a panel per pair of modalities."""
    drawing, panels = canvas(4, 4, (3.2, 2.6))
    tasks = list(dict.fromkeys(row.task for row in measurement.rows))
    for task, axes in zip(tasks, panels.flat, strict=False):
        mine = [row for row in measurement.rows if row.task == task and row.more["bits"]]
        for number, name in enumerate(dict.fromkeys(row.method.rsplit(" ", 1)[0] for row in mine)):
            known = [r for r in mine if r.method.startswith(f"{name} ") and r.more["retention"] != NOTHING]
            line = [(r.more["bits"], float(r.more["retention"])) for r in known]
            axes.plot(*zip(*line, strict=True), label=name, markersize=4, **style(number))
        axes.axhline(1, color="#777777", linewidth=0.8)
        axes.set_title(task, fontsize=9)
        axes.set_xticks(LENGTHS)
    panels[0, 0].legend(fontsize=6)
    drawing.supxlabel("bits")
    drawing.supylabel("mAP@10 ÷ float")
    return save(drawing, folder / "hashing-retention.png")


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw mAP@10, its balanced kin, and retention by code length."""
    return [*intervals(measurement, ("mAP@10", BALANCED, BALANCED_AUROC), folder), _retention(measurement, folder)]
