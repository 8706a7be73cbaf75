"""The way to one shard at one site, whatever lies between: what Ray and PostgreSQL must each offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Protocol

from engine.backends.cluster.mask import Mask
from engine.backends.cluster.messages import Change, Key, Question, Reply, Rows


class Unreachable(Exception):
    """The site did not answer, or not in time."""


class Link(Protocol):
    """One shard at one site. What is sent is followed in the order in which it was sent."""

    site: str
    shard: int
    renews: bool  # whether a shard that has changed much is better loaded anew

    def open(self) -> None:
        """Reach the shard, starting it where it is not there; Unreachable where that fails."""

    def held(self, key: Key) -> str | None:
        """Return the stamp that the shard's codes bear, or None where it has none; Unreachable."""

    def stamp(self, version: int) -> str:
        """Return the stamp of the record's codes at a version."""

    def adopt(self, key: Key, version: int) -> None:
        """Let the shard's codes, which a former session left as they are, bear a version of this one; Unreachable."""

    def load(self, key: Key, version: int, parts: Iterable[Rows]) -> None:
        """Send the codes of a version; `finish` puts them in place; Unreachable."""

    def finish(self, key: Key, version: int, repeats: Sequence[Change]) -> Future[int]:
        """Put what was loaded, and what changed meanwhile, in the place of the earlier codes."""

    def apply(self, change: Change) -> None:
        """Send a change on its way."""

    def ask(self, questions: Sequence[Question], masks: Sequence[Mask]) -> Future[list[Reply | None]]:
        """Send questions on their way; a reply is None where the codes are missing or behind."""

    def rest(self, key: Key, fingerprint: str) -> None:
        """Mark the shard's codes as the record's of that fingerprint, for the next session; Unreachable."""

    def close(self) -> None:
        """Let go of the shard."""
