"""What is learnt about pulses, as a few small arrays, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engine.errors import ReleaseError
from engine.settings import MODELS

PATH = MODELS / "generators" / "ppg.safetensors"
FORMAT = "1"

STYLES = ("clip", "monitor", "camera")
"""Finger clip of PPG-BP; bedside oximeter of BIDMC; finger on a phone camera (Hoffman, Welltory)."""

COVARIATES = ("one", "age", "age²", "male", "systolic", "diastolic", "bmi", "rate", "monitor", "camera")
CENTRE = {
    "age": (57.0, 16.0),
    "systolic": (128.0, 21.0),
    "diastolic": (72.0, 11.0),
    "bmi": (23.0, 4.0),
    "rate": (75.0, 12.0),
}
"""Centre and scale of the covariates: years, mmHg, kg/m², beats per minute (mean and deviation of PPG-BP)."""

REACH = 2.0  # the slopes are not followed further than this many deviations: hardly anyone was there to learn from

SWINGS = ("breath in height", "breath in base", "other in height", "other in base")
"""Natural logarithms of: the respiratory wave in the logarithm of pulse height and in the base (share of the height),
and the standard deviation of what is left of both from pulse to pulse."""


@dataclass(frozen=True, eq=False)
class PulseModel:
    """Learnt on `train`; POINTS samples a normalised pulse, C components, S styles, F covariates.

    mean (POINTS,), components (C, POINTS): normalised pulses
    slopes (F, C)     : component scores on COVARIATES
    persons (S, C, C) : lower triangular factor of the scores' covariance between persons, given the covariates
    pulses (S, C, C)  : factor of the covariance between the pulses of one recording, root mean square 1
    unrest (S, 2)     : mean and deviation over persons of the log root mean square that goes with it
    calm (S,)         : what a style adds to SWINGS (learnt on "monitor")
    swing (4,), swing_factor (4, 4): mean of SWINGS over persons and factor of their covariance
    memory (2,)       : correlation of what is left of height and base with the pulse before
    filling (2,)      : log height on the log of the interval before and of the one before that
    jitter_s          : (1,) s, transit time from beat to beat
    noise (S, 2)      : mean and deviation over persons of the log sensor noise, share of pulse height
    """

    mean: np.ndarray
    components: np.ndarray
    slopes: np.ndarray
    persons: np.ndarray
    pulses: np.ndarray
    unrest: np.ndarray
    calm: np.ndarray
    swing: np.ndarray
    swing_factor: np.ndarray
    memory: np.ndarray
    filling: np.ndarray
    jitter_s: np.ndarray
    noise: np.ndarray

    def scores(self, covariates: np.ndarray) -> np.ndarray:
        """Return expected component scores: (F,) or (n, F) → (C,) or (n, C)."""
        return covariates @ self.slopes

    def shape(self, scores: np.ndarray) -> np.ndarray:
        """Return the normalised pulse of some scores, from 0 to 0 with height 1: (C,) → (POINTS,)."""
        return levelled(self.mean + scores @ self.components)

    def save(self, path: Path = PATH) -> None:
        """Write the model as one safetensors file."""
        from safetensors.numpy import save_file

        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in asdict(self).items()}
        save_file(arrays, str(path), metadata={"format": FORMAT})


def load_model(path: Path = PATH) -> PulseModel:
    """Read a model; ReleaseError where it is absent or broken."""
    from safetensors.numpy import load_file

    try:
        arrays = load_file(str(path))
        return PulseModel(**{name: array.astype(np.float64) for name, array in arrays.items()})
    except (OSError, TypeError, ValueError) as error:
        raise ReleaseError(
            f"The pulse model {path.name} cannot be read ({error}): restore data/models/generators or run "
            "`casebind train generator ppg`."
        ) from error


def levelled(pulse: np.ndarray) -> np.ndarray:
    """Bring a pulse's ends to 0 by a straight line and its top to 1. (POINTS,) → (POINTS,)."""
    flat = pulse - np.linspace(pulse[0], pulse[-1], pulse.size)
    return flat / flat.max()


def covariates(values: Mapping[str, float], male: bool, style: str) -> np.ndarray:
    """Return covariates (F,) from age, systolic, diastolic, bmi and rate in their own units; NaN stays."""
    z = {name: np.clip((values[name] - middle) / scale, -REACH, REACH) for name, (middle, scale) in CENTRE.items()}
    row = {"one": 1.0, **z, "age²": z["age"] ** 2, "male": float(male) - 0.5, style: 1.0}
    return np.array([row.get(name, 0.0) for name in COVARIATES])
