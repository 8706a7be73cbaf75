"""`casebind evaluate few-shot`: linear probes of K studies a side, over 300 support sets (MEDBind §3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.evaluate.evaluation_sides import first_windows
from engine.evaluate.plots import canvas, save, style
from engine.evaluate.probes import FILM_LABELS, NAMES, SUPERCLASSES, certain, film_labels, staged, superclasses
from engine.evaluate.tables import EvaluationTable, table
from engine.metrics.classifying import balanced_accuracy
from engine.metrics.probe_fit import standardised
from engine.metrics.resampling import measured
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.release import Release

SHOTS = (1, 2, 4, 8, 16)
SETS = 300
STEPS = 12  # of Newton's method; the penalised logistic loss is convex and has long converged by then
NOTES = (
    "K studies that hold the label and K that do not, drawn from train, 300 times; every probe is scored on the whole "
    "split. Balanced accuracy is averaged over the support sets, then over the labels of the task.",
    "The interval resamples the scored patients; sets_low and sets_high are the middle 95 % of support sets.",
    "Features are standardised by train without its labels; the probe is logistic with C = 1.",
)


def dual_logistic(gram: np.ndarray, labels: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Fit many small logistic regressions at once in their dual, by Newton's method.

    gram (sets, m, m) inner products within each support set (a constant feature adds 1 and is the intercept),
    labels (m,) bool, strength C → weights of the support studies (sets, m): scores are gram(new, support) @ weights.
    """
    target, eye = labels.astype(np.float64), np.eye(len(labels))
    weights = np.zeros(gram.shape[:2])
    for _ in range(STEPS):
        scores = np.einsum("sij,sj->si", gram, weights)
        p = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
        curve = np.maximum(strength * p * (1 - p), 1e-9)
        wanted = scores + strength * (target - p) / curve
        # (K + W⁻¹) a = f + W⁻¹ C (y − p), scaled by √W to stay well conditioned (Rasmussen & Williams 2006, §3.4)
        root = np.sqrt(curve)
        inner = eye + root[:, :, None] * gram * root[:, None, :]
        weights = root * np.linalg.solve(inner, (root * wanted)[..., None])[..., 0]
    return weights


def support_sets(labels: np.ndarray, shots: int, sets: int = SETS, seed: int = 0) -> np.ndarray:
    """Draw support sets: labels (n,) bool → entry numbers (sets, 2 · shots), holders first, none twice in a set."""
    rng = np.random.default_rng(seed)
    sides = np.flatnonzero(labels), np.flatnonzero(~labels)
    drawn = [np.concatenate([rng.choice(side, shots, replace=False) for side in sides]) for _ in range(sets)]
    return np.array(drawn)


def few_shot_right(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray, shots: int, *, sets: int = SETS
) -> np.ndarray:
    """Judge K-shot probes: train (n, f), labels (n,), test (m, f), truth (m,) bool → right (sets, m) bool."""
    chosen = support_sets(labels, shots, sets)
    pooled = train @ train.T + 1
    gram = pooled[chosen[:, :, None], chosen[:, None, :]]
    weights = dual_logistic(gram, np.repeat([True, False], shots))
    across = test @ train.T + 1
    scores = np.einsum("msk,sk->sm", across[:, chosen], weights)
    return (scores > 0) == truth


