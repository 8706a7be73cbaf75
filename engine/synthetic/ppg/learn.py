"""Open `train` PPGs → PulseModel."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from scipy.signal import welch

from engine.synthetic.ppg.beats import FS, at_125, find_pulses
from engine.synthetic.ppg.breath import filling, irregular, memory, series, swings, transit_jitter
from engine.synthetic.ppg.model import COVARIATES, STYLES, PulseModel, covariates
from engine.synthetic.ppg.segments import PpgSubject, Segment

COMPONENTS = 32  # fewer leave the drawn pulses smoother than recorded ones
RIDGE = 4.0  # in persons: how strongly slopes are drawn to 0; 1 to 10 explain the same share of `valid`
BORROWED = 10.0  # persons of all styles that a style's own covariance is mixed with
NOISE_HZ = {"clip": (20.0, 60.0), "monitor": (20.0, 30.0), "camera": (10.0, 13.0)}
YOUNG = 30.0  # years, where the data set says only "25 to 35"
STYLE_OF = {
    "PPG-BP (Liang 2018)": "clip",
    "BIDMC PPG and Respiration": "monitor",
    "Oximetry phone-cam (Hoffman 2022, UW)": "camera",
    "Welltory PPG": "camera",
}


def segments(recordings: Path, split: str = "train") -> Iterator[Segment]:
    """Yield the PPGs of one split in which whole pulses are found."""
    with np.load(recordings / "ppg" / "ppg.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    with (recordings / "ppg" / "ppg.csv").open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["split"] == split and row["dataset"] in STYLE_OF]
    for row in rows:
        i = int(row["array_row"])
        start, n, fs = int(arrays["ppg_start"][i]), int(arrays["n"][i]), float(arrays["fs"][i])
        trace = arrays["ppg"][start : start + n] * arrays["scale"][i] + arrays["offset"][i]
        beside = int(arrays["ecg_start"][i])
        ecg = arrays["ecg"][beside : beside + n] * 1e-3 if beside >= 0 else None
        pulses = find_pulses(trace, fs)
        if pulses.good.any():
            yield Segment(row, trace, fs, ecg, pulses)


def group_by_person(all_segments: Iterable[Segment]) -> list[PpgSubject]:
    """Group segments by person; what a person's table lacks is NaN."""
    groups: dict[tuple[str, str], list[Segment]] = {}
    for segment in all_segments:
        groups.setdefault((segment.row["dataset"], segment.row["patient_id"]), []).append(segment)
    return [_person(STYLE_OF[dataset], group) for (dataset, _), group in groups.items()]


def _person(style: str, group: list[Segment]) -> PpgSubject:
    row = group[0].row
    shapes = np.concatenate([one.pulses.shape[one.pulses.good] for one in group])
    intervals = np.concatenate([one.pulses.interval_s[one.pulses.good] for one in group])
    known = {"age": row["age"], "systolic": row["sbp"], "diastolic": row["dbp"], "bmi": row["bmi"]}
    values = {name: float(text) if text else np.nan for name, text in known.items()}
    if row["dataset"].startswith("Welltory"):
        values["age"] = YOUNG
    values["rate"] = float(60 / np.median(intervals))
    row_ = covariates(values, row["sex"] == "M", style)
    if row["sex"] not in ("F", "M"):
        row_[COVARIATES.index("male")] = 0.0
    return PpgSubject(style, np.median(shapes, axis=0), row_, group)


def completed(rows: np.ndarray) -> np.ndarray:
    """Fill unknown covariates with what age and sex say of them, unknown age with the mean. (n, F) → (n, F)."""
    out = rows.copy()
    age, squared = COVARIATES.index("age"), COVARIATES.index("age²")
    out[np.isnan(out[:, age]), age] = np.nanmean(out[:, age])
    out[:, squared] = out[:, age] ** 2
    given = out[:, [0, age, COVARIATES.index("male")]]
    for name in ("systolic", "diastolic", "bmi"):
        column = out[:, COVARIATES.index(name)]
        known = ~np.isnan(column)
        column[~known] = given[~known] @ np.linalg.lstsq(given[known], column[known], rcond=None)[0]
    return out


