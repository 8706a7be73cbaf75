"""The release that a workspace's codes belong to: queries are encoded by it, also while a newer one is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from engine.errors import CasebindError, WorkspaceError
from engine.store.studies import stale_release
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

Result = TypeVar("Result")


def serving_release(workspace: Workspace, newest: Release) -> Release:
    """Return the release whose codes are searched: `newest`, or an installed older one until a reindex is done.

    Raises WorkspaceError where neither is: its weights are not here, so no query can be compared with the codes.
    """
    from engine.model.release import installed

    known = workspace.releases.serving()
    if known == (newest.name, newest.digest) or (known is None and not workspace.all_counts()):
        return newest
    old = None if known is None else installed(*known, workspace.path / "releases")
    if old is not None:
        return old
    if known is not None and known[0] == newest.name:
        raise WorkspaceError(stale_release(newest.name))
    raise WorkspaceError(
        f"The workspace holds no codes of release {newest.name}: run `casebind reindex` once to make them."
    )


def release_to_renew(workspace: Workspace, newest: Release) -> Release:
    """Return the release to complete or renew a workspace with: its serving round's, else `newest`.

    A round that somebody put in place stays there until somebody chooses another, whatever is shipped meanwhile.
    """
    from engine.model.release import installed

    known = workspace.releases.serving()
    own = None if known is None else installed(*known, workspace.path / "releases")
    return own if own is not None and own.base != own.name else newest


def with_serving_release(
    workspace: Workspace, newest: Release, ask: Callable[[Release], Result]
) -> tuple[Release, Result]:
    """Return the serving release and what `ask` found with it; asks again where another took its place meanwhile."""
    while True:
        moment = workspace.releases.switch_version()
        try:
            release = serving_release(workspace, newest)
            found = ask(release)
        except CasebindError:
            if workspace.releases.switch_version() == moment:
                raise
            continue
        if workspace.releases.switch_version() == moment:
            return release, found
