"""A release's encoders for ONNX Runtime: exact in float32, or with 8-bit weights.

The graph reads the model inputs of one study and gives its embedding, and of a film also what the quality gate asks;
the trunk of films is part of it. The preparation stays outside, as it is the same code on both sides. Weights are
quantised per channel and activations as they come (dynamic); static ranges and whole tensors changed more bits of the
codes.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from engine.errors import UsageError
from engine.model.release import Release
from engine.model.session import EMBEDDING, FEATURES
from engine.model.trunk import load_trunk, lower, summarise
from engine.study import ECG_LEADS, PPG_LEAD, Film, Study, Trace

Precision = Literal["int8", "float32"]
PRECISIONS: tuple[Precision, ...] = ("int8", "float32")
OPSET = 18
WAY = 2  # of quantising, raised where it changes, since exported encoders are kept
NEEDED = "onnx, onnxscript and onnxruntime"


def export(release: Release, modality: str, file: Path, precision: Precision = "int8") -> None:
    """Write the encoder of one modality; UsageError where the packages are not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"Bundles are made with {NEEDED}, and {error.name} is not installed: run `pip install 'casebind[edge]'`."
        ) from error
    with tempfile.TemporaryDirectory(prefix="casebind-edge-") as folder, _quiet():
        whole = Path(folder) / "whole.onnx"
        _export(release, modality, whole)
        if precision == "int8":
            _quantise(whole, file)
        else:
            file.write_bytes(whole.read_bytes())


class FilmWithTrunk(nn.Module):
    """A film's tower on the trunk that it is based on: x (b, 1, 224, 224) → embedding (b, 256), features (b, 768)."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower, self.trunk = tower, load_trunk()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both outputs."""
        tokens = lower(self.trunk, x)
        return self.tower(tokens=tokens), summarise(tokens)


def _export(release: Release, modality: str, file: Path) -> None:
    inputs = {name: torch.from_numpy(np.asarray(x)[None]) for name, x in release.inputs(_example(modality)).items()}
    module = release.module(modality)
    torch.onnx.export(
        FilmWithTrunk(module).eval() if modality == "cxr" else module,
        (),
        str(file),
        kwargs=inputs,
        input_names=list(inputs),
        output_names=[EMBEDDING, FEATURES] if modality == "cxr" else [EMBEDDING],
        dynamo=True,
        opset_version=OPSET,
        external_data=False,
        verbose=False,
    )


def _example(modality: str) -> Study:
    """Return a study with the shapes of every other; the graph does not depend on its samples."""
    if modality == "cxr":
        return Study("cxr", Film(np.tile(np.arange(64, dtype=np.uint8), (64, 1)), 8), "example")
    leads, fs, units = (ECG_LEADS, 100.0, "mV") if modality == "ecg" else ((PPG_LEAD,), 125.0, "au")
    at = np.arange(round(10 * fs)) / fs
    samples = np.stack([np.sin(2 * np.pi * (1 + row / 10) * at) for row in range(len(leads))]).astype(np.float32)
    return Study(modality, Trace(samples, leads, fs, units), "example")  # type: ignore[arg-type]


def _quantise(whole: Path, file: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = whole.with_name("prepared.onnx")
    quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
    graph = onnx.load(prepared).graph
    quantize_dynamic(
        str(prepared),
        str(file),
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Gemm"],
        nodes_to_exclude=[*_vector_products(graph), *_head(graph)],
    )


def _vector_products(graph: Any) -> list[str]:
    """Return the products with a vector, whose quantised form ONNX Runtime does not load."""
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in [*graph.value_info, *graph.input]}
    ranks |= {weight.name: len(weight.dims) for weight in graph.initializer}
    return [
        node.name
        for node in graph.node
        if node.op_type == "MatMul" and any(ranks.get(name, 2) < 2 for name in node.input)
    ]


def _head(graph: Any) -> list[str]:
    """Return the last product with weights, the head, by the names that it may have when it is quantised.

    It stays exact: of films, where it reads 1,920 numbers, it alone changed a fifth of the bits that changed.
    """
    weights = {weight.name for weight in graph.initializer}
    products = [node for node in graph.node if node.op_type in ("MatMul", "Gemm") and weights.intersection(node.input)]
    return [products[-1].name, f"{products[-1].name}_MatMul"] if products else []


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporters say about themselves off the shell."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "root")]
    before = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, before, strict=True):
            one.setLevel(level)
