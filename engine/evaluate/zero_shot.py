"""Classification without training: by label prompts (MEDBind §3.3), and across modalities by another's support set.

z (n, f) are embeddings, or bits as ±1; every comparison is a cosine. Array → array, except where rows are made.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.evaluate.evaluation_sides import embed_texts
from engine.evaluate.probes import FILM_LABELS, SUPERCLASSES, certain, film_labels, superclasses
from engine.evaluate.tables import EvaluationTable
from engine.metrics.classifying import auroc, balanced_accuracy, mean_auroc
from engine.metrics.resampling import measured
from engine.metrics.rows import ResultRow, distinct
from engine.model.packing import unpack
from engine.model.release import Release

MIN_STUDIES = 5  # studies of a class, for it to count in balanced accuracy
PROMPTS = {
    "NORM": ("normal ECG", "sinus rhythm, normal"),
    "MI": ("myocardial infarction", "old or recent infarct"),
    "STTC": ("ST or T wave change", "non-specific repolarisation abnormality", "ischaemic ST-T changes"),
    "CD": ("bundle branch block", "conduction disturbance", "AV block"),
    "HYP": ("ventricular hypertrophy", "left ventricular hypertrophy"),
    "No Finding": ("no finding", "normal chest film"),
    "Cardiomegaly": ("cardiomegaly", "enlarged heart"),
    "Pleural Effusion": ("pleural effusion",),
    "Edema": ("pulmonary oedema", "pulmonary edema"),
    "Atelectasis": ("atelectasis",),
    "Lung Opacity": ("lung opacity", "infiltration"),
    "Lung Lesion": ("lung lesion", "lung nodule or mass"),
    "Pneumonia": ("pneumonia",),
    "Consolidation": ("consolidation", "airspace consolidation"),
    "COVID-19 pneumonia": ("COVID-19 pneumonia", "viral pneumonia, COVID-19"),
    "Normal": ("normal ECG", "sinus rhythm, normal"),
    "Atrial fibrillation": ("atrial fibrillation",),
    "First degree AV block": ("first degree AV block", "prolonged PR interval"),
    "Left bundle branch block": ("left bundle branch block",),
    "Right bundle branch block": ("right bundle branch block",),
    "Premature atrial contraction": ("premature atrial contraction", "supraventricular premature beats"),
    "Premature ventricular contraction": ("premature ventricular contraction", "ventricular extrasystoles"),
    "ST depression": ("ST depression",),
    "ST elevation": ("ST elevation",),
}


def unit(z: np.ndarray) -> np.ndarray:
    """Scale rows to length 1."""
    return z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)


def nearest_right(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Judge the nearest prompt on entries with exactly one class, of classes held by enough of them.

    scores, labels (n, c) → entries' numbers (m,), right (m,) 0 or 1, class (m,).
    """
    single = labels.sum(1) == 1
    often = labels[single].sum(0) >= MIN_STUDIES
    kept = np.flatnonzero(single & (labels & often).any(1))
    names = np.flatnonzero(often)
    truth = labels[kept].argmax(1)
    guess = names[scores[kept][:, often].argmax(1)] if len(kept) else truth
    return kept, (guess == truth).astype(float), truth


