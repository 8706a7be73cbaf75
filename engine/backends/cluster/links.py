"""The way to one shard at one site, whatever lies between: what Ray and PostgreSQL must each offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Protocol

from engine.backends.cluster.mask import ShardMask
from engine.backends.cluster.messages import CodeRows, Key, ShardChange, ShardQuery, ShardReply


class Unreachable(Exception):
    """The site did not answer, or not in time."""


class Link(Protocol):
    """One shard at one site. What is sent is followed in the order in which it was sent."""

    site: str
    shard: int
    prefers_reload: bool  # whether a shard that has changed much is better loaded anew

    def open(self) -> None:
        """Reach the shard, starting it where it is not there; Unreachable where that fails."""

    def loaded_version(self, key: Key) -> str | None:
        """Return the stamp that the shard's codes bear, or None where it has none; Unreachable."""

    def version_name(self, version: int) -> str:
        """Return the stamp of the record's codes at a version."""

    def adopt(self, key: Key, version: int) -> None:
        """Let the shard's codes, which a former session left as they are, bear a version of this one; Unreachable."""

    def load(self, key: Key, version: int, parts: Iterable[CodeRows]) -> None:
        """Send the codes of a version; `finish` puts them in place; Unreachable."""

    def finish(self, key: Key, version: int, repeats: Sequence[ShardChange]) -> Future[int]:
        """Put what was loaded, and what changed meanwhile, in the place of the earlier codes."""

    def apply(self, change: ShardChange) -> None:
        """Send a change on its way."""

    def ask(self, queries: Sequence[ShardQuery], masks: Sequence[ShardMask]) -> Future[list[ShardReply | None]]:
        """Send questions on their way; a reply is None where the codes are missing or behind."""

    def mark_synced(self, key: Key, fingerprint: str) -> None:
        """Mark the shard's codes as the record's of that fingerprint, for the next session; Unreachable."""

    def close(self) -> None:
        """Let go of the shard."""
