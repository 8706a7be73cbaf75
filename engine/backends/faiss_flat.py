"""The codes in this process's memory, searched by faiss's binary flat index."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from engine.backends.local import LocalBackend
from engine.backends.snapshots import SnapshotStore
from engine.index.snapshot import Base, FlatBase, Snapshot
from engine.study import Modality


class FaissBackend(LocalBackend):
    """The local backend with faiss in place of our own scan, which is left the few codes since a base was loaded."""

    def __init__(self, snapshots: SnapshotStore) -> None:
        super().__init__(snapshots)
        self._bases: WeakKeyDictionary[Base, FlatBase] = WeakKeyDictionary()  # gone with the snapshots of a base
        self._adding = threading.Lock()

    def load(self, release: str, modalities: Sequence[Modality]) -> int:
        """Load the snapshots; our own scan has none of them to read, however many there are."""
        super().load(release, modalities)
        return 0

    def close(self) -> None:
        """Let go of faiss's copies of the codes."""
        with self._adding:
            self._bases.clear()

    def _searched(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with its base searched by faiss."""
        with self._adding:
            base = self._bases.setdefault(snapshot.base, FlatBase(snapshot.base.columns))
        return replace(snapshot, base=base)
