"""What a film or a trace is compared with: the average chest film, or the trace without its beats.

Chosen on recordings of `valid` by how soon maps converge (docs/explanations.md). A flat line is no baseline for a
trace: the rhythm of slopes is read at any size, so similarity jumps where the line ceases to be flat, and maps miss it.

    python -m engine.explain.baselines --recordings DIR     writes the average film anew, from the films of `train`
"""

from __future__ import annotations

import argparse
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from engine.explain.geometry import film_box
from engine.modalities import spec_of
from engine.settings import MODELS
from engine.study import Film, Study

AVERAGE_FILM = MODELS / "average-film.png"  # (224, 224), the greys 0 … 1 of a model input as 0 … 255
SMOOTH_S = 0.2  # seconds: beats are gone, the wander of the line stays
FILM_WORDS = "the average chest film"
TRACE_WORDS = f"the trace smoothed over {SMOOTH_S:g} s, without its beats"
TEXT_WORDS = "no words"


def baseline(x: torch.Tensor, study: Study) -> torch.Tensor:
    """Return what x (1, 224, 224) or (leads, m) is compared with; the margins round a film stay as they are."""
    if isinstance(study.content, Film):
        out, box = x.clone(), film_box(study.content.pixels.shape[:2])
        out[0][box] = torch.from_numpy(average_film()[box])
        return out
    sigma = SMOOTH_S * spec_of(study.modality).model_fs
    return torch.from_numpy(gaussian_filter1d(x.numpy(), sigma, axis=1, mode="reflect"))


@lru_cache(maxsize=1)
def average_film() -> np.ndarray:
    """Return the mean of many chest films as model inputs: (224, 224) float32 in 0 … 1."""
    from PIL import Image

    with Image.open(AVERAGE_FILM) as picture:
        return np.asarray(picture, np.float32) / 255


def write_average_film(recordings: Path, out: Path = AVERAGE_FILM) -> int:
    """Write the mean of one film of every patient of `train`; return the number of patients."""
    from PIL import Image

    from engine.datasets.adapters import collect
    from engine.model.cxr import prepare

    films = {one.patient_id: one for one in collect([recordings], split="train") if one.modality == "cxr"}
    mean = np.mean([prepare(one.study().film) for one in films.values()], axis=0)
    Image.fromarray(np.round(255 * mean).astype(np.uint8)).save(out, optimize=True)
    return len(films)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--recordings", type=Path, required=True)
    print(f"{write_average_film(options.parse_args().recordings)} patients")
