"""What a site's own pairs add to a tower: coarse features that embeddings forget, mapped by a matrix of low rank.

An embedding was learnt to tell findings, not how large a heart is, where its axis points or at which instant it beats;
these are what studies of one patient share beyond findings. So an adapted tower reads them beside its encoder. A link
names the two modalities that share something, and what of either is read for it:

film and ECG : the patch tokens after the frozen blocks, averaged in 4 × 4 fields: what lies where;
               the mean beat of eight independent leads, beats found by their slopes: axis, voltages, T, P; in mV, as
               shares of its own height, and how high it is in each lead
ECG and PPG  : of either when its beats fall and how fast they come, as the spectrum of its slopes (engine.model.rhythm)

All are differentiable in the model's inputs, so that explanations reach them, and none has a weight that any recording
taught. engine.learning.adapter_fit learns the maps; a release without them has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from engine.model.rhythm import FREQUENCIES, slope_spectrum
from engine.study import ECG_LEADS

FIELDS = 4  # along each side of a film
GRID = 16  # patches along each side
INDEPENDENT = tuple(ECG_LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"))
# Samples before and after the steepest part of a beat that make the mean beat, at 100 Hz: P from −240 ms, T to 380 ms
LAGS = (-24, -20, -17, -14, -11, -8, -6, -4, -2, 0, 2, 4, 6, 8, 11, 14, 18, 22, 26, 30, 34, 38)
SMOOTH = 15  # samples of the window that parts slow waves from the QRS
SHARP = 2.0  # power of the slopes' energy: how much the steepest instants outweigh the others
LEAST_MV = 0.02  # of a beat's height in a lead; less is noise
MOST = 4.0  # deviations; coarse features further from the mean count as this far


def fields_of(tokens: torch.Tensor) -> torch.Tensor:
    """Tokens of a film after the frozen blocks (b, 257, w) → mean patch tokens of its 4 × 4 fields (b, 16·w)."""
    step, width = GRID // FIELDS, tokens.shape[2]
    patches = tokens[:, 1:].reshape(-1, FIELDS, step, FIELDS, step, width)
    return patches.mean((2, 4)).flatten(1)


def mean_beat(x: torch.Tensor, amplitude: torch.Tensor) -> torch.Tensor:
    """Model inputs of ECGs → their mean beat: x (b, 12, 1000), amplitude (b, 12) log10 mV → (b, 8·22) mV.

    Every instant counts as a beat's by its share of the QRS's energy, so no detector decides and gradients pass.
    """
    mv = (x * 10 ** amplitude[..., None])[:, list(INDEPENDENT)]
    window = torch.hann_window(SMOOTH, periodic=False, dtype=mv.dtype, device=mv.device)
    window = (window / window.sum())[None, None]
    flat = mv.reshape(-1, 1, mv.shape[2])
    fast = (flat - F.conv1d(flat, window, padding=SMOOTH // 2)).reshape(mv.shape)
    energy = fast.pow(2).sum(1)
    share = (energy / energy.amax(1, keepdim=True).clamp(min=1e-9)).pow(SHARP)
    share = share / share.sum(1, keepdim=True).clamp(min=1e-9)
    return torch.stack([(mv * torch.roll(share, lag, 1)[:, None]).sum(2) for lag in LAGS], 2).flatten(1)


def beat_and_shape(x: torch.Tensor, amplitude: torch.Tensor) -> torch.Tensor:
    """Model inputs of ECGs → mean beat in mV, the same ÷ its mean height, ln of its height by lead: (b, 8·22·2 + 8).

    What a heart's size changes is a share: a wall twice as thick does not add the same mV to a high and to a low beat.
    """
    beat = mean_beat(x, amplitude)
    leads = beat.unflatten(1, (len(INDEPENDENT), len(LAGS)))
    height = (leads.amax(2) - leads.amin(2)).clamp(min=LEAST_MV)
    return torch.cat([beat, beat / height.mean(1, keepdim=True), height.log()], 1)


@dataclass(frozen=True)
class CoarseReader:
    """What is read of one modality for a link.

    needs : the model inputs that it is read from, of films their tokens;  width : f of what is read
    """

    needs: tuple[str, ...]
    read: Callable[..., torch.Tensor]
    width: int

    def of(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return coarse features (b, f) of model inputs; TypeError where these lack something."""
        if not inputs.keys() >= set(self.needs):
            raise TypeError(f"An adapted tower needs what the features were made of: {', '.join(self.needs)}.")
        return self.read(*(inputs[name] for name in self.needs))


