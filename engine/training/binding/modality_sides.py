"""What binding draws from: one modality's studies, as features of its encoder in several views, or live through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from engine.model.heads import Tower
from engine.training.data.captions import Captions, many_hot
from engine.training.data.prepared import Prepared
from engine.training.encoders import loop
from engine.training.encoders.tune import view


@dataclass
class Inputs:
    """Model inputs of one modality on the device, and the features of a frozen encoder over them.

    views : (v, n, features), the first without augmentation; None where the encoder learns on
    """

    modality: str
    inputs: dict[str, torch.Tensor]
    views: torch.Tensor | None

    def batch(self, tower: Tower, index: np.ndarray, rngs: loop.Rngs) -> torch.Tensor:
        """Return embeddings of one random view of each entry: (len(index), 256)."""
        if self.views is not None:
            pick = torch.from_numpy(rngs.choice.integers(0, len(self.views), len(index)))
            return tower.project(self.views[pick, torch.from_numpy(index)])
        return tower(**view(self.modality, loop.take(self.inputs, index), rngs.noise))

    @torch.no_grad()
    def embed(self, tower: Tower, index: np.ndarray) -> np.ndarray:
        """Return embeddings of entries without augmentation: (len(index), 256) float32."""
        if self.views is not None:
            return tower.project(self.views[0, torch.from_numpy(index)]).cpu().numpy()
        return embed(tower, self.inputs, index)


@dataclass
class BindingSide(Inputs):
    """Inputs whose rows are known studies.

    held  : (n, findings) bool      train : numbers of the train rows that have a caption
    """

    data: Prepared
    has_finding: np.ndarray
    train: np.ndarray
    patients: np.ndarray


def inputs_of(
    modality: str, encoder: nn.Module, arrays: dict[str, np.ndarray], *, live: bool, views: int, seed: int
) -> Inputs:
    """Put arrays on the device; a frozen encoder's features over them are computed now, once."""
    inputs = {name: torch.from_numpy(array).to(loop.device()) for name, array in arrays.items()}
    seen = None if live else fixed_views(modality, encoder, inputs, views, loop.generator(seed))
    return Inputs(modality, inputs, seen)


def side_of(inputs: Inputs, data: Prepared, captions: Captions) -> BindingSide:
    """Add what is known of the studies."""
    held = many_hot(row.finding_set for row in data.rows)
    known = [i for i in data.where("train") if held[i].any() or data.rows[i].study_id in captions.of_study]
    patients = np.array([row.patient_id for row in data.rows])
    return BindingSide(inputs.modality, inputs.inputs, inputs.views, data, held, np.array(known), patients)


@torch.no_grad()
def fixed_views(
    modality: str, encoder: nn.Module, inputs: dict[str, torch.Tensor], views: int, noise: torch.Generator
) -> torch.Tensor:
    """Return features of every entry in `views` views, the first plain: (views, n, features)."""
    encoder.to(loop.device()).eval()
    n = len(next(iter(inputs.values())))
    out = []
    for number in range(views):
        parts = []
        for start in range(0, n, 64):
            batch = loop.take(inputs, np.arange(start, min(start + 64, n)))
            with loop.autocast():
                parts.append(encoder(**(view(modality, batch, noise) if number else batch)).float())
        out.append(torch.cat(parts))
    return torch.stack(out)


@torch.no_grad()
def embed(tower: nn.Module, inputs: dict[str, torch.Tensor], index: np.ndarray, batch: int = 128) -> np.ndarray:
    """Return embeddings of entries without augmentation: (len(index), 256) float32."""
    tower.eval()
    parts = [tower(**loop.take(inputs, index[i : i + batch])) for i in range(0, len(index), batch)]
    return torch.cat(parts).cpu().numpy()
