"""The monitor beside the app: a run once the app has started, and one a day, in a thread that waits for its process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import CasebindError
from engine.files import utc_now
from engine.monitor.run import last_run, run
from engine.store.audit_file import SYSTEM
from engine.workspace.serving import serving_release
from engine.workspace.workspace import open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

EVERY = timedelta(hours=24)
FIRST_S, LOOKS_EVERY_S = 60.0, 600.0  # after the start, while whoever came first is answered; then
_log = logging.getLogger(__name__)


class DailyMonitor:
    """Runs the monitor from its making to `close`. It fails into the log and tries again."""

    def __init__(self, workspace: Path, newest: Callable[[], Release], *, first_s: float = FIRST_S) -> None:
        """Begin. newest: returns the newest release, asked when a run is due. first_s: seconds before the first run"""
        self._path, self._newest = workspace, newest
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(first_s,), name="monitor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the run that is on its way."""
        self._ended.set()
        self._thread.join()

    def _work(self, wait_s: float) -> None:
        started = False
        while not self._ended.wait(wait_s):
            wait_s = LOOKS_EVERY_S
            try:
                started |= self._run_where_due(anyway=not started)
            except CasebindError as error:
                _log.warning("The monitor did not run (%s).", type(error).__name__)
            except Exception:
                _log.exception("The monitor did not run.")

    def _run_where_due(self, *, anyway: bool) -> bool:
        """Run where a day has passed, or anyway; return whether it ran."""
        with open_workspace(self._path) as place:
            last = last_run(place)
            if place.releases.serving() is None:
                return False
            if not anyway and last is not None and utc_now() - last.ended < EVERY:
                return False
            run(place, serving_release(place, self._newest()), actor=SYSTEM)
        return True
