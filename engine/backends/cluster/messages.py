"""What goes between the coordinator and its sites: rows of codes, changes, questions and replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.index.code_columns import Columns
from engine.store.codes import WORDS
from engine.study import Modality

Key = tuple[str, Modality]  # release, modality
NO_ORDINALS = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class PackedIds:
    """Study ids in UTF-8, one behind the other; `starts`, (n + 1,) int64, says where each begins and the last ends."""

    text: bytes
    starts: np.ndarray

    def __len__(self) -> int:
        return int(self.starts.size - 1)

    def take(self, positions: np.ndarray) -> list[str]:
        """Return the ids at the places, (m,) integers."""
        spans = zip(self.starts[positions].tolist(), self.starts[positions + 1].tolist(), strict=True)
        return [self.text[start:stop].decode() for start, stop in spans]


def pack_ids(ids: Sequence[str]) -> PackedIds:
    """Return study ids packed for sending and holding."""
    encoded = [one.encode() for one in ids]
    sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
    return PackedIds(b"".join(encoded), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


@dataclass(frozen=True, eq=False)
class CodeRows:
    """Codes with their ids, in the order of the ids."""

    ids: PackedIds
    columns: Columns

    @property
    def n(self) -> int:
        """Return how many codes there are."""
        return self.columns.n


def joined(parts: Sequence[CodeRows]) -> CodeRows:
    """Return the parts as one; they are in order already."""
    if not parts:
        return CodeRows(pack_ids([]), Columns(np.empty((WORDS, 0), np.uint64), NO_ORDINALS, NO_ORDINALS))
    starts, end = [np.zeros(1, np.int64)], 0
    for part in parts:
        starts.append(part.ids.starts[1:] + end)
        end += len(part.ids.text)
    columns = Columns(
        np.concatenate([part.columns.words for part in parts], axis=1),
        np.concatenate([part.columns.ordinals for part in parts]),
        np.concatenate([part.columns.patients for part in parts]),
    )
    return CodeRows(PackedIds(b"".join(part.ids.text for part in parts), np.concatenate(starts)), columns)


@dataclass(frozen=True, eq=False)
class ShardChange:
    """What one change of the record means for one shard.

    version   : of the codes after it; counts up by one with every change of the workspace
    new       : codes that came or took the place of others, by release and modality
    gone      : ordinals of deleted studies, (m,) int64
    forgotten : a release whose codes are gone, or None
    """

    version: int
    added: dict[Key, CodeRows] = field(default_factory=dict)
    removed: np.ndarray = field(default_factory=lambda: NO_ORDINALS)
    dropped_release: str | None = None


@dataclass(frozen=True, eq=False)
class ShardQuery:
    """What is asked of one shard about one modality; the mask travels beside it.

    version : of the codes that must at least be there
    denied  : ordinals that must not be returned, beside the mask, (m,) int64: the query's own patient
    """

    key: Key
    version: int
    query: np.ndarray
    k: int
    bits: int
    radius: int | None
    denied: np.ndarray


@dataclass(frozen=True, eq=False)
class ShardReply:
    """The k nearest of one shard, of different patients, nearest first; equal distances in the order of the ids."""

    ids: list[str]
    ordinals: np.ndarray
    distances: np.ndarray
    patients: np.ndarray
