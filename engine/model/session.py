"""An exported encoder in ONNX Runtime: model inputs → embedding, without PyTorch.

One thread unless more are asked for; a processor that adds in another order than the one it was exported on may change
bits near their thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

EMBEDDING, FEATURES = "embedding", "features"  # outputs; the second of films alone, for the quality gate


class EncoderSession:
    """One encoder, opened."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._inputs = [one.name for one in session.get_inputs()]
        self._outputs = [one.name for one in session.get_outputs()]

    def outputs(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return what the encoder makes of one study's model inputs without batch axis.

        embedding : (256,) float32 of length 1
        features  : (768,) float32 of a film, as engine.model.trunk.features
        """
        fed = {name: np.asarray(inputs[name], np.float32)[None] for name in self._inputs}
        return {name: found[0] for name, found in zip(self._outputs, self._session.run(None, fed), strict=True)}

    def embedding(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the embedding, (256,) float32 of length 1, of one study's model inputs without batch axis."""
        return self.outputs(inputs)[EMBEDDING]


def session_of(file: Path, *, threads: int = 1) -> EncoderSession:
    """Open an encoder."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the processor alone
    return EncoderSession(onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"]))
