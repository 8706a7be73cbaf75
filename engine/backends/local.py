"""The seam between a search and where the codes are: in this process, or at sites that each hold a share of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.backends.protocol import Backend, CodeQuery, SearchResult
from engine.backends.setting import IndexSetting
from engine.backends.snapshots import SnapshotStore
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
        return SearchResult(
            {
                name: view.nearest(ask.query, ask.k, ask.bits, permits[name], arrays.study_ids_of, ask.radius)
                for (name, view), ask in zip(views.items(), queries.values(), strict=True)
            }
        )

    def load(self, release: str, modalities: Sequence[Modality]) -> int:
        """Load the snapshots; return how many codes the largest holds."""
        return max((view.n for view in self.snapshots.latest(release, modalities).values()), default=0)

    def close(self) -> None:
        """Nothing is held but the arrays, which end with the workspace."""
        return


def open_backend(setting: IndexSetting, snapshots: SnapshotStore) -> Backend:
    """Return the backend that the setting names; nothing is connected before the first question."""
    if setting.backend == "local":
        return LocalBackend(snapshots)
    from engine.backends.cluster.coordinator import Coordinator

    return Coordinator(setting, snapshots)