def contrast(z: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """How much nearer queries are to one support set's centre than to another's: z (n, f), sets (m, f) → (n,)."""
    centre = unit(np.stack([positive.mean(0), negative.mean(0)]))
    return unit(z) @ (centre[0] - centre[1])


def represented(release: Release, z: np.ndarray, modality: str) -> dict[str, np.ndarray]:
    """Return embeddings and 256-bit codes as ±1, by name."""
    return {"ours, float": z, "ours, 256 bits": np.where(unpack(release.codes(z, modality)), 1.0, -1.0)}


def prompt_rows(
    release: Release, task: str, side: EvaluationTable, labels: np.ndarray, *, names: tuple[str, ...], cache: Path
) -> list[ResultRow]:
    """Return mean AUROC and balanced accuracy of label prompts: labels (n, classes) bool.

    Classes that all or none hold are left out.
    """
    both: np.ndarray = np.any(labels, axis=0) & ~np.all(labels, axis=0)
    if not both.any():
        return []
    labels, names = labels[:, both], tuple(name for name, kept in zip(names, both, strict=True) if kept)
    words = [embed_texts(release, PROMPTS[name], cache).mean(0) for name in names]
    prompts = represented(release, unit(np.stack(words)), "text")
    rows = []
    for method, z in represented(release, side.z, side.modality).items():
        scores = unit(z) @ unit(prompts[method]).T
        kept, right, truth = nearest_right(scores, labels)
        figures = {"AUROC": measured(lambda w, s=scores: mean_auroc(s, labels, w), side.patients)}  # type: ignore[misc]
        if len(kept):
            figures["balanced accuracy"] = measured(
                lambda w, r=right, t=truth: balanced_accuracy(r, t, w),  # type: ignore[misc]
                side.patients[kept],
            )
        luck = {"AUROC": 0.5, "balanced accuracy": 1 / max(1, len(np.unique(truth)))}
        each = {f"AUROC {n}": float(auroc(scores[:, i], labels[:, i])[0]) for i, n in enumerate(names)}
        more = {"n_one_class": len(kept), **each}
        rows.append(ResultRow(f"zero-shot, {task}", method, figures, distinct(side.patients), luck, more))
    return rows


def cross_rows(
    release: Release,
    task: str,
    query: EvaluationTable,
    truth: np.ndarray,
    *,
    support: EvaluationTable,
    support_labels: np.ndarray,
) -> list[ResultRow]:
    """Return how well another modality's support set (held (m,) bool) tells the query's label, truth (n,) bool."""
    rows: list[ResultRow] = []
    if not (support_labels.any() and truth.any()):
        return rows
    supports = represented(release, support.z, support.modality)
    for method, z in represented(release, query.z, query.modality).items():
        scores = contrast(z, supports[method][support_labels], supports[method][~support_labels])
        right = ((scores > 0) == truth).astype(float)
        figures = {
            "AUROC": measured(lambda w, s=scores: auroc(s, truth, w), query.patients),  # type: ignore[misc]
            "balanced accuracy": measured(
                lambda w, r=right: balanced_accuracy(r, truth, w),  # type: ignore[misc]
                query.patients,
            ),
        }
        luck, more = (
            {"AUROC": 0.5, "balanced accuracy": 0.5},
            {"support": len(support_labels), "support_holders": int(support_labels.sum())},
        )
        rows.append(ResultRow(f"zero-shot across, {task}", method, figures, distinct(query.patients), luck, more))
    return rows


def rows_of(
    release: Release, path: Path, train: dict[str, EvaluationTable], here: dict[str, EvaluationTable], cache: Path
) -> list[ResultRow]:
    """Return zero-shot rows by prompt and across modalities; train and here: tables of cxr and ecg."""
    nih, kermany = (here["cxr"].of(name) for name in ("nih-cxr14", "kermany"))
    known = superclasses(path)
    (ecg, held), (ecg_support, held_support) = certain(here["ecg"], known), certain(train["ecg"], known)
    film_support, enlarged, hyp = (
        train["cxr"].of("nih-cxr14"),
        FILM_LABELS.index("Cardiomegaly"),
        SUPERCLASSES.index("HYP"),
    )
    two = ("No Finding", "Pneumonia")
    return [
        *prompt_rows(release, "ECG, 5 superclasses, PTB-XL", ecg, held, names=SUPERCLASSES, cache=cache),
        *prompt_rows(release, "film, 8 labels, NIH", nih, film_labels(nih), names=FILM_LABELS, cache=cache),
        *prompt_rows(release, "film, pneumonia, Kermany", kermany, film_labels(kermany, two), names=two, cache=cache),
        *cross_rows(
            release,
            "hypertrophy from film (by Cardiomegaly)",
            nih,
            film_labels(nih)[:, enlarged],
            support=ecg_support,
            support_labels=held_support[:, hyp],
        ),
        *cross_rows(
            release,
            "cardiomegaly from ECG (by superclass HYP)",
            ecg,
            held[:, hyp],
            support=film_support,
            support_labels=film_labels(film_support)[:, enlarged],
        ),
    ]
