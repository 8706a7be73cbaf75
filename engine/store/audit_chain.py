"""How rows of the audit hang together: canonical JSON, a chain of SHA-256, and the tree of RFC 6962 over the chain.

The hash of a row is SHA-256(0x00 ‖ hash of the row before it ‖ body). That is also the hash of a leaf of RFC 6962
(section 2.1) whose data are the two together, so one pass makes both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

LEAF, NODE = b"\x00", b"\x01"
EMPTY_ROOT = sha256(b"").digest()


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return JSON with sorted keys and no blanks, in UTF-8: equal bodies have equal bytes."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def first_hash(workspace: str) -> bytes:
    """Return what stands in the place of the hash before row 1, so that a chain belongs to its workspace."""
    return sha256(workspace.encode()).digest()


def row_hash(before: bytes, body: bytes) -> bytes:
    """Return the hash of a row: 32 bytes."""
    return sha256(LEAF + before + body).digest()


class Tree:
    """The root of RFC 6962 over hashes of rows, taken in one after the other in O(log n) memory."""

    def __init__(self) -> None:
        self.size = 0
        self._full: list[tuple[int, bytes]] = []  # whole subtrees, the largest first: (leaves, root)

    def add(self, leaf: bytes) -> None:
        """Take in the hash of the next row."""
        self.size += 1
        leaves, root = 1, leaf
        while self._full and self._full[-1][0] == leaves:
            root = sha256(NODE + self._full.pop()[1] + root).digest()
            leaves *= 2
        self._full.append((leaves, root))

    def root(self) -> bytes:
        """Return the root over all rows so far."""
        if not self._full:
            return EMPTY_ROOT
        root = self._full[-1][1]
        for _, left in reversed(self._full[:-1]):
            root = sha256(NODE + left + root).digest()
        return root
