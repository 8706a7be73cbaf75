"""Encoders of the shipped releases for ONNX Runtime, made once by `casebind releases onnx`, so that a search needs no
PyTorch.

They lie in the user's own folder and not in the workspace: they hold nothing of a patient, every workspace uses them,
and an installed package may not be writable. A file is named after everything that decides its embeddings; the line
beside it says its SHA-256 and how its codes were compared. Where a file is missing or changed, PyTorch encodes.

    ~/.local/state/casebind/encoders/cxr-<digest>.onnx, .json       CASEBIND_ENCODERS names another folder
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from engine.files import sha256_of
from engine.modalities import resolve, spec_of
from engine.model import film_features
from engine.model.film_tokens import TOKENS
from engine.model.session import EMBEDDING, EncoderSession, session_of
from engine.settings import encoders_path
from engine.study import Film, Study

EXPORTED = ("ppg", "ecg", "cxr")
MOST_THREADS = 4


def encoder_path(modality: str, digest: str) -> Path:
    """Return where an encoder lies once it is exported; digest: of `Release.encoders`."""
    return encoders_path() / f"{modality}-{digest[:16]}.onnx"


def session_for(modality: str, digest: str) -> EncoderSession | None:
    """Return an exported encoder, or None where PyTorch is to encode.

    From then on an exported film encoder also computes what the quality gate asks of films.
    """
    session = _opened(encoder_path(modality, digest)) if modality in EXPORTED else None
    if session is not None and modality == "cxr":
        film_features.read_by(session)
    return session


def embedding_of(study: Study, digest: str) -> np.ndarray | None:
    """Return a study's embedding, (256,), by its exported encoder, or None where PyTorch is to encode.

    PyTorch encodes a part of a film, and a film whose tokens it has computed.
    """
    if study.facts.get("region") or (isinstance(study.content, Film) and study.content in TOKENS):
        return None
    session = session_for(study.modality, digest)
    if session is None:
        return None
    if isinstance(study.content, Film):
        return film_features.outputs_of(session, study.content)[EMBEDDING]
    return session.embedding(resolve(spec_of(study.modality).inputs)(study.searched))


def what_was_checked(file: Path) -> dict[str, Any] | None:
    """Return what stands beside an exported encoder: sha256, checked, bits_changed; None where it is not whole."""
    try:
        said: dict[str, Any] = json.loads(file.with_suffix(".json").read_text("utf-8"))
        return said if said["sha256"] == sha256_of(file) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@lru_cache(maxsize=16)
def _opened(file: Path) -> EncoderSession | None:
    if not file.is_file() or find_spec("onnxruntime") is None or what_was_checked(file) is None:
        return None
    return session_of(file, threads=threads())


def threads() -> int:
    """Return on how many threads an encoder runs: OMP_NUM_THREADS, as PyTorch's, or as many as there are processors."""
    named = os.environ.get("OMP_NUM_THREADS", "")
    return int(named) if named.isdigit() and int(named) else min(MOST_THREADS, os.cpu_count() or 1)
