"""An exported encoder in ONNX Runtime, on one thread."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


class EncoderSession:
    """One encoder, opened."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._inputs = [one.name for one in session.get_inputs()]

    def embedding(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the embedding, (256,) float32 of length 1, of one study's model inputs without batch axis."""
        fed = {name: np.asarray(inputs[name], np.float32)[None] for name in self._inputs}
        found: np.ndarray = self._session.run(None, fed)[0][0]
        return found


def session_of(file: Path) -> EncoderSession:
    """Open an encoder."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return EncoderSession(onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"]))