@dataclass(frozen=True, eq=False)
class AdapterLink:
    """Two modalities that share something beyond findings.

    part    : name of the adapter in either tower, and what begins the names of its weights
    readers : modality → what is read of it, in the order of engine.modalities
    """

    part: str
    readers: Mapping[str, CoarseReader]

    @property
    def kinds(self) -> tuple[str, str]:
        """The two modalities."""
        first, second = self.readers
        return first, second


_BEATS = CoarseReader(("x", "length"), slope_spectrum, 2 * FREQUENCIES)
SHAPE = AdapterLink(
    "adapter",
    {
        "cxr": CoarseReader(("tokens",), fields_of, FIELDS * FIELDS * 384),
        "ecg": CoarseReader(("x", "amplitude"), beat_and_shape, len(INDEPENDENT) * (2 * len(LAGS) + 1)),
    },
)
BEATS = AdapterLink("beats", {"ecg": _BEATS, "ppg": _BEATS})
LINKS = (SHAPE, BEATS)  # in the order in which a tower adds them
# modality → what is read of it for all its links, one after the other
READERS = {
    kind: tuple((link, link.readers[kind]) for link in LINKS if kind in link.readers) for kind in ("cxr", "ecg", "ppg")
}
COARSE = {kind: sum(reader.width for _, reader in readers) for kind, readers in READERS.items()}


def coarse_features(kind: str, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return everything that adapters read of one modality's model inputs: (b, COARSE[kind])."""
    return torch.cat([reader.of(inputs) for _, reader in READERS[kind]], 1)


def columns_of(link: AdapterLink, kind: str) -> slice:
    """Return where a link's features stand in `coarse_features` of one of its modalities."""
    start = 0
    for other, reader in READERS[kind]:
        if other is link:
            return slice(start, start + reader.width)
        start += reader.width
    raise KeyError(f"no {kind} in the link {link.part}")


class TowerAdapter(nn.Module):
    """Coarse features (b, f) → what is added to an embedding of length 1 (b, 256); of length `gain`.

    mean, deviation : (f,) of the studies it was learnt from;  down : (k, f), to k numbers that both modalities share
    up              : (256, k), orthonormal columns
    """

    def __init__(self, features: int, rank: int) -> None:
        super().__init__()
        self.mean, self.deviation = nn.Parameter(torch.zeros(features)), nn.Parameter(torch.ones(features))
        self.down, self.up = nn.Parameter(torch.zeros(rank, features)), nn.Parameter(torch.zeros(256, rank))
        self.gain = nn.Parameter(torch.zeros(()))

    @classmethod
    def shaped_as(cls, weights: Mapping[str, torch.Tensor] | None, link: AdapterLink) -> TowerAdapter | None:
        """Return an adapter of the size that a link has in those weights of a tower; None where they hold none."""
        down = None if weights is None else weights.get(f"{link.part}.down")
        return None if down is None else cls(down.shape[1], down.shape[0])

    def shared(self, coarse: torch.Tensor) -> torch.Tensor:
        """Coarse features (b, f) → what they share with the other modality, (b, k) of length 1.

        Adapters of earlier versions were learnt from the first of these features.
        """
        even = ((coarse[:, : len(self.mean)] - self.mean) / self.deviation).clamp(-MOST, MOST)
        return F.normalize(even @ self.down.T, dim=1)

    def forward(self, coarse: torch.Tensor) -> torch.Tensor:
        """Return what is added to embeddings."""
        return self.gain * self.shared(coarse) @ self.up.T
