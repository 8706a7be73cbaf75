"""An adaptation as a job: begun as a round is, gone on with where it was killed, recorded in the release it makes."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.files import utc_now
from engine.learning import adaptation_data, pairing, round_job
from engine.learning.adaptation_data import AdaptationData
from engine.learning.coarse import Progress
from engine.learning.round_data import ratings_cutoff
from engine.learning.round_job import RoundJob
from engine.store.ratings import rater_name as name_of
from engine.workspace.erasure import forget_read
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.learning.adaptation_fit import AdaptationPlan
    from engine.model.release import Release

LEAST_PAIRS = 200  # of all modalities, of patients that are learnt from


def begin(
    workspace: Workspace,
    release: Release,
    actor: Actor,
    plan: AdaptationPlan | None = None,
    *,
    progress: Progress = lambda share: None,
) -> RoundJob:
    """Start an adaptation on the serving release, or go on with one that was killed on the same data; return it.

    progress : told how far the reading of films and ECGs is, where the plan adapts encoders; what it raises stops it

    Raises UsageError where a round or an adaptation runs or there are fewer than LEAST_PAIRS pairs, WorkspaceError
    where the disk is full.
    """
    from engine.learning.adaptation_fit import AdaptationPlan

    wanted = plan or AdaptationPlan()
    resumed = round_job.go_on(
        workspace, release, actor, "adaptation", lambda job: _same(workspace, release, actor, job, wanted)
    )
    if resumed is not None:
        return resumed

    def prepare(folder: Path, number: int) -> dict[str, Any]:
        def say(share: float) -> None:
            round_job.report_gathering(folder, share)
            progress(share)

        say(0.0)
        encoders = release.encoders if wanted.encoders else None
        if encoders is None:
            forget_read(workspace.path)
        found, data = adaptation_data.gather(
            workspace, actor.maintaining(), release.name, folder, least=LEAST_PAIRS, encoders=encoders, progress=say
        )
        return {
            "number": number,
            "name": f"{release.base}.{number}",
            "base": str(release.path.resolve()),
            "workspace": str(workspace.path),
            "plan": asdict(wanted),
            "reads": _reads(),
            "about": _about(workspace, release, name_of(actor.name), data, pairing.table(found)),
        }

    return round_job.begin_with(workspace, release, actor, prepare, kind="adaptation")


def _same(workspace: Workspace, release: Release, actor: Actor, job: dict[str, Any], plan: AdaptationPlan) -> bool:
    """Say whether a killed adaptation, by its job.json, is what would be begun now."""
    if job["plan"] != asdict(plan) or job.get("reads") != _reads():
        return False
    folder = workspace.path / round_job.FOLDER
    with tempfile.TemporaryDirectory(dir=folder, prefix=".adaptation-") as again:  # where an erasure looks
        _, data = adaptation_data.gather(workspace, actor.maintaining(), release.name, Path(again))
        return bool(job["about"]["adaptation"]["data"] == adaptation_data.digest(data))


def _reads() -> dict[str, int]:
    """Return how much adapters read of each modality: an earlier version read something else."""
    from engine.model.adapter import COARSE

    return dict(COARSE)


def _about(
    workspace: Workspace, release: Release, who: str, data: AdaptationData, rules: list[pairing.RuleCount]
) -> dict[str, Any]:
    """Return what a release records about the data that it learnt from, in the fields of a round and its own."""
    made_up = [cohort.name for cohort in workspace.all_cohorts() if cohort.synthetic]
    patients, n = adaptation_data.patients_digest(data, workspace.key)
    labels, before = data.labels, ratings_cutoff(release)
    return {
        "who": who,
        "began": utc_now().isoformat(),
        "ratings_until": None if before is None else before.isoformat(),
        "ratings": 0,
        "kept_apart": len(labels.apart),
        "left_out": labels.left_out,
        "raters": [],
        "original": {modality: len(pool) for modality, pool in labels.replay.items()},
        "frozen": {modality: len(pool) for modality, pool in labels.holdout.items()},
        "synthetic": sum(int(np.isin(pool.cohort, made_up).sum()) for pool in labels.holdout.values()),
        "without": release.manifest.get("round", {}).get("without", []),
        "adaptation": {
            "pairs": data.learnt_pairs,
            "counts": data.counts(),
            "rules": [row.as_json() for row in rules],
            "patients": n,
            "patients_digest": patients,
            "data": adaptation_data.digest(data),
        },
    }
