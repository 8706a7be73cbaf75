"""A change of the serving release, as a command shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import CasebindError

if TYPE_CHECKING:
    from engine.learning.promotion import Moving
    from engine.workspace.workspace import Workspace

LOOK_S = 0.2  # between two looks at a takeover


def shown(place: Workspace) -> str:
    """Return the digest of the release that serves; nobody else can change it while this process has the workspace."""
    return (place.releases.serving() or ("", ""))[1]


def awaited(moving: Moving) -> None:
    """Show how far a takeover is until it ends."""
    from tqdm import tqdm

    with tqdm(total=100, desc=f"release {moving.asked.after[0]}", unit="%", leave=False) as progress:
        while not moving.wait(LOOK_S):
            progress.update(round(100 * moving.share) - progress.n)
    if moving.why:
        raise CasebindError(moving.why)