def ridge(x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """Return (F, C) slopes of y (n, C) on x (n, F); the first column, ones, is not drawn to 0."""
    penalty = np.eye(x.shape[1]) * strength
    penalty[0, 0] = 0.0
    return np.linalg.solve(x.T @ x + penalty, x.T @ y)


def factor(rows: np.ndarray, all_rows: np.ndarray) -> np.ndarray:
    """Return the lower factor of a covariance about 0, mixed with that of all rows. (n, C), (m, C) → (C, C)."""
    own, common = rows.T @ rows, all_rows.T @ all_rows / len(all_rows)
    mixed = (own + BORROWED * common) / (len(rows) + BORROWED)
    return np.linalg.cholesky(mixed + 1e-8 * np.eye(len(mixed)))


def fit(recordings: Path, split: str = "train") -> PulseModel:
    """Learn everything from the PPGs of one split; takes about half a minute."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NeuroKit2 warns about every short segment
        return fit_persons(group_by_person(segments(recordings, split)))


def fit_persons(people: list[PpgSubject], components: int = COMPONENTS, strength: float = RIDGE) -> PulseModel:
    """Learn everything from persons."""
    shapes, style = np.array([one.shape for one in people]), np.array([one.style for one in people])
    mean = shapes.mean(0)
    axes = np.linalg.svd(shapes - mean, full_matrices=False)[2][:components]
    scores = (shapes - mean) @ axes.T
    given = completed(np.array([one.covariates for one in people]))
    slopes = ridge(given, scores, strength)
    left = scores - given @ slopes
    apart = {name: _apart([one for one in people if one.style == name], axes) for name in STYLES}
    every = np.concatenate(list(apart.values()))
    bedside = [one for one in people if one.style == "monitor"]
    swing = np.array([swings(one.segments) for one in bedside])
    uneven = [found for one in bedside if (found := irregular(one.segments))]
    return PulseModel(
        mean=mean,
        components=axes,
        slopes=slopes,
        persons=np.array([factor(left[style == name], left) for name in STYLES]),
        pulses=np.array([factor(apart[name], every) for name in STYLES]),
        unrest=np.array([spread_of([one for one in people if one.style == name], axes) for name in STYLES]),
        calm=np.array([np.log(typical_step(people, name) / typical_step(people, "monitor")) for name in STYLES]),
        swing=np.median(swing, axis=0),
        swing_factor=np.linalg.cholesky(np.cov(swing.T) + 1e-6 * np.eye(swing.shape[1])),
        memory=np.median([memory(one.segments) for one in bedside], axis=0),
        filling=np.median([filling(*rows) for rows in uneven], axis=0),
        jitter_s=np.array([np.median([transit_jitter(one.segments) for one in bedside])]),
        noise=np.array([_noise([one for one in people if one.style == name], name) for name in STYLES]),
    )


def _scores_apart(person: PpgSubject, axes: np.ndarray) -> np.ndarray:
    """Scores of a person's pulses less those of the median pulse of their segment: (n, C), at most 60."""
    rows = []
    for part in person.segments:
        shapes = part.pulses.shape[part.pulses.correlation > 0.9]
        if len(shapes) > 1:
            rows.append((shapes - np.median(shapes, axis=0)) @ axes.T * np.sqrt(len(shapes) / (len(shapes) - 1)))
    every = np.concatenate(rows) if rows else np.zeros((0, len(axes)))
    return every[:: max(1, len(every) // 60)]


def _apart(people: list[PpgSubject], axes: np.ndarray) -> np.ndarray:
    """Scores of pulses about their own median, every person's brought to a root mean square of 1: (n, C)."""
    rows = [rows for one in people if len(rows := _scores_apart(one, axes))]
    return np.concatenate([one / np.sqrt((one**2).sum(1).mean()) for one in rows])


def spread_of(people: list[PpgSubject], axes: np.ndarray) -> tuple[float, float]:
    """Return mean and deviation over persons of the log root mean square that _apart took out."""
    rows = [rows for one in people if len(rows := _scores_apart(one, axes))]
    logs = [np.log(np.sqrt(np.median((one**2).sum(1)))) for one in rows]
    return float(np.median(logs)), float(np.std(logs))


def typical_step(people: list[PpgSubject], style: str) -> float:
    """Return the typical change of log height from a pulse to the next, median over one style's persons."""
    rows = [
        np.concatenate([np.abs(np.diff(series(part)[1])) for part in p.segments]) for p in people if p.style == style
    ]
    return float(np.median([np.median(row) for row in rows if row.size]))


def noise_share(segment: Segment, style: str) -> float:
    """Sensor noise as standard deviation at 125 Hz over pulse height, were it as strong in all bands."""
    x = at_125(segment.trace, segment.fs) / np.median(segment.pulses.height)
    freqs, power = welch(x, FS, nperseg=min(x.size, 512))
    low, high = NOISE_HZ[style]
    return float(np.sqrt(power[(freqs >= low) & (freqs < high)].mean() * FS / 2))


def _noise(people: list[PpgSubject], style: str) -> tuple[float, float]:
    logs = [float(np.median([np.log(noise_share(part, style)) for part in one.segments[:6]])) for one in people]
    return float(np.median(logs)), float(np.std(logs))
