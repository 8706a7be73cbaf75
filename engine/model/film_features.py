"""What the quality gate asks of a film: features of the frozen trunk, by whatever computes them in this process.

That is the trunk in PyTorch (engine.model.trunk), or an exported film encoder, which gives them beside the embedding.
A film's outputs are wanted twice, by the gate and as the embedding, so they are kept for as long as the film is.
"""

from __future__ import annotations

import threading
import weakref

import numpy as np

from engine.model.cxr import inputs, prepare
from engine.model.film_tokens import TOKENS
from engine.model.session import FEATURES, EncoderSession
from engine.study import Film

_outputs: weakref.WeakKeyDictionary[Film, tuple[EncoderSession, dict[str, np.ndarray]]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_session: list[EncoderSession] = []  # none, or the one in use


def read_by(session: EncoderSession | None) -> None:
    """Have films' features computed by an exported encoder from now on, in this process; None: by PyTorch."""
    _session[:] = [] if session is None else [session]


def outputs_of(session: EncoderSession, film: Film) -> dict[str, np.ndarray]:
    """Return what an exported film encoder makes of a film, computed once."""
    with _lock:
        known = _outputs.get(film)
    if known is not None and known[0] is session:
        return known[1]
    found = session.outputs(inputs(film))
    with _lock:
        _outputs[film] = (session, found)
    return found


def features(film: Film) -> np.ndarray:
    """Return one film's features, (768,) float32: class token ‖ mean patch token after the frozen blocks."""
    if not _session or film in TOKENS:
        from engine.model import trunk

        return trunk.features(film)
    return outputs_of(_session[0], film)[FEATURES]


def turned_features(films: list[Film]) -> np.ndarray:
    """Return the features of copies of a film, (n, 768) float32."""
    if not _session:
        from engine.model.trunk import film_features

        return film_features(np.stack([prepare(film) for film in films]))
    return np.stack([_session[0].outputs(inputs(film))[FEATURES] for film in films])
