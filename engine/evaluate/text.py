"""`casebind evaluate text`: studies to their texts and back, and what prompts and other modalities tell untrained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.evaluate import wording, zero_shot
from engine.evaluate.evaluation_sides import embed_texts, first_windows, text_of
from engine.evaluate.plots import intervals
from engine.evaluate.tables import EvaluationTable, table
from engine.metrics.recall import KS, chance_recall, expected_recall, rsum
from engine.metrics.resampling import Estimate, grouped_mean, measured, weighted_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.release import Release

NOTES = (
    "The gallery of study→text holds each distinct text once, so that identical texts are one right answer; "
    "the queries of text→study are the distinct texts, and every study with that text is right.",
    "RSUM is R@1 + R@5 + R@10, at most 3.",
    "R@10 by text is the mean over distinct texts, so that the many normal studies count once.",
    "Film texts, and ECG texts where PTB-XL has no report, are sentences generated from labels, not reports.",
    "Films and ECGs in these recordings share no patient: zero-shot across modalities rests on shared labels, and a "
    "film's Cardiomegaly stands for hypertrophy, an ECG's superclass HYP for cardiomegaly.",
    "Taught words are the phrases that training draws, untaught ones were kept from it; every finding counts once, and "
    "P@10's interval resamples findings.",
    "Intervals resample patients; for text→study they resample texts.",
)
BY_TEXT = "R@10 by text"


def to_text(scores: np.ndarray, own: np.ndarray, patients: np.ndarray) -> tuple[dict[str, Estimate], dict[str, float]]:
    """Study → text: scores (studies, texts), own (studies, texts) bool → figures, chance."""
    found = {k: expected_recall(scores, own, k) for k in KS}
    luck = {k: chance_recall(own, k) for k in KS}
    each = {**{f"R@{k}": (found[k], luck[k]) for k in KS}, "RSUM": (rsum(found), rsum(luck))}
    figures = {name: measured(lambda w, v=v: weighted_mean(v, w), patients) for name, (v, _) in each.items()}  # type: ignore[misc]
    figures[BY_TEXT] = measured(
        lambda w: grouped_mean(np.broadcast_to(found[10][:, None], own.shape), own, w), patients
    )
    chance = {name: float(mean.mean()) for name, (_, mean) in each.items()}
    return figures, {**chance, BY_TEXT: chance["R@10"]}


def to_study(scores: np.ndarray, own: np.ndarray) -> tuple[dict[str, Estimate], dict[str, float]]:
    """Text → study: scores, own as in `to_text`; every text is a query once → figures, chance."""
    asked = np.array([str(i) for i in range(scores.shape[1])])
    figures, chance = to_text(scores.T, own.T, asked)
    figures[BY_TEXT] = figures["R@10"]
    return figures, chance


def rows_of(release: Release, task: str, side: EvaluationTable, cache: Path) -> list[ResultRow]:
    """Return both directions for the studies of one table that have a text, in floats and 256 bits."""
    texts = [text_of(r) for r in side.recordings]
    side = side.take(np.array([bool(text) for text in texts]))
    texts = [text for text in texts if text]
    if not texts:
        return []
    names = sorted(set(texts))
    own = np.array([[text == name for name in names] for text in texts])
    words = zero_shot.represented(release, embed_texts(release, names, cache), "text")
    rows: list[ResultRow] = []
    for method, z in zero_shot.represented(release, side.z, side.modality).items():
        scores = zero_shot.unit(z) @ zero_shot.unit(words[method]).T
        more = {"texts": len(names), "studies": len(texts)}
        figures, chance = to_text(scores, own, side.patients)
        rows.append(ResultRow(f"{task}→text", method, figures, distinct(side.patients), chance, more))
        figures, chance = to_study(scores, own)
        rows.append(ResultRow(f"text→{task}", method, figures, distinct(side.patients), chance, more))
    return sorted(rows, key=lambda row: row.task)


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return retrieval by text and zero-shot classification of a release on one split."""
    here = {m: first_windows(table(release, path, m, split, cache=cache)) for m in ("cxr", "ecg", "ppg")}
    train = {m: first_windows(table(release, path, m, "train", cache=cache)) for m in ("cxr", "ecg")}
    ecg, film = here["ecg"].of("PTB-XL"), here["cxr"].of("nih-cxr14")
    reported = ecg.take(np.array([bool(r.report) for r in ecg.recordings], bool))
    rows = [
        *rows_of(release, "ECG (PTB-XL, reports alone)", reported, cache),
        *rows_of(release, "ECG (PTB-XL, report or sentence)", ecg, cache),
        *rows_of(release, "film (NIH, sentence)", film, cache),
        *wording.rows_of(release, "film (NIH)", film, cache),
        *wording.rows_of(release, "ECG (PTB-XL)", ecg, cache),
        *wording.rows_of(release, "PPG", here["ppg"], cache),
        *zero_shot.rows_of(release, path, train, here, cache),
    ]
    return Measurement("text", release.name, split, rows, NOTES)


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw recall, AUROC and balanced accuracy."""
    return intervals(measurement, ("R@1", "R@10", BY_TEXT, "AUROC", "balanced accuracy", "P@10"), folder)
