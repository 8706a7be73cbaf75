"""What may stand between a recording and its encoder: the release's own preparation, copies, noise, random cuts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample

from engine.evaluate.robustness.attacks import PreparedInputs, View, plain
from engine.model import ecg, ppg, squeeze
from engine.signals import NYQUIST_SHARE, PAD_S, band_pass

NOISE = {"cxr": 0.03, "ecg": 0.2, "ppg": 0.1}  # deviations of the noise of smoothing: share of white, or of a trace's
CUT = 0.12  # share of a film's side that a random cut may lose
SHIFT = 10  # samples by which a random copy of a trace may begin later or earlier
BLUR = (0.4, 1.4)  # pixels of a random copy's blur
COPIES = 4  # of which a random defence takes the mean
BANDS = {"ecg": (ecg.FS, ecg.BAND_HZ), "ppg": (ppg.FS, ppg.BAND_HZ)}


@dataclass(frozen=True)
class Defence:
    """What makes the code that is searched: the sign of the mean projection over `draws` copies of a view."""

    name: str
    view: View = plain
    draws: int = 1


def defences(modality: str) -> tuple[Defence, ...]:
    """Return what may answer in the place of the recording itself, for queries; the collection's codes stay."""
    return (
        Defence("squeezed copy", squeezed(modality)),
        Defence("smoothing", noisy(NOISE[modality]), COPIES),
        Defence("random copies", random_copy(modality), COPIES),
    )


def squeezed(modality: str) -> View:
    """Return the view of the slightly changed copy that the check at query time makes."""
    return lambda inputs, _: inputs.holding(squeeze.squeezed(inputs.x, modality))


def noisy(sigma: float) -> View:
    """Return the view with Gaussian noise of that deviation on every value that is recorded."""

    def view(inputs: PreparedInputs, drawn: torch.Generator) -> PreparedInputs:
        x = inputs.x + sigma * torch.randn(inputs.x.shape, generator=drawn)
        return inputs.holding(x if inputs.mask is None else torch.where(inputs.mask, x, inputs.x))

    return view


def random_copy(modality: str) -> View:
    """Return the view of a copy by chance: a film cut and blurred, a trace that begins elsewhere, with noise."""
    return _random_film if modality == "cxr" else _random_trace(NOISE[modality])


def prepared_again(modality: str) -> View:
    """Return the view of a trace that is written into a file and prepared once more: filter and z-score.

    The band-pass is linear, so that it is a matrix, and an attacker's gradients pass through it.
    """
    fs, (low, high) = BANDS[modality]

    def view(inputs: PreparedInputs, _: torch.Generator) -> PreparedInputs:
        out = []
        for x, length in zip(inputs.x, inputs.others["length"], strict=True):
            real = max(2, round(float(length) * x.shape[-1]))
            filtered = x[:, :real] @ _filter(real, fs, low, high)
            centred = filtered - filtered.mean(1, keepdim=True)
            scaled = centred / centred.std(1, keepdim=True, correction=0).clamp_min(1e-6)
            out.append(torch.nn.functional.pad(scaled, (0, x.shape[-1] - real)))
        x = torch.stack(out)
        return inputs.holding(x if inputs.mask is None else torch.where(inputs.mask, x, torch.zeros_like(x)))

    return view


@lru_cache(maxsize=64)
def _filter(n: int, fs: float, low: float, high: float) -> torch.Tensor:
    """Return the release's band-pass over n samples as a matrix: (n, n), samples @ matrix = filtered."""
    top = min(high, NYQUIST_SHARE * fs)
    return torch.from_numpy(band_pass(np.eye(n), fs, low, top, pad=int(PAD_S * fs)).astype(np.float32))


def _random_film(inputs: PreparedInputs, drawn: torch.Generator) -> PreparedInputs:
    """Return films of which each lost up to CUT of its side anywhere and was blurred a little."""
    x = inputs.x
    kept = 1 - CUT * torch.rand(len(x), generator=drawn)
    shift = (torch.rand(len(x), 2, generator=drawn) * 2 - 1) * (1 - kept)[:, None]
    matrix = torch.zeros(len(x), 2, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = kept
    matrix[:, :, 2] = shift
    grid = affine_grid(matrix, list(x.shape), align_corners=False)
    cut = grid_sample(x, grid, padding_mode="border", align_corners=False)
    sigma = BLUR[0] + (BLUR[1] - BLUR[0]) * float(torch.rand(1, generator=drawn))
    return replace(inputs, x=squeeze.blurred(cut, sigma))


def _random_trace(sigma: float) -> View:
    """Return the view of a trace shifted by up to SHIFT samples, with noise."""
    add = noisy(sigma)

    def view(inputs: PreparedInputs, drawn: torch.Generator) -> PreparedInputs:
        by = int(torch.randint(-SHIFT, SHIFT + 1, (1,), generator=drawn))
        x = torch.roll(inputs.x, by, dims=-1)
        moved = inputs.holding(x if inputs.mask is None else torch.where(inputs.mask, x, torch.zeros_like(x)))
        return add(moved, drawn)

    return view
