"""Taking up what the archive sends, beside the app: in a thread of the process that has the workspace open."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import CasebindError
from engine.hospital import preparing
from engine.hospital.inbox import count_waiting
from engine.hospital.take_up import take_up
from engine.learning.collection_calibration import count_in_background
from engine.workspace.serving import serving_release
from engine.workspace.workspace import open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

LOOKS_EVERY_S = 2.0
AFTER_FAILURE_S = 60.0
QUIET_S = 60.0  # without an object, after which the pairs of the collection are counted anew
_log = logging.getLogger(__name__)


class InboxWorker:
    """Takes up what waits, from its making to `close`. It fails into the log and tries again."""

    def __init__(self, workspace: Path, newest: Callable[[], Release]) -> None:
        """Begin. newest: returns the newest release; asked once something waits."""
        self._path, self._newest = workspace, newest
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the batch that is being taken up."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        wait_s, last, uncounted = LOOKS_EVERY_S, 0.0, False
        while not self._ended.wait(wait_s):
            wait_s = LOOKS_EVERY_S
            try:
                if count_waiting(self._path):
                    uncounted |= self._taken_up()
                    last = time.monotonic()
                elif last and time.monotonic() - last > QUIET_S:
                    last = 0.0
                    preparing.end()
                    if uncounted:
                        uncounted = False
                        self._count()
            except (OSError, CasebindError) as error:
                _log.error("The inbox was not taken up (%s).", type(error).__name__)
                wait_s = AFTER_FAILURE_S
            except Exception:
                _log.exception("The inbox was not taken up.")
                wait_s = AFTER_FAILURE_S

    def _taken_up(self) -> bool:
        """Take up what waits; return whether something was stored."""
        with open_workspace(self._path) as place:
            release = serving_release(place, self._newest())
            taken = take_up(place, release, stopped=self._ended.is_set, background=True)
        return bool(taken.states.get("stored"))

    def _count(self) -> None:
        """Begin to count the pairs of the collection, which takes the longer the larger it is."""
        with open_workspace(self._path) as place:
            count_in_background(place, serving_release(place, self._newest()))
