"""The packaged sentence encoder, MiniLM-L6: BERT (Devlin et al., NAACL 2019) with six layers and a mean over tokens.

sentence-transformers makes the same vectors, and takes as long to import as all else of a process that reads a text:
only a directory that a site sets is read through it (engine.model.text).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

LAYERS, HEADS, EPS = 6, 12, 1e-12
MOST_TOKENS = 256
BATCH = 32


class MiniLM:
    """Reads texts by the weights and the vocabulary of a directory, on the CPU."""

    def __init__(self, directory: Path) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        self._weights = load_file(directory / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return sentence vectors, (n, 384) float32 of length 1; texts of like length are read together."""
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        made = torch.zeros(len(texts), self._weights["embeddings.LayerNorm.weight"].numel())
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                made[rows] = self._vectors([texts[i] for i in rows])
        return np.asarray(made.numpy())

    def _vectors(self, texts: list[str]) -> torch.Tensor:
        read = self._tokenizer.encode_batch(texts)
        ids = torch.tensor([one.ids for one in read])
        is_token = torch.tensor([one.attention_mask for one in read], dtype=torch.bool)
        tables = (self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type"))
        words, places, kinds = tables
        x = self._normed(words[ids] + places[: ids.shape[1]] + kinds[0], "embeddings")
        for number in range(LAYERS):
            x = self._layer(x, f"encoder.layer.{number}", is_token[:, None, None])
        mean = (x * is_token[..., None]).sum(1) / is_token.sum(1, keepdim=True)
        return F.normalize(mean, dim=1)

    def _layer(self, x: torch.Tensor, name: str, is_token: torch.Tensor) -> torch.Tensor:
        """Return the tokens (b, t, 384) after one layer; is_token (b, 1, 1, t): those that may be attended to."""
        asked, keys, values = (
            self._linear(x, f"{name}.attention.self.{part}").unflatten(2, (HEADS, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        found = F.scaled_dot_product_attention(asked, keys, values, is_token).transpose(1, 2).flatten(2)
        x = self._normed(x + self._linear(found, f"{name}.attention.output.dense"), f"{name}.attention.output")
        wide = F.gelu(self._linear(x, f"{name}.intermediate.dense"))
        return self._normed(x + self._linear(wide, f"{name}.output.dense"), f"{name}.output")

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normed(self, x: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = self._weights[f"{name}.LayerNorm.weight"], self._weights[f"{name}.LayerNorm.bias"]
        return F.layer_norm(x, weight.shape, weight, bias, EPS)
