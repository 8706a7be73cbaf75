"""Which trunk films are read by, and the tokens that it has made of films, kept for as long as a film is."""

from __future__ import annotations

import weakref
from typing import Any

from engine.study import Film

TRUNK_NAME = "dinov2-vits14"
TOKENS: weakref.WeakKeyDictionary[Film, Any] = weakref.WeakKeyDictionary()  # (257, 384) torch.Tensor, after block 8
