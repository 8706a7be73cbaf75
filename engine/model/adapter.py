"""What a site's own pairs add to a tower: coarse features that embeddings forget, mapped by a matrix of low rank.

An embedding was learnt to tell findings, not how large a heart is or where its axis points; these are what film and ECG
of one patient share beyond findings. So an adapted tower reads them beside its encoder:

film : the patch tokens after the frozen blocks, averaged in 4 × 4 fields: what lies where
ECG  : the mean beat of eight independent leads in mV, beats found by their slopes: axis, voltages, T, P

Both are differentiable in the model's inputs, so that explanations reach them. engine.learning.adapter_fit learns the
maps; a release without them has none.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

from engine.study import ECG_LEADS

FIELDS = 4  # along each side of a film
GRID = 16  # patches along each side
INDEPENDENT = tuple(ECG_LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"))
# Samples before and after the steepest part of a beat that make the mean beat, at 100 Hz: P from −240 ms, T to 380 ms
LAGS = (-24, -20, -17, -14, -11, -8, -6, -4, -2, 0, 2, 4, 6, 8, 11, 14, 18, 22, 26, 30, 34, 38)
SMOOTH = 15  # samples of the window that parts slow waves from the QRS
SHARP = 2.0  # power of the slopes' energy: how much the steepest instants outweigh the others
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


COARSE = {"cxr": FIELDS * FIELDS * 384, "ecg": len(INDEPENDENT) * len(LAGS)}  # modality → width of its coarse features


class TowerAdapter(nn.Module):
    """Coarse features (b, f) → what is added to an embedding of length 1 (b, 256); of length `gain`.

    mean, deviation : (f,) of the studies it was learnt from;  down : (k, f), to k numbers that film and ECG share
    up              : (256, k), orthonormal columns
    """

    def __init__(self, features: int, rank: int) -> None:
        super().__init__()
        self.mean, self.deviation = nn.Parameter(torch.zeros(features)), nn.Parameter(torch.ones(features))
        self.down, self.up = nn.Parameter(torch.zeros(rank, features)), nn.Parameter(torch.zeros(256, rank))
        self.gain = nn.Parameter(torch.zeros(()))

    @classmethod
    def shaped_as(cls, weights: Mapping[str, torch.Tensor], prefix: str = "adapter.") -> TowerAdapter | None:
        """Return an adapter of the size of those weights; None where they hold none."""
        down = weights.get(f"{prefix}down")
        return None if down is None else cls(down.shape[1], down.shape[0])

    def shared(self, coarse: torch.Tensor) -> torch.Tensor:
        """Coarse features (b, f) → what they share with the other modality, (b, k) of length 1."""
        even = ((coarse - self.mean) / self.deviation).clamp(-MOST, MOST)
        return F.normalize(even @ self.down.T, dim=1)

    def forward(self, coarse: torch.Tensor) -> torch.Tensor:
        """Return what is added to embeddings."""
        return self.gain * self.shared(coarse) @ self.up.T
