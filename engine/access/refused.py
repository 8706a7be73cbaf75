"""What the gate refuses, in the audit: a row at once, then at most one a minute for each address and answer."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress

from engine.actor import Actor
from engine.errors import WorkspaceError
from engine.store.acts import Act
from engine.store.audit_file import AuditFile

EVERY_S = 60.0
MOST = 1000  # addresses that are told apart
LONGEST = 200  # letters of a path
NOBODY = Actor("unknown")


class RefusedRequests:
    """Writes refusals; a flood of them is a number in the next row, so that it fills no disk."""

    def __init__(self, audit: AuditFile | None) -> None:
        self._audit = audit
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int], tuple[float, int]] = {}  # address, status → time of the last row, since then

    async def add(self, address: str, status: int, path: str, sentence: str) -> None:
        """Note one refusal; one that cannot be written is refused all the same."""
        times = self._times((address, status))
        if self._audit is not None and times:
            about = {"address": address, "status": status, "path": path[:LONGEST], "times": times}
            act = Act("gate refused", refused=sentence, about=about)
            with suppress(WorkspaceError):
                await asyncio.to_thread(self._audit.append, NOBODY, act)

    def _times(self, key: tuple[str, int]) -> int:
        """Return of how many refusals a row is due now, 0 for none."""
        now = time.monotonic()
        with self._lock:
            last, since = self._seen.get(key, (-EVERY_S, 0))
            if now - last < EVERY_S:
                self._seen[key] = last, since + 1
                return 0
            if len(self._seen) >= MOST:
                self._seen.clear()
            self._seen[key] = now, 0
            return since + 1
