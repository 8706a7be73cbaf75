"""The studies of a workspace under another release, or under new weights of the same name.

The new codes are staged in batches, each on disk when it is done, while the old ones go on answering; when no study is
left, one transaction puts them in the place of the old. A process that is killed at any point leaves a workspace that
answers with one whole set of codes, and the next `reindex` goes on with the studies that are not staged yet.

A release that answered before gets the very codes back that it had. Otherwise a study's stored embedding is used again
where the part that makes embeddings of its modality is the same in both releases, as when only maps and hash layer
changed. Where an encoder or its head changed, the study is encoded from its content: features between encoder and head
are not stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UsageError, WorkspaceError
from engine.store.records import StudyRow
from engine.workspace.ingest import Progress
from engine.workspace.pipeline import BATCH
from engine.workspace.releases import UNCONDITIONAL, ReleaseSwitch
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

REUSED_BATCH = 512  # stored embeddings that get new codes at once


def reindex(
    workspace: Workspace,
    release: Release,
    digest: str,
    progress: Progress | None = None,
    switch: ReleaseSwitch = UNCONDITIONAL,
) -> int:
    """Let the release answer for every study; return how many it had not encoded. May be stopped and started again.

    switch : which release may be replaced, and what is written in the moment when it is
    Raises WorkspaceError where a study's file is damaged, or another release serves than the one to replace.
    """
    if workspace.releases.serving() == (release.name, digest):
        return _complete(workspace, release, digest, progress)
    workspace.releases.keep_only(digest)
    workspace.releases.record_encoders(digest, release.encoders)
    came_back = workspace.releases.restore_codes(digest)
    if progress is not None and came_back:
        progress.update(came_back)
    same, done, served = reusable(workspace, release), 0, workspace.releases.serving()
    while not workspace.releases.serve(release.name, digest, switch):
        waiting = workspace.releases.unstaged_studies(digest)
        without = set(workspace.without_codes(served[0])) if served else set()
        stored = [study_id for study_id, modality in waiting if modality in same and study_id not in without]
        afresh = sorted({study_id for study_id, _ in waiting} - set(stored))
        for ids, size, reuse in ((stored, REUSED_BATCH, served[0] if served else ""), (afresh, BATCH, "")):
            for first in range(0, len(ids), size):
                done += _stage(workspace, release, digest, ids[first : first + size], reuse)
                if progress is not None:
                    progress.update(len(ids[first : first + size]))
    return done


def reusable(workspace: Workspace, release: Release) -> set[str]:
    """Return the modalities whose embeddings of the serving release are those of the new one."""
    from engine.model.release import installed

    served = workspace.releases.serving()
    if served is None:
        return set()
    old = installed(*served, workspace.path / "releases")
    known = workspace.releases.encoders(served[1]) or (old.encoders if old else {})
    return {modality for modality, encoder in release.encoders.items() if known.get(modality) == encoder}


def _stage(workspace: Workspace, release: Release, digest: str, ids: Sequence[str], reuse: str) -> int:
    """Stage a batch, from the embeddings of the release named where one is; what was deleted meanwhile is left out."""
    rows = workspace.all_rows(ids)
    there = [row.study_id for row in rows]
    try:
        vectors = workspace.embeddings(reuse, there) if reuse else _encoded(workspace, release, rows)
    except (UsageError, WorkspaceError):
        if len(workspace.all_rows(there)) == len(there):
            raise
        return 0  # one was deleted in this moment: the batch is listed again without it
    codes = [release.codes(one[None], row.modality)[0] for one, row in zip(vectors, rows, strict=True)]
    if there:
        workspace.releases.stage(digest, there, vectors, np.stack(codes), reuse)
    return len(there)


def _complete(workspace: Workspace, release: Release, digest: str, progress: Progress | None) -> int:
    """Encode what the serving release has not encoded, straight into its codes."""
    waiting = workspace.without_codes(release.name)
    for first in range(0, len(waiting), BATCH):
        rows = workspace.all_rows(waiting[first : first + BATCH])
        vectors = _encoded(workspace, release, rows)
        codes = [release.codes(one[None], row.modality)[0] for one, row in zip(vectors, rows, strict=True)]
        workspace.add_codes(release.name, digest, [row.study_id for row in rows], vectors, np.stack(codes))
        if progress is not None:
            progress.update(len(rows))
    return len(waiting)


def _encoded(workspace: Workspace, release: Release, rows: Sequence[StudyRow]) -> np.ndarray:
    studies = [workspace.study_of(row) for row in rows]
    return np.asarray(release.embed(studies), dtype=np.float32)
