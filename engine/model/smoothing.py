"""What is certain of a code: bits that no small change of the recording can flip (randomised smoothing).

The smoothed code of a recording has, at each bit, the value that most copies with Gaussian noise have. Where a share p
of copies agrees, no change of ℓ₂ length up to σ·Φ⁻¹(p) flips that bit of the smoothed code (Cohen, Rosenfeld & Kolter
2019, "Certified adversarial robustness via randomized smoothing", theorem 1). p is bounded from below by Clopper and
Pearson from the copies that were drawn, for all 256 bits at once. Lengths refer to the prepared recording: a trace in
its own deviations after the filter, a film in shares of white.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.model.packing import BITS

if TYPE_CHECKING:
    from engine.model.release import Release
    from engine.study import Study

SIGMA = {"cxr": 0.05, "ecg": 0.2, "ppg": 0.1}  # of the noise: chosen on `valid`, where codes keep their P@5
DRAWS = 400
ERROR = 0.001  # chance that anything which is called certain is not
BATCH = {"cxr": 8}  # copies encoded at a time
OTHERS = 100  # likewise, of traces


@dataclass(frozen=True, eq=False)
class SmoothedCode:
    """The smoothed code of one recording.

    bits   : (256,) bool, the value that most copies have
    radius : (256,) float, ℓ₂ length of the shortest change that might flip each bit; 0 where nothing is certain
    """

    bits: np.ndarray
    radius: np.ndarray
    sigma: float
    draws: int

    def uncertain(self, length: float) -> np.ndarray:
        """Return which bits a change of that ℓ₂ length might flip: (256,) bool."""
        return ~(self.radius > length)


def smoothed(
    release: Release,
    study: Study,
    *,
    sigma: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> SmoothedCode:
    """Return the smoothed code of a study: `draws` encodings of it.

    progress : called with the number of copies that were encoded
    """
    inputs = {name: torch.from_numpy(np.asarray(array)) for name, array in release.inputs(study).items()}
    chosen = SIGMA[study.modality] if sigma is None else sigma
    counted = ones(release, study.modality, inputs, chosen, draws, seed=seed, progress=progress)
    return from_counts(counted, draws, chosen)


def ones(
    release: Release,
    modality: str,
    inputs: Mapping[str, torch.Tensor],
    sigma: float,
    draws: int,
    *,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> np.ndarray:
    """Return how many of `draws` noisy copies of one recording have each bit set: (256,) int.

    inputs : of the release, without batch axis; values that are not recorded, absent leads and what follows the end of
             a short recording, stay 0
    """
    drawn, count = torch.Generator().manual_seed(seed), np.zeros(BITS, int)
    x, others = inputs["x"], {name: value for name, value in inputs.items() if name != "x"}
    kept = recorded_values(x, others)
    size = BATCH.get(modality, OTHERS)
    for start in range(0, draws, size):
        n = min(size, draws - start)
        copies = x + sigma * torch.randn((n, *x.shape), generator=drawn) * kept
        batch = {name: value.expand(n, *value.shape) for name, value in others.items()}
        with torch.no_grad():
            z = release.module(modality)(x=copies, **batch)
        count += (release.projections(z.numpy(), modality) > 0).sum(0)
        progress(n)
    return count


def recorded_values(x: torch.Tensor, others: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return 1 where a value of one prepared recording was recorded and 0 where not, of a shape that meets x."""
    if "length" not in others:
        return torch.ones(())
    inside = torch.arange(x.shape[-1]) < torch.round(others["length"] * x.shape[-1])
    present = others["flags"][: x.shape[0]] > 0 if "flags" in others else torch.ones(x.shape[0], dtype=torch.bool)
    return (present[:, None] & inside[None]).float()


def from_counts(count: np.ndarray, draws: int, sigma: float, error: float = ERROR) -> SmoothedCode:
    """Return the smoothed code of (256,) counts of copies that have each bit set.

    The same copies choose the value of a bit and bound its share, and so either side has half of each bit's error.
    """
    from scipy.stats import beta, norm

    bits = count * 2 > draws
    most = np.maximum(count, draws - count)
    share = beta.ppf(error / (2 * BITS), most, draws - most + 1)  # Clopper–Pearson, lower bound
    radius = np.where(share > 0.5, sigma * norm.ppf(np.clip(share, 0.5, 1 - 1e-12)), 0.0)
    return SmoothedCode(bits, radius, sigma, draws)


@dataclass(frozen=True, eq=False)
class Rivals:
    """All studies that a search may return of one modality: codes as bits (m, 256) bool, and their patients (m,)."""

    bits: np.ndarray
    patients: np.ndarray


def certain_to_stay(code: SmoothedCode, length: float, shown: np.ndarray, rivals: Rivals, k: int) -> np.ndarray:
    """Return which neighbours stay among the first k whatever change of that ℓ₂ length is made: (n,) bool.

    shown : places of the neighbours among the rivals (n,); a search returns one study of a patient, the nearest
    A study displaces a neighbour where it may come as near. Certain bits keep their distance; of the others only those
    count in which both codes differ, each of which may turn in favour of the other.
    """
    loose = code.uncertain(length)
    stays = np.zeros(len(shown), bool)
    far = (rivals.bits[:, ~loose] != code.bits[~loose]).sum(1)
    for i, place in enumerate(shown):
        might = (rivals.bits[:, loose] != rivals.bits[place, loose]).sum(1)
        near = far - far[place] - might <= 0
        near[place] = False
        patients = set(rivals.patients[near].tolist())
        stays[i] = rivals.patients[place] not in patients and len(patients) < k
    return stays
