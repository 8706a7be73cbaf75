"""From the setting of a workspace to the backend that searches its codes."""

from __future__ import annotations

from engine.backends.local import LocalBackend
from engine.backends.protocol import Backend
from engine.backends.setting import IndexSetting
from engine.backends.snapshots import SnapshotStore


def open_backend(setting: IndexSetting, snapshots: SnapshotStore) -> Backend:
    """Return the backend that the setting names; nothing is connected before the first question."""
    if setting.backend == "local":
        return LocalBackend(snapshots)
    if setting.backend == "faiss":
        from engine.backends.faiss_flat import FaissBackend

        return FaissBackend(snapshots)
    from engine.backends.cluster.coordinator import Coordinator

    return Coordinator(setting, snapshots)
