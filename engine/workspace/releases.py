"""Which release's codes answer in a workspace, and the change from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from engine.backends.snapshots import SnapshotStore
from engine.errors import WorkspaceError
from engine.store import previous_codes, staged_codes
from engine.store.database import Database

RELEASE_CHANGED = "Another release was put in place meanwhile: look at it, then choose again."


@dataclass(frozen=True)
class ReleaseSwitch:
    """Who may be replaced, and what is written together with it.

    instead_of : digest of the release that must be serving; "" for whichever does
    note       : called inside the transaction that switches
    """

    expected_digest: str = ""
    on_switch: Callable[[duckdb.DuckDBPyConnection], object] = lambda cursor: None


UNCONDITIONAL = ReleaseSwitch()


class Releases:
    """One release serves; the codes of the next are staged beside it and take its place in one transaction."""

    def __init__(self, database: Database, arrays: SnapshotStore) -> None:
        self.database, self.snapshots = database, arrays
        self._switches = 0  # odd while a switch is being made

    def serving(self) -> tuple[str, str] | None:
        """Return name and digest of the release whose codes answer, or None while there are none."""
        return staged_codes.serving(self.database)

    def switch_version(self) -> int:
        """Return a number that is another one after every switch; waits while one is being made.

        What was asked between two equal numbers was answered by the codes of one release.
        """
        if self._switches % 2:
            with self.database.exclusive():
                return self._switches
        return self._switches

    def unstaged_studies(self, digest: str) -> list[tuple[str, str]]:
        """Return (study id, modality) of the studies that a coming release has not encoded yet, by id."""
        return staged_codes.unstaged_studies(self.database, digest)

    def stage(
        self, digest: str, study_ids: Sequence[str], vectors: np.ndarray, codes: np.ndarray, source: str = ""
    ) -> None:
        """Keep embeddings (n, 256) float32 and packed codes (n, 32) uint8 of a coming release; on disk on return.

        source : the release whose stored embeddings these are; what has been replaced there since is left out
        """
        with self.database.write() as cursor:
            staged_codes.stage(cursor, digest, study_ids, vectors, codes, source=source)

    def keep_only(self, digest: str) -> None:
        """Forget what is staged of other releases than one."""
        with self.database.write() as cursor:
            staged_codes.keep_only(cursor, digest)

    def restore_codes(self, digest: str) -> int:
        """Stage the codes that a release had when it answered before, as far as they still fit; return how many."""
        serving = self.serving()
        if serving is None:
            return 0
        with self.database.write() as cursor:
            return previous_codes.restore(cursor, digest, serving[0])

    def serve(self, release: str, digest: str, switch: ReleaseSwitch = UNCONDITIONAL) -> bool:
        """Let a staged release answer from now on; False, and nothing changes, while it lacks a study.

        The old codes answer until the new ones are written; searches wait only while that is committed. What is
        replaced is kept, so that it can come back. Raises WorkspaceError where `takeover` expects another release.
        """
        with self.database.exclusive():
            before = self.serving()
            if switch.expected_digest and (before is None or before[1] != switch.expected_digest):
                raise WorkspaceError(RELEASE_CHANGED)
            try:
                with self.database.write() as cursor:
                    if not staged_codes.switch(cursor, release, digest):
                        return False
                    switch.on_switch(cursor)
                    self._switches += 1
                for name in {release, *(before or ())[:1]}:
                    self.snapshots.on_release_dropped(name)
            finally:
                self._switches += self._switches % 2
        return True

    def record_encoders(self, digest: str, encoders: Mapping[str, str]) -> None:
        """Note what decides the embeddings of a release: modality → digest."""
        with self.database.write() as cursor:
            staged_codes.record_encoders(cursor, digest, encoders)

    def encoders(self, digest: str) -> dict[str, str]:
        """Return what was noted of a release: modality → digest; empty where it is not known."""
        return staged_codes.encoders(self.database, digest)
