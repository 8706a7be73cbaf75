"""Studies → encoder features: the release's own, and for films those of the untouched foundation model as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.model.release import Release
    from engine.study import Trace

BATCH = 16
QUIET = 100  # studies under which no progress is shown


def _chunks(n: int, name: str) -> Iterator[slice]:
    """Yield batches with a progress bar on standard error, which stays silent for small numbers."""
    from tqdm import tqdm

    for start in tqdm(range(0, n, BATCH), name, unit="batch", mininterval=10, disable=n < QUIET):
        yield slice(start, min(start + BATCH, n))


def prepared_films(pixels: Sequence[np.ndarray]) -> np.ndarray:
    """Films of any size, uint8 → what the encoder reads, (n, 224, 224) uint8."""
    from engine.model.cxr import prepare
    from engine.study import Film

    made = [np.round(prepare(Film(p, bits=8)) * 255).astype(np.uint8) for p in pixels]
    return np.stack(made) if made else np.zeros((0, 224, 224), np.uint8)


def film_spaces(release: Release, films: np.ndarray, name: str = "films") -> dict[str, np.ndarray]:
    """Prepared films (n, 224, 224) uint8 → "release" and "foundation" features, each (n, 1920) float32.

    release    : class tokens of the four tuned blocks and the mean patch token, tuned on findings
    foundation : the same of DINOv2 ViT-S/14 as published (Oquab et al. 2023, arXiv 2304.07193), never tuned here
    """
    import torch

    from engine.model.models import FilmEncoder
    from engine.model.trunk import load_trunk, lower

    ours: Any = release.module("cxr")
    ways = {"release": ours.encoder, "foundation": FilmEncoder().start_from_trunk().eval()}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ways}
    with torch.inference_mode():
        for chunk in _chunks(len(films), name):
            x = torch.from_numpy(films[chunk])[:, None].float() / 255
            tokens = lower(load_trunk(), x)
            for name, way in ways.items():
                parts[name].append(way(tokens=tokens).numpy())
    return {name: np.concatenate(found).astype(np.float32) for name, found in parts.items()}


def trace_features(release: Release, modality: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Prepared ECGs or PPGs, every input with its batch axis → the release's encoder features (n, f) float32."""
    import torch

    way: Any = release.module(modality)
    n, parts = len(inputs["x"]), []
    with torch.inference_mode():
        for chunk in _chunks(n, modality):
            parts.append(way.encoder(**{name: torch.from_numpy(a[chunk]) for name, a in inputs.items()}).numpy())
    return np.concatenate(parts).astype(np.float32)


def trace_inputs(modality: str, traces: Sequence[Trace]) -> dict[str, np.ndarray]:
    """Traces → the encoder's inputs, stacked."""
    from engine.model import ecg, ppg

    prepare = ecg.prepare if modality == "ecg" else ppg.prepare
    made = [prepare(trace) for trace in traces]
    return {name: np.stack([inputs[name] for inputs in made]) for name in made[0]}


def project(release: Release, modality: str, features: np.ndarray) -> np.ndarray:
    """Encoder features (n, f) → the release's embeddings (n, 256)."""
    import torch

    way: Any = release.module(modality)
    with torch.inference_mode():
        return way.project(torch.from_numpy(features)).numpy()
