"""The statistical beat: a Gaussian over the shapes, sizes and intervals of a median beat, given labels, age, sex, rate.

A beat is a vector of principal-component scores of P, QRS and ST-T (engine…heart.segments), the logarithm of its size
and its intervals. Its mean is linear in the covariates (ridge regression); what is left has a covariance of its own for
each leading label, drawn towards the pooled one. A draw is a point of that distribution, never a recording's beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.errors import UsageError
from engine.synthetic.ecg.segments import P_POINTS, QRS_POINTS, ST_POINTS, T_POINTS

INTERVALS = ("log size", "log qrs_s", "log qtc_s", "t share", "r share", "log pr_s")
SHAPES = {"p": (8, P_POINTS), "qrs": (8, QRS_POINTS), "st_t": (8, ST_POINTS + T_POINTS)}
OTHER_SOURCE, SCORED = "other source", "z-scored"
FIXED = 7  # covariates before the labels
SIZE_OF_T = 0.5  # ST-T grows with this power of the size of the QRS
# Which label's scatter is drawn from when there are several: those that change the beat most come first.
LEADING = (
    "complete left bundle branch block",
    "complete right bundle branch block",
    "anteroseptal myocardial infarction",
    "inferior myocardial infarction",
    "left ventricular hypertrophy",
    "left anterior fascicular block",
    "incomplete right bundle branch block",
    "atrial fibrillation",
    "first degree AV block",
    "non-specific ischemic",
    "non-diagnostic T abnormalities",
    "normal ECG",
)


@dataclass(frozen=True, eq=False)
class Shape:
    """One drawn beat, mV and seconds.

    p, qrs, st_t : (8, points) as in segments.Parts
    qrs_s, pr_s  : QRS duration; from the peak of P to QRS onset
    qtc_s        : QT by Fridericia's formula, i.e. at 60 beats per minute (Acta Med Scand 53:469, 1920)
    t_share      : where the peak of T lies between the ends of QRS and T; r_share: where R lies in the QRS
    """

    p: np.ndarray
    qrs: np.ndarray
    st_t: np.ndarray
    qrs_s: float
    pr_s: float
    qtc_s: float
    t_share: float
    r_share: float


@dataclass(frozen=True, eq=False)
class EcgModel:
    """Everything fitted. labels: covariates in order; arrays by name, see `fit.fit` and `noise.fit_noise`.

    mean_<part> (8·points,), basis_<part> (k, 8·points): principal components; weights (covariates, scores);
    factor (len(LEADING) + 1, scores, scores): covariance factors, the last for any other label.
    """

    labels: tuple[str, ...]
    arrays: dict[str, np.ndarray] = field(repr=False)

    def mean(self, labels: Sequence[str], age: float, sex: str, rr_s: float) -> np.ndarray:
        """Return the mean scores (k,) of a beat with these labels."""
        return covariates(self.labels, labels, age, sex, rr_s) @ self.arrays["weights"]

    def factor(self, labels: Sequence[str]) -> np.ndarray:
        """Return the factor (k, k) of the scatter: scores = mean + factor @ standard normal."""
        leading = next((i for i, name in enumerate(LEADING) if name in labels), len(LEADING))
        return self.arrays["factor"][leading]

    def shape(self, scores: np.ndarray) -> Shape:
        """Return the beat of a vector of scores (k,)."""
        ends = np.cumsum([len(self.arrays[f"basis_{part}"]) for part in SHAPES])
        p, qrs, st_t = (
            (self.arrays[f"mean_{part}"] + own @ self.arrays[f"basis_{part}"]).reshape(SHAPES[part])
            for part, own in zip(SHAPES, np.split(scores[: ends[-1]], ends[:-1]), strict=True)
        )
        low, high = self.arrays["limits"]
        log_size, log_qrs, log_qtc, t_share, r_share, log_pr = np.clip(scores[ends[-1] :], low, high)
        size = float(np.exp(log_size))
        return Shape(
            p,
            qrs * size,
            st_t * size**SIZE_OF_T,
            float(np.exp(log_qrs)),
            float(np.exp(log_pr)),
            float(np.exp(log_qtc)),
            float(t_share),
            float(r_share),
        )


def covariates(label_names: Sequence[str], labels: Sequence[str], age: float, sex: str, rr_s: float) -> np.ndarray:
    """Return (FIXED + len(known),): intercept, two sources, age and its square, sex, logarithm of RR, labels.

    The sources are the labels OTHER_SOURCE and SCORED: what sets them apart (devices; the filter and the guessed gains
    of z-scored recordings) is kept out of the drawn beats, which are those of calibrated PTB-XL recordings.
    """
    years = (age - 60.0) / 20.0
    own = [
        1.0,
        float(OTHER_SOURCE in labels),
        float(SCORED in labels),
        years,
        years**2,
        float(sex == "M") - 0.5,
        np.log(rr_s),
    ]
    return np.array([*own, *(float(name in labels) for name in label_names)])


def save_model(model: EcgModel, path: Path) -> None:
    """Write the model to one .npz; arrays as float32."""
    arrays = {name: np.asarray(a, np.float32) for name, a in model.arrays.items()}
    with path.open("wb") as handle:
        np.savez_compressed(handle, labels=np.array(model.labels), **arrays)  # type: ignore[arg-type]


def load_model(path: Path) -> EcgModel:
    """Read a model; UsageError where the file is absent."""
    if not path.is_file():
        raise UsageError(f"There is no ECG generator at {path}: fit one with `casebind train generator ecg`.")
    with np.load(path) as file:
        arrays = {name: file[name].astype(np.float64) for name in file.files if name != "labels"}
        return EcgModel(tuple(str(name) for name in file["labels"]), arrays)
