"""What a defence costs: all clean films of a split, answered by it and by themselves.

Few films are attacked, too few to tell a loss of some per cent; a defence's own encodings of all of them are quickly
made. P@5 alone does not tell whether an answer is still about the film, since many films share a finding by chance: so
beside it stand what is lost of the part above chance, and how many bits are others than the film's own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.robustness import sample
from engine.evaluate.robustness.defences import Defence
from engine.evaluate.robustness.measure import FIRST, Judge
from engine.metrics.resampling import Estimate, measured, weighted_mean
from engine.metrics.rows import ResultRow, distinct
from engine.model.hash_layer import BITS, pack, unpack

LOST, GAIN_LOST = f"share of P@{FIRST} lost", "of it above chance"
VERSION = "1"  # of what is kept


def clean_films(judge: Judge, defence: Defence, cache: Path) -> ResultRow:
    """Return what a defence's answers to all clean films find, and how far they are the films' own answers."""
    places = sample.that_find_something(judge.within)
    whole = replace(judge, sample=replace(judge.sample, places=places))
    bits, patients = _codes(whole, defence, cache), whole.patients
    own, made = whole.precise(whole.clean), whole.precise(bits)
    first, before = whole.first(bits), whole.first(whole.clean)
    kept = [np.isin(a, b).mean() for a, b in zip(first, before, strict=True)]
    figures = {
        f"P@{FIRST} by itself": whole.mean(own),
        f"P@{FIRST}": whole.mean(made),
        LOST: _lost(own, made, 0.0, patients),
        GAIN_LOST: _lost(own, made, whole.chance[f"P@{FIRST}"], patients),
        f"first {FIRST} kept": whole.mean(np.array(kept)),
        "bits moved": whole.mean((bits != whole.clean).sum(1)),
        "nearest, bits": whole.mean(_nearest(whole, bits)),
        "nearest by itself": whole.mean(_nearest(whole, whole.clean)),
    }
    method = f"clean, all, answered by {defence.name}"
    return ResultRow(whole.encoder.modality, method, figures, distinct(patients), whole.chance)


def _lost(before: np.ndarray, after: np.ndarray, floor: float, patients: np.ndarray) -> Estimate:
    """Return which share of what values (n,) have above a floor on average is lost; NaN where they have nothing."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            lost: np.ndarray = 1 - (weighted_mean(after, weights) - floor) / (weighted_mean(before, weights) - floor)
        return lost

    return measured(statistic, patients)


def _nearest(judge: Judge, bits: np.ndarray) -> np.ndarray:
    """Return how far the nearest study of another patient lies: (n, 256) → (n,), of BITS."""
    far = (bits[:, None] != judge.within.bits[None]).sum(-1)
    nearest: np.ndarray = np.where(judge.allowed, far, BITS + 1).min(1)
    return nearest


def _codes(judge: Judge, defence: Defence, cache: Path) -> np.ndarray:
    """Return the codes by which a defence answers, as bits (n, 256), kept in the cache."""
    from tqdm import tqdm

    encoder, listed = judge.encoder, [judge.within.recordings[i] for i in judge.sample.places]

    def compute() -> dict[str, np.ndarray]:
        parts = []
        for start in tqdm(range(0, len(listed), sample.PART), f"clean, {defence.name}", leave=False, disable=None):
            studies = [sample.study_of(one) for one in listed[start : start + sample.PART]]
            inputs = sample.inputs_of(encoder.release, studies)
            parts.append(pack(encoder.bits(inputs, defence.view, defence.draws, seed=start)))
        return {"codes": np.concatenate(parts)}

    ids = "\n".join(one.study_id for one in listed)
    named = key(VERSION, encoder.release.digest, defence.name, str(defence.draws), ids)
    return unpack(cached_arrays(cache / f"answered-{encoder.modality}-{named}.npz", compute)["codes"])
