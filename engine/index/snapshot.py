"""What one search sees: a snapshot of the codes of one modality that no writer changes under it.

A snapshot is a large base in the order of the study ids, bits that hide what was deleted from it since, and the few
codes that came since, in the order of their ids as well. Every change makes a new snapshot that shares the base.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from engine.index.code_columns import Columns
from engine.index.flat import FlatIndexes
from engine.index.hamming import WORD_BITS, NearestPositions, kernel_missing, nearest, to_bits
from engine.index.lookup import Bisection, OrdinalTable, bits_among, lookup_of
from engine.index.multi_index import MultiIndex

MULTI_INDEX_MAX_K = 256  # neighbours from which on the scan's cost per neighbour wins
MULTI_SHARE = 16  # an index is tried where at least one code in so many may be returned


@dataclass(eq=False)
class Base:
    """Columns and, once it is built, their index; `budgets` has the work it may do for each code length it serves."""

    columns: Columns
    index: MultiIndex | None = None
    budgets: dict[int, float] = field(default_factory=dict)
    _lookup: OrdinalTable | Bisection | None = None
    _flat: FlatIndexes = field(init=False)  # empty until faiss searches

    def __post_init__(self) -> None:
        self._flat = FlatIndexes(self.columns.words)

    @property
    def n(self) -> int:
        """Return how many codes there are."""
        return self.columns.n

    @property
    def nbytes(self) -> int:
        """Return the memory of columns, look-up and indexes."""
        beside = (self._lookup, self.index, self._flat)
        return self.columns.nbytes + sum(part.nbytes for part in beside if part is not None)

    def nearest(
        self, query: np.ndarray, k: int, bits: int, allowed: np.ndarray, permitted: int, radius: int | None = None
    ) -> NearestPositions:
        """Return `hamming.nearest`; by the index where it is worth a try, then by the scan if that was too much work.

        permitted : how many bits of `allowed` are set
        """
        words, index, budget = self.columns.words, self.index, self.budgets.get(bits, 0.0)
        if index is not None and budget and k <= MULTI_INDEX_MAX_K and permitted * MULTI_SHARE >= self.n:
            found, _ = index.nearest(words, query, k, bits, allowed, radius, budget)
            if found is not None:
                return found
        mask = allowed if permitted < self.n else None
        if kernel_missing(self.n):
            return self._flat.nearest(query, k, bits, mask, radius)
        return nearest(words, query, k, bits, mask, radius)

    def positions_of(self, ordinals: np.ndarray) -> np.ndarray:
        """Return the positions, (≤m,) int64, of those studies, (m,) integers, that are here."""
        if self._lookup is None:
            self._lookup = lookup_of(self.columns.ordinals)
        return self._lookup.positions_of(ordinals)


@dataclass(eq=False)
class FlatBase(Base):
    """Columns that faiss searches, whatever there is beside it."""

    def nearest(
        self, query: np.ndarray, k: int, bits: int, allowed: np.ndarray, permitted: int, radius: int | None = None
    ) -> NearestPositions:
        """Return `hamming.nearest`."""
        return self._flat.nearest(query, k, bits, allowed if permitted < self.n else None, radius)


IdLookup = Callable[[np.ndarray], dict[int, str]]  # ordinals → study ids


@dataclass(frozen=True, eq=False)
class Delta:
    """Codes that came after the base was loaded, in the order of their ids, (m,) object."""

    ids: np.ndarray
    columns: Columns


@dataclass(frozen=True, eq=False)
class Hits:
    """Neighbours, nearest first: study ordinals, distances and patients, (≤k,) int64 each."""

    ordinals: np.ndarray
    distances: np.ndarray
    patients: np.ndarray

    def take(self, positions: np.ndarray) -> Hits:
        """Return some of them."""
        return Hits(self.ordinals[positions], self.distances[positions], self.patients[positions])

    def first(self, k: int) -> Hits:
        """Return the nearest k of them."""
        return Hits(self.ordinals[:k], self.distances[:k], self.patients[:k])


@dataclass(frozen=True, eq=False)
class Mask:
    """One bit per code that may be returned, of the base and of the fresh codes, and how many of the base there are."""

    base: np.ndarray
    delta: np.ndarray
    count: int


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A snapshot; `hidden` counts what its `kept` bits, (⌈n / 64⌉,) uint64, hide of the base."""

    base: Base
    live: np.ndarray
    delta: Delta
    deleted: int = 0

    @property
    def n(self) -> int:
        """Return how many codes can be found."""
        return self.base.n - self.deleted + self.delta.columns.n

    def without(self, ordinals: np.ndarray) -> Snapshot:
        """Return the snapshot in which these studies are gone."""
        kept = cleared(self.live, self.base.positions_of(ordinals))
        stay = np.flatnonzero(np.isin(self.delta.columns.ordinals, ordinals, invert=True))
        fresh = self.delta if stay.size == self.delta.ids.size else _some(self.delta, stay)
        return replace(self, live=kept, delta=fresh, deleted=self.base.n - count(kept))

    def plus(self, new: Delta) -> Snapshot:
        """Return the snapshot that holds these codes as well; those of studies that are there take their place."""
        old = self.without(np.asarray(new.columns.ordinals))
        ids = np.concatenate([old.delta.ids, new.ids])
        a, b = old.delta.columns, new.columns
        both = Columns(
            np.concatenate([a.words, b.words], axis=1),
            np.concatenate([a.ordinals, b.ordinals]),
            np.concatenate([a.patients, b.patients]),
        )
        return replace(old, delta=_some(Delta(ids, both), np.argsort(ids, kind="stable")))

    def mask(
        self, ordinals: np.ndarray | None = None, denied: np.ndarray | None = None, patients: np.ndarray | None = None
    ) -> Mask:
        """Return what may be found: of the given ordinals, (m,) int64, or of all; and none of the denied ones.

        patients : (m,) integers, numbers of patients none of whose studies may be found
        """
        bits, fresh = self.live, np.ones(self.delta.ids.size, bool)
        if ordinals is not None:
            bits = bits & set_bits(np.zeros_like(bits), self.base.positions_of(ordinals))
            fresh &= np.isin(self.delta.columns.ordinals, ordinals)
        if denied is not None and denied.size:
            bits = cleared(bits, self.base.positions_of(denied))
            fresh &= np.isin(self.delta.columns.ordinals, denied, invert=True)
        if patients is not None and patients.size:
            bits = bits & ~bits_among(self.base.columns.patients, patients)
            fresh &= np.isin(self.delta.columns.patients, patients, invert=True)
        return Mask(bits, to_bits(fresh), count(bits))

    def narrowed(self, mask: Mask, denied: np.ndarray) -> Mask:
        """Return the permit without the denied ordinals, (m,) int64."""
        if denied.size == 0:
            return mask
        bits = cleared(mask.base, self.base.positions_of(denied))
        fresh = to_bits(np.isin(self.delta.columns.ordinals, denied, invert=True))
        return Mask(bits, mask.delta & fresh, count(bits))

    def nearest(
        self, query: np.ndarray, k: int, bits: int, mask: Mask, study_ids_of: IdLookup, radius: int | None = None
    ) -> Hits:
        """Return the k nearest permitted studies of different patients, each its patient's nearest.

        query : (4,) uint64; radius : bits that may differ at most; equal distances come in the order of the study ids
        """
        wanted = 4 * k
        while True:
            hits = self.nearest_of_all(query, wanted, bits, mask, study_ids_of, radius)
            keep = np.sort(np.unique(hits.patients, return_index=True)[1])[:k]
            if keep.size == k or hits.ordinals.size < wanted:
                return hits.take(keep)
            wanted *= 4

    def nearest_of_all(
        self, query: np.ndarray, k: int, bits: int, mask: Mask, study_ids_of: IdLookup, radius: int | None = None
    ) -> Hits:
        """Return the k nearest permitted studies, of whatever patients."""
        places, distances = self.base.nearest(query, k, bits, mask.base, mask.count, radius)
        old = _hits(self.base.columns, places, distances)
        if self.delta.ids.size == 0:
            return old
        columns = self.delta.columns
        places, distances = nearest(columns.words, query, k, bits, mask.delta, radius)
        return merged(old, _hits(columns, places, distances), self.delta.ids[places], study_ids_of).take(
            np.arange(min(k, old.ordinals.size + places.size))
        )


