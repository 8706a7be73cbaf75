"""Embeddings → codes with the arrays of a bundle, in numpy, and what their distances mean in the release's tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.model.packing import BITS, pack

if TYPE_CHECKING:
    from engine.model.release import Release


def layer_arrays(release: Release) -> dict[str, np.ndarray]:
    """Return the hash layer: weight (256, 256), and of each modality threshold_m (256,) and map_m (256, 256)."""
    layer = release.layer()
    thresholds = layer.threshold.numpy()
    found = {"weight": layer.weight.numpy()}
    for place, modality in enumerate(release.modalities):
        found[f"threshold_{modality}"] = thresholds[place]
        found[f"map_{modality}"] = release.heads[modality]
    return found


def code_of(embedding: np.ndarray, layer: Mapping[str, np.ndarray], modality: str) -> np.ndarray:
    """Return the packed code, (32,) uint8, of one embedding (256,) of length 1; as `Release.codes` does."""
    mapped = layer[f"map_{modality}"] @ embedding
    mapped = mapped / np.linalg.norm(mapped)
    found: np.ndarray = pack((layer["weight"] @ mapped - layer[f"threshold_{modality}"])[None] > 0)[0]
    return found


def meaning_of(release: Release) -> dict[str, Any]:
    """Return, per pair of modalities and at 256 bits, from where nothing is close and the share of pairs beyond."""
    return {
        f"{query}>{target}": {
            "close_limit": release.close_limit(query, target, BITS),
            "further": [round(release.further_share(query, target, BITS, at), 6) for at in range(BITS + 1)],
        }
        for query in release.modalities
        for target in release.modalities
    }