def row_of(
    task: str,
    view: str,
    shots: int,
    sides: tuple[EvaluationTable, EvaluationTable],
    labels: tuple[np.ndarray, np.ndarray],
) -> ResultRow | None:
    """Return balanced accuracy at K shots, averaged over labels with enough holders; None where no label has."""
    fits = [shots <= column.sum() <= len(column) - shots for column in labels[0].T]
    columns = [c for c, column in enumerate(labels[1].T) if fits[c] and column.any() and not column.all()]
    if not columns:
        return None
    train, test = standardised(sides[0].arrays[view], sides[1].arrays[view])
    right = {c: few_shot_right(train, labels[0][:, c], test, labels[1][:, c], shots) for c in columns}

    def mean_over_labels(weights: np.ndarray) -> np.ndarray:
        each = [balanced_accuracy(right[c].mean(0), labels[1][:, c], weights) for c in columns]
        return np.mean(each, axis=0)

    by_set = np.mean([[balanced_accuracy(r, labels[1][:, c])[0] for r in right[c]] for c in columns], axis=0)
    low, high = np.percentile(by_set, [2.5, 97.5])
    more = {"K": shots, "labels": len(columns), "sets_low": round(float(low), 4), "sets_high": round(float(high), 4)}
    figures = {"balanced accuracy": measured(mean_over_labels, sides[1].patients)}
    return ResultRow(
        f"{task}, K = {shots}", NAMES[view], figures, distinct(sides[1].patients), {"balanced accuracy": 0.5}, more
    )


def rows_of(
    task: str,
    sides: tuple[EvaluationTable, EvaluationTable],
    labels: tuple[np.ndarray, np.ndarray],
    views: Sequence[str],
) -> list[ResultRow]:
    """Return a row per K and view; sides, held: train and the scored split, labels (n, c) bool."""
    made = [row_of(task, view, shots, sides, labels) for shots in SHOTS for view in views]
    return [row for row in made if row is not None]


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return few-shot probes of a release on one split, beside its features under the head and an untrained twin."""
    order = ("train", split)
    films, ppg, ecg = (
        [first_windows(table(release, path, m, s, cache=cache)) for s in order] for m in ("cxr", "ppg", "ecg")
    )
    nih, kermany = ([side.of(name) for side in films] for name in ("nih-cxr14", "kermany"))
    known = superclasses(path)
    sure, pressed = [certain(side, known) for side in ecg], [staged(side.of("PPG-BP")) for side in ppg]
    ours = ("z", "features")
    tasks = (
        ("film, 8 labels, NIH", nih, [film_labels(s, FILM_LABELS) for s in nih], (*ours, "trunk", "trunk_four")),
        ("film, pneumonia, Kermany", kermany, [film_labels(s, ("Pneumonia",)) for s in kermany], (*ours, "trunk")),
        (f"ECG, {len(SUPERCLASSES)} superclasses, PTB-XL", [t for t, _ in sure], [h for _, h in sure], (*ours, "twin")),
        ("PPG, hypertension, PPG-BP", [t for t, _ in pressed], [h[:, None] for _, h in pressed], (*ours, "twin")),
    )
    rows = [
        row
        for task, tables, held, views in tasks
        for row in rows_of(task, (tables[0], tables[1]), (held[0], held[1]), views)
    ]
    return Measurement("few-shot", release.name, split, rows, NOTES)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw balanced accuracy against K, a panel per task (as MEDBind Fig. 3)."""
    tasks = list(dict.fromkeys(row.task.rsplit(", K", 1)[0] for row in measurement.rows))
    drawing, panels = canvas(1, len(tasks), (4.0, 3.4))
    names = list(dict.fromkeys(row.method for row in measurement.rows))
    for task, axes in zip(tasks, panels.flat, strict=True):
        for name in names:
            mine = [r for r in measurement.rows if r.task.startswith(f"{task}, K") and r.method == name]
            if not mine:
                continue
            shots = [r.more["K"] for r in mine]
            figures = [r.figures["balanced accuracy"] for r in mine]
            axes.plot(shots, [f.value for f in figures], label=name, markersize=4, **style(names.index(name)))
            bounds = [f.low for f in figures], [f.high for f in figures]
            axes.fill_between(shots, *bounds, alpha=0.12, color=style(names.index(name))["color"])
        axes.set_title(task, fontsize=9)
        axes.set_xscale("log", base=2)
        axes.set_xticks(SHOTS, [str(k) for k in SHOTS])
        axes.set_xlabel("K of each side")
        axes.legend(fontsize=6)
    panels[0, 0].set_ylabel("balanced accuracy")
    return [save(drawing, folder / "few-shot.png")]
