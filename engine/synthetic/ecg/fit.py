"""Fit the beat model on the `train` recordings: cut median beats, calibrate, principal components, regression."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.study import Trace
from engine.synthetic.ecg.beats import BEFORE, Beat, median_beat
from engine.synthetic.ecg.gains import fit_gains, limb_ratio
from engine.synthetic.ecg.leads import EIGHT
from engine.synthetic.ecg.model import FIXED, LEADING, OTHER_SOURCE, SCORED, SHAPES, SIZE_OF_T, EcgModel, covariates
from engine.synthetic.ecg.noise import fit_noise
from engine.synthetic.ecg.segments import P_POINTS, Landmarks, Parts, cut, landmarks

MIN_RECORDINGS = 12  # recordings with a label before it is a covariate of its own
COMPONENTS = {"p": 10, "qrs": 30, "st_t": 20}
RIDGE = 4.0  # pseudo-recordings that hold a label's weight at zero
TOWARDS_POOLED = 40.0  # pseudo-recordings with the pooled covariance in every label's own
OUTLIER = 3.0  # deviations at which residuals are cut off
UNKNOWN_AGE = 60.0
FIBRILLATION = "atrial fibrillation"
# Labels that move the mean: those that are drawn, and those that would blur them where they come together. What merely
# describes a drawn label again (voltage criteria, inverted T waves, abnormal QRS …) is left to that label.
COVARIATE_LABELS = (
    *LEADING,
    "sinus bradycardia",
    "sinus tachycardia",
    "sinus arrhythmia",
    "ventricular premature complex",
    "premature atrial contraction",
    "anterior myocardial infarction",
    "anterolateral myocardial infarction",
    "lateral myocardial infarction",
    "digitalis-effect",
    "ischemic in anterolateral leads",
    "ischemic in anteroseptal leads",
    "ischemic in inferior leads",
    "ischemic in inferolateral leads",
    "left atrial overload/enlargement",
    "left posterior fascicular block",
    "low QRS voltages in the frontal and horizontal leads",
    "non-specific intraventricular conduction disturbance (block)",
)
SAME = {
    "right bundle branch block": "complete right bundle branch block",
    "left bundle branch block": "complete left bundle branch block",
    "premature ventricular contractions": "ventricular premature complex",
    "1st degree av block": "first degree AV block",
    "t wave abnormal": "non-diagnostic T abnormalities",
    "atrial premature complex": "premature atrial contraction",
}


@dataclass(frozen=True, eq=False)
class Sample:
    """One usable recording: its parts in its own units, where they were cut, and its covariates."""

    labels: tuple[str, ...]
    age: float
    sex: str
    calibrated: bool
    beat: Beat
    landmarks: Landmarks
    parts: Parts
    deviation: np.ndarray  # (8,) of the eight leads over the recording
    ratio: float  # log gain of I over II


def labels_of(recording: Recording) -> tuple[str, ...]:
    """Return its labels in PTB-XL's wording, and what sets its source apart."""
    own = [SAME.get(label, label) for label in recording.labels]
    return (
        *own,
        *(() if recording.dataset == "PTB-XL" else (OTHER_SOURCE,)),
        *((SCORED,) if recording.source["units"] == "sd" else ()),
    )


def sample(recording: Recording) -> Sample | None:
    """Cut one recording; None where it has no three alike beats."""
    trace = recording.study().content
    if not isinstance(trace, Trace) or len(trace.leads) != 12:
        return None
    beat = median_beat(trace.samples.astype(np.float64), trace.fs)
    if beat is None:
        return None
    at = landmarks(beat.eight, BEFORE, beat.rr_s)
    age = UNKNOWN_AGE if recording.age is None else min(recording.age, 95.0)
    return Sample(
        labels_of(recording),
        age,
        recording.sex,
        trace.units == "mV",
        beat,
        at,
        cut(beat.eight, BEFORE, at),
        beat.clean.std(axis=1),
        limb_ratio(trace.samples[list(EIGHT[:2]) + [2]][[0, 1, 2]]),
    )


def fit(path: Path) -> EcgModel:
    """Return the model fitted on the `train` ECGs under `path` (the open recordings)."""
    own = [r for r in recordings(path, "train", "ecg") if r.source["array"].parent.name == "ecg"]
    samples = [found for recording in own if (found := sample(recording)) is not None]
    counts = Counter(label for s in samples for label in set(s.labels))
    known = tuple(sorted(label for label in COVARIATE_LABELS if counts[label] >= MIN_RECORDINGS))
    rows = np.stack([covariates(known, s.labels, s.age, s.sex, s.beat.rr_s) for s in samples])
    parts = calibrated_parts(samples, rows, np.random.default_rng(0))
    arrays, scores = components(samples, parts)
    arrays |= regress(samples, parts, rows, scores)
    arrays |= fit_noise([s.beat for s in samples if s.calibrated and FIBRILLATION not in s.labels], own)
    return EcgModel(known, arrays)


