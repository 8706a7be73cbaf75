"""Do film and ECG of a patient share what severities say? A linear model of half of the patients finds the other half.

Severities (what a film shows) on one side, measures of the drawn ECGs (axis, voltages, rate, intervals, T and P) on the
other: ridge regression from severities to standardised measures learns on half of the patients, then an encounter's
predicted measures rank the ECGs of the other half by distance, each measure weighted by how well it is predicted within
the learning half. The control has the same labels and severities, but its traces follow another draw of the severities:
what the model finds there is what labels alone say.

    python -m engine.synthetic.checks.couplings --patients 300
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from engine.settings import MODELS
from engine.synthetic.chance import RandomStreams
from engine.synthetic.couplings import CouplingMode
from engine.synthetic.draw import draw_patients
from engine.synthetic.ecg.beats import BEFORE, median_beat
from engine.synthetic.ecg.leads import FS, GAIN
from engine.synthetic.ecg.segments import landmarks
from engine.synthetic.ecg.shaping import frontal_axis
from engine.synthetic.patients import Encounter
from engine.synthetic.severity import Severity

MEASURES = (
    "axis cos",
    "axis sin",
    "voltage",
    "limb voltage",
    "left chest voltage",
    "transition",
    "T",
    "T in V6",
    "P",
    "terminal P",
    "QRS",
    "rate",
)
FOLDS, RIDGE = 5, 3.0
WITHIN = 10  # the rank that R@10 counts


def ecg_measures(samples: np.ndarray) -> np.ndarray | None:
    """Return MEASURES of a stored ECG (12, n) as it was drawn, or None where no three beats are alike."""
    beat = median_beat(samples / GAIN, FS)
    if beat is None:
        return None
    at = landmarks(beat.eight, BEFORE, beat.rr_s)
    onset, end, t_end = (BEFORE + round(s * FS) for s in (at.onset, at.end, at.t_end))
    rows = beat.eight - beat.eight[:, onset - 8 : onset - 2].mean(axis=1, keepdims=True)
    qrs, t = rows[:, onset : end + 1], rows[:, end + 20 : t_end + 10]
    p = beat.eight[:, max(0, onset - 110) : onset - 8]
    axis = np.radians(frontal_axis(qrs))
    size, t_size = np.ptp(qrs, axis=1), t[np.arange(8), np.abs(t).argmax(axis=1)]
    chest = qrs[2:].max(axis=1) / (size[2:] + 1e-9)
    return np.array(
        [
            np.cos(axis),
            np.sin(axis),
            np.log(size.mean() + 0.01),
            np.log(size[:2].mean() + 0.01),
            np.log(size[5:].mean() + 0.01),
            chest.mean(),
            np.log(np.abs(t_size).mean() + 0.02),
            t_size[7],
            np.log(np.ptp(p, axis=1)[:2].mean() + 0.01),
            p[2].min() - p[2].max(),
            np.log(at.end - at.onset),
            np.log(60.0 / beat.rr_s),
        ]
    )


def severity_row(severity: Severity) -> np.ndarray:
    """Return the numbers of a severity, with the squares of those that are not 0 in every film."""
    found = [severity.congestion, severity.effusion_left_ml / 500, severity.effusion_right_ml / 500]
    found += [severity.pneumothorax_left, severity.pneumothorax_right, severity.emphysema, severity.consolidation]
    anatomy = [severity.cardiothoracic_ratio, severity.heart_angle_deg, severity.aortic_knob_mm, severity.lung_height]
    present = [float(value > 0) for value in found]
    return np.array([*anatomy, max(severity.cardiothoracic_ratio - 0.5, 0.0), *found, *present])


def own_patient(facts: np.ndarray, measures: np.ndarray, patients: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Return R@10, its chance and the mean rank (share of the gallery) over both halves of the patients.

    facts (n, f) and measures (n, m) of n encounters; an ECG of any encounter of the own patient counts as found.
    """
    names, index = np.unique(np.asarray(patients), return_inverse=True)
    first = np.random.default_rng(seed).permutation(names.size) < names.size // 2
    ranks, chances = [], []
    for learning in (first[index], ~first[index]):
        guess, weights = _predicted(facts[learning], measures[learning], index[learning], facts[~learning])
        found, chance = _ranks(guess, measures[~learning], index[~learning], weights)
        ranks.append(found)
        chances.append(chance)
    rank, chance = np.concatenate(ranks), np.concatenate(chances)
    return {
        "r_at_10": float((rank < WITHIN).mean()),
        "chance": float(chance.mean()),
        "n": int(rank.size),
        "gallery": len(ranks[0]),
        "mean_rank": float(np.mean(np.concatenate([one / len(one) for one in ranks]))),
    }


