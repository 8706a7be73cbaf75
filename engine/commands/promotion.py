"""A change of the serving release, as a command shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import CasebindError

if TYPE_CHECKING:
    from engine.learning.promotion import PromotionJob
    from engine.workspace.workspace import Workspace

POLL_S = 0.2  # between two looks at a promotion


def serving_digest(workspace: Workspace) -> str:
    """Return the digest of the release that serves; nobody else can change it while this process has the workspace."""
    return (workspace.releases.serving() or ("", ""))[1]


def wait_with_progress(promotion: PromotionJob) -> None:
    """Show how far a promotion is until it ends."""
    from tqdm import tqdm

    with tqdm(total=100, desc=f"release {promotion.request.after[0]}", unit="%", leave=False) as progress:
        while not promotion.wait(POLL_S):
            progress.update(round(100 * promotion.share) - progress.n)
    if promotion.error:
        raise CasebindError(promotion.error)
