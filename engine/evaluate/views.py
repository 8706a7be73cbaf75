"""What one pass over studies of one modality gives: features under the head, and baselines beside them.

The baselines read exactly what the release's encoder read in the same pass: an untrained twin of the same shape, and
for films the frozen foundation trunk. Text has no baseline here: its sentence vectors are the foundation's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.model.release import BATCH, Release
from engine.study import Film, Study

if TYPE_CHECKING:
    import torch
    from torch import nn

SEED = 0  # of the untrained twin


@dataclass
class ForwardRecord:
    """What went through an encoder: its keyword inputs, and the features that reached the head."""

    inputs: list[dict[str, Any]] = field(default_factory=list)
    features: list[torch.Tensor] = field(default_factory=list)


@contextmanager
def record_forward(tower: nn.Module) -> Iterator[ForwardRecord]:
    """Record what passes through a bound encoder while the release uses it."""
    seen = ForwardRecord()
    hooks = [
        tower.encoder.register_forward_pre_hook(  # type: ignore[union-attr]
            lambda _, args, kwargs: seen.inputs.append(kwargs), with_kwargs=True
        ),
        tower.head.register_forward_pre_hook(  # type: ignore[union-attr]
            lambda _, args: seen.features.append(args[0])
        ),
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def untrained(modality: str) -> nn.Module:
    """Return a bound encoder of the release's shape as it was before any training (film: above the frozen trunk)."""
    import torch

    from engine.model.heads import Tower

    torch.manual_seed(SEED)
    return Tower(modality).eval().requires_grad_(False)


def trunk_features(films: Sequence[Film]) -> dict[str, torch.Tensor]:
    """Return what the frozen trunk alone gives: `trunk` (n, 384), its last class token, and `trunk_four` (n, 1920).

    `trunk_four` is the linear evaluation of DINOv2 (Oquab et al. 2023, App. B.3): the class tokens of the last four
    blocks and the mean patch token of the last.
    """
    import torch

    from engine.model.trunk import FROZEN_BLOCKS, load_trunk, lower_tokens

    trunk, tokens, parts = load_trunk(), lower_tokens(films), []
    with torch.no_grad():
        for block in trunk.blocks[FROZEN_BLOCKS:]:
            tokens = block(tokens)
            parts.append(trunk.norm(tokens[:, 0]))
        patches = trunk.norm(tokens)[:, 1:].mean(1)
    return {"trunk": parts[-1], "trunk_four": torch.cat([*parts[-4:], patches], 1)}


def encoder_digest(release: Release, modality: str) -> str:
    """SHA-256 of the weights of one encoder, its head left out: releases that differ in heads alone share it."""
    state = release.module(modality).encoder.state_dict()  # type: ignore[union-attr]
    whole = hashlib.sha256()
    for name in sorted(state):
        whole.update(name.encode() + state[name].numpy().tobytes())
    return whole.hexdigest()


def projected(release: Release, modality: str, features: np.ndarray) -> np.ndarray:
    """Features under the head (n, f) → embeddings (n, 256)."""
    import torch

    with torch.no_grad():
        return release.module(modality).project(torch.from_numpy(features)).numpy()  # type: ignore[operator]


def views(release: Release, studies: Sequence[Study], twin: nn.Module) -> dict[str, np.ndarray]:
    """Return features (n, f) and twin (n, 256) of studies of one modality; films also have the trunk's."""
    import torch

    out: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(studies), BATCH):
        chunk = studies[start : start + BATCH]
        with record_forward(release.module(chunk[0].modality)) as seen:
            release.embed(chunk)
        with torch.no_grad():
            found = {"features": torch.cat(seen.features), "twin": torch.cat([twin(**i) for i in seen.inputs])}
        films = [study.content for study in chunk if isinstance(study.content, Film)]
        found |= trunk_features(films) if films else {}
        for name, tensor in found.items():
            out.setdefault(name, []).append(tensor.numpy().astype(np.float32))
    return {name: np.concatenate(parts) for name, parts in out.items()}
