"""The backend of every workspace that sets no other: the codes in this process, searched by our own kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.backends.protocol import CodeQuery, SearchResult
from engine.backends.snapshots import SnapshotStore
from engine.index.snapshot import Snapshot
from engine.store.filters import Clause
from engine.study import Modality


class LocalBackend:
    """The codes in this process's memory."""

    def __init__(self, snapshots: SnapshotStore) -> None:
        self.snapshots = snapshots

    def nearest(
        self, release: str, queries: Mapping[Modality, CodeQuery], clauses: Sequence[Clause], own: Clause | None = None
    ) -> SearchResult:
        """Return the answer of every snapshot under its permit."""
        arrays = self.snapshots
        views, permits = arrays.latest_with_masks(release, tuple(queries), clauses, own)
        hits = {}
        for (name, view), ask in zip(views.items(), queries.values(), strict=True):
            searched = self._searched(view)
            hits[name] = searched.nearest(ask.query, ask.k, ask.bits, permits[name], arrays.study_ids_of, ask.radius)
        return SearchResult(hits)

    def load(self, release: str, modalities: Sequence[Modality]) -> int:
        """Load the snapshots; return how many codes the largest holds."""
        return max((view.n for view in self.snapshots.latest(release, modalities).values()), default=0)

    def close(self) -> None:
        """Nothing is held but the arrays, which end with the workspace."""
        return

    def _searched(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot as this backend searches it."""
        return snapshot
