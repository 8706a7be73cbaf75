"""How far a round or an adaptation is, on standard error, until it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.actor import single_user

if TYPE_CHECKING:
    from engine.learning.round_job import RoundJob
    from engine.workspace.workspace import Workspace

SHOWN_S = 0.2  # between two looks at how far it is


def follow_job(workspace: Workspace, begun: RoundJob) -> RoundJob:
    """Show how far a job is until it ends; cancel it where the command is stopped."""
    from tqdm import tqdm

    from engine.learning import round_job

    try:
        with tqdm(total=100, desc=f"{begun.kind} {begun.number}", unit="%", leave=False) as progress:
            while not begun.wait(SHOWN_S):
                now = round_job.latest_job(workspace) or begun
                progress.set_description(f"{now.kind} {now.number}, {now.step}", refresh=False)
                progress.update(round(100 * now.share) - progress.n)
    except KeyboardInterrupt:
        round_job.cancel(workspace, single_user())
        raise
    return round_job.latest_job(workspace) or begun


@contextmanager
def reading_progress(shown: bool) -> Iterator[Callable[[float], None]]:
    """Give a function that shows, on standard error, which share of the studies is read."""
    from tqdm import tqdm

    def show(share: float) -> None:
        progress.update(round(100 * share) - progress.n)

    with tqdm(total=100, desc="reading studies", unit="%", leave=False, disable=not shown) as progress:
        yield show