def calibrated_parts(samples: Sequence[Sample], rows: np.ndarray, rng: np.random.Generator) -> list[Parts]:
    """Return all parts in mV; the z-scored recordings by gains drawn from the regression on the others."""
    flat = np.stack([(s.parts.qrs / s.deviation[:, None]).ravel() for s in samples])
    flat = flat - flat.mean(axis=0)
    axes = np.linalg.svd(flat, full_matrices=False)[2][:25]
    features = np.column_stack([flat @ axes.T, np.delete(rows, (0, 2), axis=1)])
    in_mv = np.array([s.calibrated for s in samples])
    deviations = np.stack([s.deviation for s in samples])
    gains = fit_gains(features[in_mv], np.log(deviations[in_mv]))
    out = []
    for s, row in zip(samples, features, strict=True):
        gain = np.ones(8) if s.calibrated else np.exp(gains.draw(row, s.ratio, rng)) / s.deviation
        out.append(Parts(s.parts.p * gain[:, None], s.parts.qrs * gain[:, None], s.parts.st_t * gain[:, None]))
    return out


def components(samples: Sequence[Sample], parts: Sequence[Parts]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return (means and principal components by part, scores (n, k) with the intervals last)."""
    sizes = np.array([np.sqrt((own.qrs**2).mean()) for own in parts])
    curves = {
        "p": np.stack([own.p.ravel() for own in parts]),
        "qrs": np.stack([own.qrs.ravel() / size for own, size in zip(parts, sizes, strict=True)]),
        "st_t": np.stack([own.st_t.ravel() / size**SIZE_OF_T for own, size in zip(parts, sizes, strict=True)]),
    }
    arrays: dict[str, np.ndarray] = {}
    scores = []
    for name in SHAPES:
        far = np.linalg.norm(curves[name] - curves[name].mean(axis=0), axis=1)
        usual = far < np.quantile(far, 0.98)
        middle = curves[name][usual].mean(axis=0)
        axes = np.linalg.svd(curves[name][usual] - middle, full_matrices=False)[2][: COMPONENTS[name]]
        arrays |= {f"mean_{name}": middle, f"basis_{name}": axes}
        scores.append((curves[name] - middle) @ axes.T)
    times = np.array([intervals(s, size) for s, size in zip(samples, sizes, strict=True)])
    arrays["limits"] = np.quantile(times, (0.002, 0.998), axis=0)
    return arrays, np.column_stack([*scores, times])


def intervals(s: Sample, size: float) -> list[float]:
    """Return model.INTERVALS of one recording."""
    at = s.landmarks
    qrs, qt = at.end - at.onset, at.t_end - at.onset
    pr = at.onset - at.p if np.isfinite(at.p) else 0.12
    rest = max(at.t_end - at.end, 0.05)
    return [
        np.log(size),
        np.log(qrs),
        np.log(qt / s.beat.rr_s ** (1 / 3)),
        (at.t - at.end) / rest,
        -at.onset / qrs,
        np.log(max(pr, 0.05)),
    ]


def regress(
    samples: Sequence[Sample], parts: Sequence[Parts], rows: np.ndarray, scores: np.ndarray
) -> dict[str, np.ndarray]:
    """Return weights (covariates, k) and covariance factors (labels + 1, k, k).

    In fibrillation there is no P wave, and in some recordings none was found: P and PR come from the others alone.
    """
    about_p = np.zeros(scores.shape[1], bool)
    about_p[: COMPONENTS["p"]] = about_p[-1] = True
    without = np.array([FIBRILLATION in s.labels or not shows_p(own.p) for s, own in zip(samples, parts, strict=True)])
    weights = np.zeros((rows.shape[1], scores.shape[1]))
    weights[:, ~about_p] = ridge(rows, scores[:, ~about_p])
    weights[:, about_p] = ridge(rows[~without], scores[~without][:, about_p])
    left = scores - rows @ weights
    left[np.ix_(without, about_p)] = 0.0
    for column in left.T:
        middle = np.median(column)
        spread = 1.4826 * np.median(np.abs(column - middle)) + 1e-9
        np.clip(column, middle - OUTLIER * 1.2 * spread, middle + OUTLIER * 1.2 * spread, out=column)
    full = ~without
    pooled = left.T @ left / len(left)
    pooled[about_p] *= np.sqrt(len(left) / full.sum())  # rows without P hold zeros there
    pooled[:, about_p] *= np.sqrt(len(left) / full.sum())
    factors = [factor(left[[name in s.labels for s in samples]], pooled) for name in LEADING]
    return {"weights": weights, "factor": np.stack([*factors, factor(left[:0], pooled)])}


def shows_p(p: np.ndarray) -> bool:
    """Whether a window (8, P_POINTS) mV holds a sinus P: upright in II, highest near its middle."""
    half, at = P_POINTS // 2, int(np.argmax(p[1]))
    return bool(0.03 < p[1].max() < 0.35 and abs(at - half) < 8 and p[1].max() > 1.5 * abs(p[1].min()))


def ridge(rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the weights (covariates, k); intercept, source, age, sex and rate are hardly held back."""
    penalty = np.full(rows.shape[1], RIDGE)
    penalty[:FIXED] = 0.1
    return np.linalg.solve(rows.T @ rows + np.diag(penalty), rows.T @ targets)


def factor(residuals: np.ndarray, pooled: np.ndarray) -> np.ndarray:
    """Return a square root of the covariance of residuals (n, k), drawn towards the pooled one."""
    own = (residuals.T @ residuals + TOWARDS_POOLED * pooled) / (len(residuals) + TOWARDS_POOLED)
    values, vectors = np.linalg.eigh(own)
    return vectors * np.sqrt(np.clip(values, 0, None))
