"""One shard: the same snapshots, kernels and permits as the local search, of the codes that were sent here.

A shard runs in a process of its own at its site. It does one thing after the other, so a question sees every change
that was sent before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.backends.cluster.mask import ShardMask
from engine.backends.cluster.messages import CodeRows, Key, PackedIds, ShardChange, ShardQuery, ShardReply, joined
from engine.index.packed import pieces
from engine.index.snapshot import Base, Delta, Hits, Mask, Snapshot, full_snapshot

MAX_CACHED_MASKS = 32


@dataclass(frozen=True, eq=False)
class ShardCodes:
    """The codes of one release and modality: their snapshot, the ids of its base, and the version they are at."""

    snapshot: Snapshot
    ids: PackedIds
    version: int

    def study_ids_of(self, ordinals: np.ndarray) -> dict[int, str]:
        """Return ordinal → study id of studies that are here."""
        fresh = self.snapshot.delta
        came = dict(zip(np.asarray(fresh.columns.ordinals).tolist(), fresh.ids.tolist(), strict=True))
        old = np.array([one for one in ordinals.tolist() if one not in came], np.int64)
        return {**came, **dict(zip(old.tolist(), self.ids.take(self.snapshot.base.positions_of(old)), strict=True))}

    def after(self, change: ShardChange, key: Key) -> ShardCodes:
        """Return what is held after a change; one that is in it already changes nothing."""
        if change.version <= self.version:
            return self
        view = self.snapshot.without(change.removed) if change.removed.size else self.snapshot
        new = change.added.get(key)
        if new is not None and new.n:
            ids = np.array(new.ids.take(np.arange(new.n)), object)
            view = view.plus(Delta(ids, new.columns))
        return ShardCodes(view, self.ids, change.version)


class Shard:
    """The codes of one shard at one site, by release and modality."""

    def __init__(self) -> None:
        self._held: dict[Key, ShardCodes] = {}
        self._parts: dict[Key, list[CodeRows]] = {}
        self._masks: dict[tuple[str, Key], tuple[Snapshot, Mask]] = {}

    def version(self, key: Key) -> int | None:
        """Return the version of the codes, or None where they are not here; also shows that the shard is alive."""
        held = self._held.get(key)
        return None if held is None else held.version

    def begin(self, key: Key) -> None:
        """Forget what an earlier, broken off loading has left."""
        self._parts[key] = []

    def part(self, key: Key, rows: CodeRows) -> None:
        """Take in some of the codes, behind those that came before."""
        self._parts[key].append(rows)

    def finish(self, key: Key, version: int, repeats: Sequence[ShardChange]) -> int:
        """Put the parts, which are of `version`, in the place of what was held; return how many codes there are.

        repeats : what changed while they were on their way
        """
        rows = joined(self._parts.pop(key))
        held = ShardCodes(full_snapshot(Base(rows.columns)), rows.ids, version)
        for change in repeats:
            held = held.after(change, key)
        _warm_up(held.snapshot)
        self._held[key] = held
        return held.snapshot.n

    def apply(self, change: ShardChange) -> None:
        """Follow one change of the record; where one was missed, drop the codes rather than answer wrongly."""
        for key, held in list(self._held.items()):
            if key[0] == change.dropped_release or change.version > held.version + 1:
                del self._held[key]
            else:
                self._held[key] = held.after(change, key)

    def ask(self, queries: Sequence[ShardQuery], *masks: ShardMask) -> list[ShardReply | None]:
        """Return a reply for every question under its mask; None where the codes are missing or behind."""
        return [self._answer(one, mask) for one, mask in zip(queries, masks, strict=True)]

    def _answer(self, query: ShardQuery, shard_mask: ShardMask) -> ShardReply | None:
        held = self._held.get(query.key)
        if held is None or held.version < query.version:
            return None
        permit = held.snapshot.narrowed(self._mask(held.snapshot, query.key, shard_mask), query.denied)
        hits = held.snapshot.nearest(query.query, query.k, query.bits, permit, held.study_ids_of, query.radius)
        return _reply(hits, held)

    def _mask(self, snapshot: Snapshot, key: Key, shard_mask: ShardMask) -> Mask:
        """Return the mask as bits of the snapshot, the last ones where neither has changed."""
        known = self._masks.get((shard_mask.name, key))
        if known is not None and known[0] is snapshot:
            return known[1]
        named = shard_mask.ordinals.array()
        permit = snapshot.mask(ordinals=named) if shard_mask.is_allowlist else snapshot.mask(denied=named)
        permit = snapshot.narrowed(permit, _newer(snapshot, shard_mask.max_ordinal))
        while len(self._masks) >= MAX_CACHED_MASKS:
            del self._masks[next(iter(self._masks))]
        self._masks[shard_mask.name, key] = (snapshot, permit)
        return permit


def _warm_up(snapshot: Snapshot) -> None:
    """Load kernels and look-ups now, so that the first question is answered as fast as the next ones."""
    permit = snapshot.mask(denied=np.asarray(snapshot.base.columns.ordinals[:1], np.int64))
    snapshot.base.nearest(np.zeros(4, np.uint64), 1, 64, permit.base, permit.count)


def _newer(snapshot: Snapshot, last: int) -> np.ndarray:
    """Return the ordinals, (m,) int64, of the studies that came after the one of ordinal `last`."""
    both = (snapshot.base.columns.ordinals, snapshot.delta.columns.ordinals)
    return np.concatenate([np.empty(0, np.int64), *(part[part > last] for one in both for part in pieces(one))])


def _reply(hits: Hits, shard_codes: ShardCodes) -> ShardReply:
    names = shard_codes.study_ids_of(hits.ordinals)
    return ShardReply([names[one] for one in hits.ordinals.tolist()], hits.ordinals, hits.distances, hits.patients)
