"""What whoever watches the app is told, without a sign-in: that it lives (/healthz), whether it can answer (/readyz).

Asking whether it can answer opens the workspace and begins loading, so that after a start nobody has to be the first.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import CasebindError
from engine.upkeep.readiness import Check, checks, record_check
from pages.shared import resources

OK, NOT_OK = 200, 503
KEPT_S = 1.0
_log = logging.getLogger("casebind.probes")


class Looks:
    """Looks at most once a second and with one thread at a time, whoever asks; others are told what was found last."""

    def __init__(self, look: Callable[[], list[Check]], first: Check) -> None:
        """first: what is told while the first look is under way"""
        self._look = look
        self._looking = threading.Lock()
        self._at, self._found = -math.inf, [first]

    def found(self) -> list[Check]:
        """Return the checks."""
        if time.monotonic() - self._at >= KEPT_S and self._looking.acquire(blocking=False):
            try:
                self._found = self._look()
            except Exception:
                _log.exception("A look at how the app stands failed")
                self._found = [Check("record", False, {"state": "failed"})]
            finally:
                self._at = time.monotonic()
                self._looking.release()
        return self._found


def _alive() -> list[Check]:
    place = resources.opened()
    return [NOT_OPENED if place is None else record_check(place)]


def _ready() -> list[Check]:
    try:
        return checks(resources.workspace(), resources.loaded())
    except CasebindError as problem:
        return [Check("record", False, {"state": type(problem).__name__})]


def _said(found: list[Check]) -> tuple[int, Mapping[str, Any]]:
    ok = all(check.ok for check in found)
    return (OK if ok else NOT_OK), {"ok": ok, "checks": {one.name: {"ok": one.ok, **one.facts} for one in found}}


NOT_OPENED = Check("record", True, {"state": "not opened"})
alive = Looks(_alive, NOT_OPENED)
ready = Looks(_ready, Check("record", False, {"state": "opening"}))


def healthz() -> tuple[int, Mapping[str, Any]]:
    """Answer whether the process lives and its record, once it is open, can be read."""
    return _said(alive.found())


def readyz() -> tuple[int, Mapping[str, Any]]:
    """Answer whether a search would be answered now."""
    return _said(ready.found())
