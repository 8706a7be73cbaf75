"""Judging the studies of a workspace again, after the limits of the quality gate have changed.

A study that the new gate refuses is set aside: it stays in the workspace with its codes and ratings, its reason is
noted, and no search or list returns it. It comes back as soon as a gate accepts it again. The colours of a film's file
are not stored with it, so that a limit on them counts for new films alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.intake.quality.judge import judge
from engine.intake.quality.verdict import gate_digest
from engine.store import verdicts
from engine.store.records import StudyRow
from engine.store.verdicts import Judged
from engine.workspace.pipeline import BATCH
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.workspace.ingest import Progress


@dataclass(frozen=True)
class Rejudgement:
    """What came of it, in studies.

    judged    : by another gate before, and now again
    refused   : newly set aside
    returned  : set aside before, and accepted now
    set_aside : of the whole workspace
    """

    judged: int
    refused: int
    returned: int
    set_aside: int

    @property
    def sentence(self) -> str:
        """Say it."""
        return (
            f"{self.judged} studies had been judged by another quality gate and were judged again: {self.refused} are "
            f"newly set aside, {self.returned} came back, and {self.set_aside} of the workspace are kept out of every "
            "search with their reasons."
        )


def outdated(workspace: Workspace) -> int:
    """Return how many studies were judged by another gate than the present one."""
    return len(verdicts.judged_by_another(workspace.database, gate_digest()))


def rejudge(workspace: Workspace, progress: Progress | None = None) -> Rejudgement:
    """Judge every study whose verdict is another gate's; each batch is on disk when it is done.

    Raises WorkspaceError where a study's file is missing or damaged.
    """
    gate, refused, returned = gate_digest(), 0, 0
    waiting = verdicts.judged_by_another(workspace.database, gate)
    for first in range(0, len(waiting), BATCH):
        rows = workspace.all_rows(waiting[first : first + BATCH])
        judged = [_judged(workspace, row) for row in rows]
        refused += sum(bool(now.refused) and not row.refused for now, row in zip(judged, rows, strict=True))
        returned += sum(bool(row.refused) and not now.refused for now, row in zip(judged, rows, strict=True))
        if judged:
            workspace.set_verdicts(gate, judged)
        if progress is not None:
            progress.update(len(rows))
    return Rejudgement(len(waiting), refused, returned, verdicts.n_set_aside(workspace.database))


def _judged(workspace: Workspace, row: StudyRow) -> Judged:
    verdict = judge(workspace.study_of(row))
    return Judged(row.study_id, verdict.score, "" if verdict.accepted else " ".join(verdict.reasons))