def merged(old: Hits, new: Hits, new_ids: np.ndarray, study_ids_of: IdLookup) -> Hits:
    """Return both in the order of (distance, study id); names are asked for only where the two are tied."""
    tied = np.isin(old.distances, new.distances)
    known = study_ids_of(old.ordinals[tied]) if tied.any() else {}
    ids = [known.get(int(ordinal), "") for ordinal in old.ordinals] + new_ids.tolist()
    both = Hits(
        np.concatenate([old.ordinals, new.ordinals]),
        np.concatenate([old.distances, new.distances]),
        np.concatenate([old.patients, new.patients]),
    )
    far = both.distances.tolist()  # what is not tied with the other keeps its place among its own
    return both.take(np.array(sorted(range(len(ids)), key=lambda place: (far[place], ids[place], place)), np.int64))


def set_bits(bits: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the bits, written to, with those of the places set."""
    np.bitwise_or.at(bits, positions // WORD_BITS, np.uint64(1) << (positions % WORD_BITS).astype(np.uint64))
    return bits


def cleared(bits: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return a copy of the bits with those of the places cleared."""
    bits = bits.copy()
    np.bitwise_and.at(bits, positions // WORD_BITS, ~(np.uint64(1) << (positions % WORD_BITS).astype(np.uint64)))
    return bits


def count(bits: np.ndarray) -> int:
    """Return how many bits are set."""
    return int(np.bitwise_count(bits).sum())


def full_snapshot(base: Base) -> Snapshot:
    """Return the snapshot in which nothing has come or gone since the base was loaded."""
    nothing = Columns(np.empty((4, 0), np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))
    return Snapshot(base, to_bits(np.ones(base.n, bool)), Delta(np.empty(0, object), nothing))


def _hits(columns: Columns, positions: np.ndarray, distances: np.ndarray) -> Hits:
    return Hits(columns.ordinals[positions].astype(np.int64), distances, columns.patients[positions].astype(np.int64))


def _some(delta: Delta, positions: np.ndarray) -> Delta:
    a = delta.columns
    words = np.ascontiguousarray(a.words[:, positions])
    return Delta(delta.ids[positions], Columns(words, a.ordinals[positions], a.patients[positions]))