def measured_encounters(
    encounters: Sequence[Encounter], ecgs: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return (facts, measures, patients) of the encounters whose ECG (12, n) has a median beat."""
    pairs = [(one, ecg_measures(ecg)) for one, ecg in zip(encounters, ecgs, strict=True) if one.severity is not None]
    rows = [(severity_row(one.severity), found, one.patient_id) for one, found in pairs if found is not None]  # type: ignore[arg-type]
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), [row[2] for row in rows]


def _predicted(
    facts: np.ndarray, measures: np.ndarray, index: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted measures (k, m) of asked facts (k, f), and each measure's weight: 1 over what is unexplained."""
    left = np.zeros_like(measures)
    fold = index % FOLDS
    for part in range(FOLDS):
        held = fold == part
        left[held] = measures[held] - _ridge(facts[~held], measures[~held], facts[held])
    unexplained = (left**2).mean(axis=0) / (measures.var(axis=0) + 1e-12)
    explained = np.clip(1 - unexplained, 0.0, None)
    return _ridge(facts, measures, asked), explained / ((left**2).mean(axis=0) + 1e-12)


def _ridge(facts: np.ndarray, measures: np.ndarray, asked: np.ndarray) -> np.ndarray:
    mean, sd = facts.mean(axis=0), facts.std(axis=0) + 1e-9
    x, middle = (facts - mean) / sd, measures.mean(axis=0)
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (measures - middle))
    return middle + (asked - mean) / sd @ weights


def _ranks(
    guess: np.ndarray, measures: np.ndarray, index: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rank (k,) of the nearest own ECG of each encounter, and the chance that it is among WITHIN."""
    far = (((guess[:, None] - measures[None]) ** 2) * weights).sum(axis=2)
    order = np.argsort(far, axis=1, kind="stable")
    own = index[order] == index[:, None]
    copies = own.sum(axis=1)
    n = len(measures)
    return own.argmax(axis=1), np.array([1 - np.prod([(n - c - i) / (n - i) for i in range(WITHIN)]) for c in copies])


def figures(patients: int, seed: int, mode: CouplingMode) -> dict[str, Any]:
    """Draw the first encounters of some patients with the shipped ECG generator and return own_patient of them."""
    from engine.synthetic.ecg import draw_ecg, load_model
    from engine.synthetic.rhythm import draw_rhythm

    model, streams = load_model(MODELS / "generators" / "ecg.npz"), RandomStreams(seed)
    ones = [patient.encounters[0] for patient in draw_patients(patients, seed, couplings=mode)]
    ecgs = []
    for one in ones:
        rhythm = draw_rhythm(one, streams.study_rng(one, "rhythm", "rhythm"))
        own, rng = streams.person_rng(one, "ecg"), streams.study_rng(one, "ecg", "ecg")
        ecgs.append(draw_ecg(model, one, rhythm, own, rng))
    return own_patient(*measured_encounters(ones, ecgs))


@click.command()
@click.option("--patients", type=click.IntRange(min=40), default=300, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
def main(patients: int, seed: int) -> None:
    """Print how well severities find the own patient's ECG, with couplings and in the control."""
    for mode, words in (("on", "with couplings"), ("off", "control")):
        found = figures(patients, seed, mode)  # type: ignore[arg-type]
        click.echo(
            f"{words}: R@10 {found['r_at_10']:.2f}, chance {found['chance']:.2f}, mean rank {found['mean_rank']:.2f} "
            f"of the gallery, n {found['n']}, galleries of {found['gallery']}"
        )


if __name__ == "__main__":
    main()
