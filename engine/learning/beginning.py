"""The beginning of a round or an adaptation behind a page: it gathers in a thread, and the click answers at once.

Once it has begun it is a process of its own (engine.learning.round_job), which needs nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from engine.background import ThreadJob
from engine.errors import UsageError, WorkspaceError
from engine.learning.round_job import ON_ITS_WAY
from engine.workspace.workspace import Workspace

AT_ONCE_S = 0.5  # waited for a refusal before the start counts as made

_beginnings: dict[Path, _Beginning] = {}  # by workspace, of this process
_lock = threading.Lock()


class _Beginning(ThreadJob):
    """The gathering of a job in a thread."""

    failure, advice = "The round or adaptation could not begin", "releases are as they were, try again"


def start(workspace: Workspace, begin: Callable[[], object]) -> None:
    """Begin a job from a thread, since gathering takes long; `round_job.latest_job` says how far it is.

    begin : starts it, as `round_job.begin` and `adaptation_job.begin` do

    Raises UsageError where one is on its way, WorkspaceError with what `begin` raises at once; `why_not_begun` says
    what comes later.
    """
    beginning = _Beginning("gathering")
    with _lock:
        if under_way(workspace):
            raise UsageError(ON_ITS_WAY)
        _beginnings[workspace.path] = beginning

    def work() -> None:
        begin()

    beginning.start("gathering", work)
    if beginning.wait(AT_ONCE_S) and beginning.error:
        seen(workspace)
        raise WorkspaceError(beginning.error)


def under_way(workspace: Workspace) -> bool:
    """Say whether a job gathers in a thread of this process."""
    found = _beginnings.get(workspace.path)
    return found is not None and not found.over


def why_not_begun(workspace: Workspace) -> str:
    """Return why the job that was last started in the background could not begin; empty where it did."""
    found = _beginnings.get(workspace.path)
    return "" if found is None else found.error


def seen(workspace: Workspace) -> None:
    """Say no more why a job could not begin: somebody has read it."""
    if why_not_begun(workspace):
        _beginnings.pop(workspace.path, None)
