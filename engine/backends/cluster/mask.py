"""What may be returned, as it travels to a site: a list of study ordinals or a bitmap of them, whichever is shorter."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.backends.snapshots import SnapshotStore
from engine.store import permission
from engine.store.filters import Clause

MAX_CACHED_MASKS = 32  # of the last filters asked for


@dataclass(frozen=True, eq=False)
class Ordinals:
    """Different study ordinals: themselves, int64, or bits from `first` on, lowest bit of each byte first, uint8."""

    first: int
    packed: np.ndarray

    @property
    def listed(self) -> bool:
        """Say whether `packed` holds the ordinals themselves."""
        return self.packed.dtype == np.int64

    def array(self) -> np.ndarray:
        """Return the ordinals, (m,) int64; ascending where they came as bits."""
        if self.listed:
            return self.packed
        return np.flatnonzero(np.unpackbits(self.packed, bitorder="little")).astype(np.int64) + self.first


def pack_ordinals(ordinals: np.ndarray) -> Ordinals:
    """Return different ordinals, (m,) int64, in the form that takes fewer bytes."""
    if ordinals.size == 0:
        return Ordinals(0, ordinals.astype(np.int64))
    first, last = int(ordinals.min()), int(ordinals.max())
    if (last - first) // 8 >= ordinals.size * 8:
        return Ordinals(first, ordinals.astype(np.int64))
    bits = np.zeros(last - first + 1, bool)
    bits[ordinals - first] = True
    return Ordinals(first, np.packbits(bits, bitorder="little"))


@dataclass(frozen=True, eq=False)
class ShardMask:
    """The studies that one modality may return: only the named ones, or all but them, and none newer than `last`.

    A study that came after the mask was made has a larger ordinal. Nobody has asked yet whether it may be returned,
    so it is not, whatever a shard already holds.
    """

    name: str  # equal names, equal masks
    is_allowlist: bool
    ordinals: Ordinals
    max_ordinal: int

    @property
    def nbytes(self) -> int:
        """Return the bytes that travel."""
        return int(self.ordinals.packed.nbytes)


class ShardMasks:
    """The masks of the last filters asked for, made anew as soon as consent or facts of studies have changed."""

    def __init__(self, snapshots: SnapshotStore) -> None:
        self.snapshots = snapshots
        self._kept: dict[Any, tuple[Any, ShardMask]] = {}
        self._made = 0

    def mask(self, modality: str, clauses: Sequence[Clause]) -> ShardMask:
        """Return the mask of consent and the clauses."""
        stamp, name = self.snapshots.version(), (modality if clauses else "", repr(clauses))
        known = self._kept.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        mask = self._make(modality, clauses)
        while len(self._kept) >= MAX_CACHED_MASKS:
            with suppress(KeyError, StopIteration, RuntimeError):  # another thread may be first
                del self._kept[next(iter(self._kept))]
        self._kept[name] = (stamp, mask)
        return mask

    def _make(self, modality: str, clauses: Sequence[Clause]) -> ShardMask:
        database = self.snapshots.database
        last = permission.newest(database)  # first, so that the list knows every study up to it
        ordinals = permission.permitted(database, clauses, modality) if clauses else permission.hidden(database)
        self._made += 1
        return ShardMask(f"{id(self):x}.{self._made}.{modality}", bool(clauses), pack_ordinals(ordinals), last)
