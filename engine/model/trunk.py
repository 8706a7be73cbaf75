"""The frozen half of the film encoder: DINOv2 ViT-S/14 up to block 8, shared by every release and by the quality gate.

A film's lower tokens are the costly part of a query and are wanted twice (quality, embedding), so they are kept for as
long as the film itself.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.errors import ReleaseError
from engine.model.cxr import prepare
from engine.model.film_tokens import TOKENS, TRUNK_NAME
from engine.model.transformer import VisionTransformer
from engine.settings import TRUNKS
from engine.study import Film

if TYPE_CHECKING:
    from collections.abc import Sequence

FROZEN_BLOCKS = 8
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_lock = threading.Lock()


def trunk_path() -> Path:
    """Return the trunk's file."""
    return TRUNKS / f"{TRUNK_NAME}.safetensors"


@lru_cache(maxsize=2)
def load_trunk(device: str = "cpu") -> VisionTransformer:
    """Return the trunk in float32, frozen. Raises ReleaseError where its file is missing or damaged."""
    from safetensors.torch import load_file

    trunk, path = VisionTransformer(), trunk_path()
    try:
        trunk.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    except Exception as error:
        raise ReleaseError(
            f"The film trunk {path.name} cannot be loaded ({error}): restore data/models/trunks."
        ) from error
    return trunk.eval().requires_grad_(False).to(device)


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    """Grey (b, 1, h, w) in 0 … 1 → ImageNet-normalised (b, 3, h, w)."""
    mean = torch.tensor(IMAGENET_MEAN, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=pixels.device).view(1, 3, 1, 1)
    return (pixels - mean) / std


def lower(trunk: VisionTransformer, pixels: torch.Tensor) -> torch.Tensor:
    """Grey (b, 1, 224, 224) in 0 … 1 → tokens after the frozen blocks (b, 257, 384)."""
    return trunk.run(trunk.tokens(normalise(pixels)), 0, FROZEN_BLOCKS)


def summarise(tokens: torch.Tensor) -> torch.Tensor:
    """Tokens (b, 1 + patches, width) → class token ‖ mean patch token (b, 2·width)."""
    return torch.cat([tokens[:, 0], tokens[:, 1:].mean(1)], 1)


@torch.inference_mode()
def film_features(pixels: np.ndarray) -> np.ndarray:
    """Return block-8 features of prepared films: (n, 224, 224) float32 in 0 … 1 → (n, 768) float32."""
    x = torch.from_numpy(np.ascontiguousarray(pixels, np.float32))[:, None]
    parts = [summarise(lower(load_trunk(), chunk)) for chunk in x.split(16)]
    return torch.cat(parts).numpy() if parts else np.zeros((0, 768), np.float32)


def lower_tokens(films: Sequence[Film]) -> torch.Tensor:
    """Return the frozen blocks' tokens of films, (n, 257, 384), computing only those not seen a moment ago."""
    with _lock:
        known = {id(film): TOKENS[film] for film in films if film in TOKENS}
    missing = [film for film in {id(f): f for f in films}.values() if id(film) not in known]
    for start in range(0, len(missing), 16):
        chunk = missing[start : start + 16]
        pixels = torch.from_numpy(np.stack([prepare(film) for film in chunk]))[:, None]
        with torch.no_grad():
            tokens = lower(load_trunk(), pixels)
        known |= {id(film): token for film, token in zip(chunk, tokens, strict=True)}
        with _lock:
            TOKENS.update(zip(chunk, tokens.clone(), strict=True))
    return torch.stack([known[id(film)] for film in films])


def features(film: Film) -> np.ndarray:
    """Return one film's block-8 features, (768,) float32: class token ‖ mean patch token."""
    return summarise(lower_tokens([film]))[0].numpy()
