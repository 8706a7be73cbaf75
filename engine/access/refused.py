"""What the gate and the sign-in refuse, in the audit: a row at once, then one a minute for each address and answer."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import replace

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
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # address, what → time of the last row, since then

    async def add(self, address: str, status: int, path: str, sentence: str) -> None:
        """Note a request that was refused; what cannot be written is refused all the same."""
        about = {"address": address, "status": status, "path": path[:LONGEST]}
        await self._write((address, str(status)), NOBODY, Act("gate refused", refused=sentence, about=about))

    async def add_sign_in(self, address: str, who: Actor, sentence: str) -> None:
        """Note a sign-in that has to wait, of an account or of nobody."""
        about = {"address": address}
        await self._write((address, f"by {who.name}"), who, Act("sign-in refused", refused=sentence, about=about))

    async def _write(self, key: tuple[str, str], who: Actor, act: Act) -> None:
        times = self._times(key)
        if self._audit is not None and times:
            counted = replace(act, about={**act.about, "times": times})
            with suppress(WorkspaceError):
                await asyncio.to_thread(self._audit.append, who, counted)

    def _times(self, key: tuple[str, str]) -> int:
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
