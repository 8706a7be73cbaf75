"""An adaptation as a job: begun as a round is, gone on with where it was killed, recorded in the release it makes."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.background import ThreadJob
from engine.errors import WorkspaceError
from engine.files import utc_now
from engine.learning import adaptation_data, pairing, round_job
from engine.learning.adaptation_data import AdaptationData
from engine.learning.coarse import Progress
from engine.learning.round_data import ratings_cutoff
from engine.learning.round_job import RoundJob
from engine.learning.round_worker import JOB
from engine.store.ratings import rater_name as name_of
from engine.workspace.erasure import forget_read
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.learning.adaptation_fit import AdaptationPlan
    from engine.model.release import Release

AT_ONCE_S = 0.5  # waited for a refusal before the start counts as made
LEAST_PAIRS = 200  # of all modalities, of patients that are learnt from

_beginnings: dict[Path, _Beginning] = {}


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

    wanted, last = plan or AdaptationPlan(), round_job.latest_job(workspace)
    if last is not None and last.kind == "adaptation":
        resumed = round_job.go_on(workspace, last.folder, actor, lambda f: _same(workspace, release, actor, f, wanted))
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
            "about": _about(workspace, release, name_of(actor.name), data, pairing.table(found)),
        }

    return round_job.begin_with(workspace, release, actor, prepare, kind="adaptation")


def begin_in_background(workspace: Workspace, release: Release, actor: Actor, plan: AdaptationPlan) -> None:
    """Start an adaptation from a thread, since gathering takes long; `round_job.latest_job` says how far it is.

    Raises WorkspaceError with what `begin` raises at once; `why_not_begun` says what comes later.
    """
    beginning = _Beginning()
    _beginnings[workspace.path] = beginning
    beginning.start("adaptation", lambda: _begun(workspace, release, actor, plan))
    if beginning.wait(AT_ONCE_S) and beginning.error:
        del _beginnings[workspace.path]
        raise WorkspaceError(beginning.error)


def why_not_begun(workspace: Workspace) -> str:
    """Return why the adaptation that was last started in the background could not begin; empty where it did."""
    found = _beginnings.get(workspace.path)
    return "" if found is None else found.error


def seen(workspace: Workspace) -> None:
    """Say no more why an adaptation could not begin: somebody has read it."""
    if why_not_begun(workspace):
        del _beginnings[workspace.path]


class _Beginning(ThreadJob):
    """The gathering of an adaptation in a thread."""

    failure, advice = "The adaptation could not begin", "releases are as they were, try again"


def _begun(workspace: Workspace, release: Release, actor: Actor, plan: AdaptationPlan) -> None:
    begin(workspace, release, actor, plan)


def _same(workspace: Workspace, release: Release, actor: Actor, folder: Path, plan: AdaptationPlan) -> bool:
    """Say whether a killed adaptation is what would be begun now; else what it was given to learn from is deleted."""
    job = json.loads((folder / JOB).read_text("utf-8"))
    if "plan" not in job:  # killed while it gathered
        round_job.forget_inputs(folder)
        return False
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".adaptation-") as again:  # where an erasure looks
        _, data = adaptation_data.gather(workspace, actor.maintaining(), release.name, Path(again))
        same = (
            job["base"] == str(release.path.resolve())
            and job["plan"] == asdict(plan)
            and (folder / adaptation_data.INPUTS).is_file()
            and job["about"]["adaptation"]["data"] == adaptation_data.digest(data)
        )
    if not same:
        round_job.forget_inputs(folder)
    return same


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
