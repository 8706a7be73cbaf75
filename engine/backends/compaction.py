"""Work that makes later searches cheaper, done by one thread behind everyone's back: compaction, building an index."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

DELAY_S = 5.0  # a command that only asks one question ends before any of this begins

Task = Callable[[], None]


class BackgroundTasks:
    """One background thread; a job of a name that is waiting already is not queued again."""

    def __init__(self, delay_s: float = DELAY_S) -> None:
        self.delay_s = delay_s
        self._jobs: dict[str, Task] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._busy = False

    def submit(self, name: str, task: Task) -> None:
        """Have a job done soon; it must be safe to leave undone."""
        with self._changed:
            if self._closing:
                return
            self._jobs.setdefault(name, task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="casebind upkeep", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def drain(self) -> None:
        """Return when every job submitted so far is done, without the delay."""
        with self._changed:
            self.delay_s = 0.0
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closing or not (self._jobs or self._busy))

    def close(self) -> None:
        """Let the running job end and forget the others."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self.delay_s == 0, timeout=self.delay_s)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._jobs)
                if self._closing:
                    return
                name = next(iter(self._jobs))
                job, self._busy = self._jobs.pop(name), True
            try:
                job()
            except Exception:
                logging.getLogger(__name__).exception("Upkeep of the index failed at %s; searches go on without.", name)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
