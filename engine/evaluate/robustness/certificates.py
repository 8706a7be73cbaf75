"""Certified codes: how many bits small changes may flip, how many neighbours are certain, and attempts to break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.robustness.attacks import Encoder, PreparedInputs, generator
from engine.evaluate.robustness.measure import FIRST, Judge
from engine.evaluate.robustness.run import AttackPlan, judge_of
from engine.metrics.resampling import measured_mean
from engine.metrics.rows import ResultRow, distinct
from engine.model.packing import BITS
from engine.model.release import Release
from engine.model.smoothing import (
    ERROR,
    SIGMA,
    Rivals,
    SmoothedCode,
    certain_to_stay,
    from_counts,
    ones,
    recorded_values,
)

LENGTHS = {"ecg": (0.05, 0.1, 0.2), "ppg": (0.05, 0.1, 0.15), "cxr": (0.02, 0.05, 0.1)}  # ℓ₂ of the prepared recording
ATTEMPT_DRAWS = 100  # noisy copies of an attempt to break a certificate
ATTEMPT_STEPS = 3  # of descent along the gradient through noisy copies
ATTEMPT_COPIES = 8  # noisy copies of a step
VERSION = "1"


@dataclass(frozen=True)
class Attempts:
    """What was tried inside the certified length, and in how many tries a certain bit was seen to be another."""

    tried: int
    broken: int
    flipped: float  # bits of the smoothed code that differed on average, certain or not


def evaluate(release: Release, modality: str, asked: AttackPlan, tries: int) -> list[ResultRow]:
    """Return a row per length: bits that may flip, neighbours that are certain, P@5 of the smoothed code, attempts."""
    judge, cache = judge_of(release, modality, asked), asked.cache
    codes = [_smoothed(judge, i, asked.draws, cache) for i in range(len(judge.sample.places))]
    smooth = np.stack([code.bits for code in codes])
    rows, patients = [], judge.patients
    for length in LENGTHS[modality]:
        loose = np.array([code.uncertain(length).sum() for code in codes])
        stay = np.array([_certain(judge, i, code, length) for i, code in enumerate(codes)])
        found = _attempts(judge, codes, length, tries if (loose < BITS).any() else 0, cache)
        each = 100 * length / _values(judge.sample.inputs) ** 0.5
        figures = {
            "bits that may flip": judge.mean(loose),
            f"of the first {FIRST} certain": judge.mean(stay),
            f"P@{FIRST} smoothed": judge.mean(judge.precise(smooth)),
            f"P@{FIRST} plain": judge.mean(judge.precise(judge.clean)),
            "bits flipped by attempts": measured_mean(np.full(len(patients), found.flipped), patients),
        }
        more = {"attempts": f"{found.broken} of {found.tried} broke it", "tried": found.tried, "broken": found.broken}
        task = f"{modality} certified, ℓ₂ ≤ {length:g}"
        method = f"σ {SIGMA[modality]:g}, {asked.draws} copies; {each:.2g} % on every value"
        rows.append(ResultRow(task, method, figures, distinct(patients), more=more))
    return rows


def attempt(
    encoder: Encoder, one: PreparedInputs, code: SmoothedCode, length: float, *, seed: int, draws: int = ATTEMPT_DRAWS
) -> tuple[bool, int]:
    """Try to flip certain bits by a change of that ℓ₂ length; return whether one is another for sure, and bits flipped.

    The change goes along the gradient of the weakest certain bits through noisy copies (EOT) from a random start, and
    every second try is a random direction. A certain bit is broken where, of fresh copies, so few have its value that
    the true majority is the other one, at the error with which certificates are made.
    """
    drawn = generator(seed)
    direction = torch.randn(one.x.shape, generator=drawn) * _mask(one)
    if seed % 2 == 0:
        direction = _towards(encoder, one, code, length, start=direction, drawn=drawn)
    changed = one.x + length * direction / direction.norm()
    inputs = {"x": changed[0], **{name: value[0] for name, value in one.others.items()}}
    count = ones(encoder.release, encoder.modality, inputs, code.sigma, draws, seed=seed + 1)
    fresh = from_counts(count, draws, code.sigma, ERROR)
    sure = ~code.uncertain(length) & (fresh.radius > 0)
    return bool((fresh.bits != code.bits)[sure].any()), int((fresh.bits != code.bits).sum())


def _towards(
    encoder: Encoder,
    one: PreparedInputs,
    code: SmoothedCode,
    length: float,
    *,
    start: torch.Tensor,
    drawn: torch.Generator,
) -> torch.Tensor:
    """Return the direction in which certain bits, the weakest first, lose their value most."""
    weight = torch.from_numpy(np.where(code.uncertain(length), 0, 1 / np.maximum(code.radius, 1e-6))).float()
    sign, direction = torch.from_numpy(np.where(code.bits, 1.0, -1.0)).float(), start
    for _ in range(ATTEMPT_STEPS):
        x = (one.x + length * direction / direction.norm()).requires_grad_(True)
        noise = code.sigma * torch.randn((ATTEMPT_COPIES, *one.x.shape[1:]), generator=drawn) * _mask(one)
        others = {name: value.expand(ATTEMPT_COPIES, *value.shape[1:]) for name, value in one.others.items()}
        relaxed = torch.tanh(encoder.projections(PreparedInputs(x + noise, others), fast=True))
        (gradient,) = torch.autograd.grad(-(relaxed * sign * weight).sum(), x)
        direction = direction / direction.norm() + 4 * gradient / gradient.norm().clamp_min(1e-12) * _mask(one)
    return direction


def _attempts(judge: Judge, codes: list[SmoothedCode], length: float, tries: int, cache: Path) -> Attempts:
    """Return what the tries found, spread over the recordings in turn; each is kept in the cache."""
    from tqdm import tqdm

    outcomes = []
    for number in tqdm(range(tries), f"try {judge.encoder.modality} {length:g}", leave=False, disable=None):
        i = number % len(codes)

        def tried(i: int = i, number: int = number) -> dict[str, np.ndarray]:
            found = attempt(judge.encoder, judge.sample.inputs.take([i]), codes[i], length, seed=number)
            return {"found": np.array(found, int)}

        outcomes.append(_kept(judge, i, cache, f"try {length} {number}", tried)["found"])
    if not outcomes:
        return Attempts(0, 0, float("nan"))
    broken, flipped = np.stack(outcomes).T
    return Attempts(tries, int(broken.sum()), float(flipped.mean()))


def _smoothed(judge: Judge, i: int, draws: int, cache: Path) -> SmoothedCode:
    """Return the smoothed code of one of the sample."""
    encoder, sigma = judge.encoder, SIGMA[judge.encoder.modality]
    one = judge.sample.inputs.take([i])
    inputs = {"x": one.x[0], **{name: value[0] for name, value in one.others.items()}}

    def counted() -> dict[str, np.ndarray]:
        return {"count": ones(encoder.release, encoder.modality, inputs, sigma, draws)}

    return from_counts(_kept(judge, i, cache, f"smoothed {sigma} {draws}", counted)["count"], draws, sigma)


def _kept(
    judge: Judge, i: int, cache: Path, what: str, compute: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return what was computed of one recording, once."""
    study_id = judge.within.recordings[judge.sample.places[i]].study_id
    made_of = key(VERSION, judge.encoder.release.digest, study_id, what)
    return cached_arrays(cache / "certified" / f"{judge.encoder.modality}-{made_of}.npz", compute)


def _certain(judge: Judge, i: int, code: SmoothedCode, length: float) -> float:
    """Return the share of the smoothed code's first neighbours that no such change displaces."""
    allowed = judge.allowed[i]
    rivals = Rivals(judge.within.bits[allowed], judge.within.patients[allowed])
    order = np.argsort((rivals.bits != code.bits).sum(1), kind="stable")
    _, nearest = np.unique(rivals.patients[order], return_index=True)  # one study of a patient, the nearest
    first = order[np.sort(nearest)[:FIRST]]
    return float(certain_to_stay(code, length, first, rivals, FIRST).mean())


def _mask(one: PreparedInputs) -> torch.Tensor:
    return torch.ones_like(one.x) if one.mask is None else one.mask.float()


def _values(inputs: PreparedInputs) -> float:
    """Return how many values of a recording may change, on average."""
    others = ({name: value[i] for name, value in inputs.others.items()} for i in range(len(inputs.x)))
    kept = [recorded_values(x, rest).expand(x.shape).sum() for x, rest in zip(inputs.x, others, strict=True)]
    return float(torch.stack(kept).float().mean())
