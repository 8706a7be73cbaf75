"""The studies of a workspace under another release, or under new weights of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.index.ingest import Progress
from engine.index.pipeline import BATCH
from engine.index.workspace import Workspace

if TYPE_CHECKING:
    from engine.release import Release


def reindex(workspace: Workspace, release: Release, digest: str, progress: Progress | None = None) -> int:
    """Encode every study that the release has not encoded; return how many. May be stopped and started again."""
    if workspace.release_digest(release.name) not in (None, digest):
        workspace.forget_release(release.name)
    waiting = workspace.without_codes(release.name)
    for first in range(0, len(waiting), BATCH):
        ids = waiting[first : first + BATCH]
        studies = [workspace.study(study_id) for study_id in ids]
        vectors = np.asarray(release.embed(studies), dtype=np.float32)
        codes = [release.codes(one[None], study.modality)[0] for one, study in zip(vectors, studies, strict=True)]
        workspace.add_codes(release.name, digest, ids, vectors, np.stack(codes))
        if progress is not None:
            progress.update(len(ids))
    return len(waiting)
