"""The seam between a search and where the codes are: in this process, or at sites that each hold a share of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.backends.protocol import Ask, Backend, Found
from engine.backends.setting import IndexSetting
from engine.backends.snapshots import Arrays
from engine.store.filters import Clause
from engine.study import Modality


class Local:
    """The codes in this process's memory."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    def nearest(
        self, release: str, asks: Mapping[Modality, Ask], clauses: Sequence[Clause], own: Clause | None = None
    ) -> Found:
        """Return the answer of every snapshot under its permit."""
        arrays = self.arrays
        views, permits = arrays.moment(release, tuple(asks), clauses, own)
        return Found(
            {
                name: view.nearest(ask.query, ask.k, ask.bits, permits[name], arrays.names, ask.radius)
                for (name, view), ask in zip(views.items(), asks.values(), strict=True)
            }
        )

    def load(self, release: str, modalities: Sequence[Modality]) -> int:
        """Load the snapshots; return how many codes the largest holds."""
        return max((view.n for view in self.arrays.views(release, modalities).values()), default=0)

    def close(self) -> None:
        """Nothing is held but the arrays, which end with the workspace."""
        return


def open_backend(setting: IndexSetting, arrays: Arrays) -> Backend:
    """Return the backend that the setting names; nothing is connected before the first question."""
    if setting.backend == "local":
        return Local(arrays)
    from engine.backends.cluster.coordinator import Coordinator

    return Coordinator(setting, arrays)
