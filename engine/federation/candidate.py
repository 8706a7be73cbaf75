"""What a hospital's workspace gives a federation, and what it makes of the result: a candidate like that of a round.

Both are acts on an open workspace (`engine.consent.acts`), so that the app does them where that has it open. What a
site learns from is that of a round, less what patients keep from federations, and less what other hospitals rated.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.federation.exchange_record import ground_from
from engine.federation.state import SharedState, check_fits, from_arrays, state_of
from engine.learning import round_job
from engine.learning.round_data import gather_round_data, to_arrays
from engine.learning.round_worker import INPUTS
from engine.store.ratings import rater_name
from engine.workspace.erasure import forget_read

if TYPE_CHECKING:
    from engine.model.release import Release
    from engine.workspace.requests import Facts
    from engine.workspace.workspace import Workspace

LEARNT = "in.learnt.npz"  # the federation's maps, in the folder of a job; goes with its other inputs
NOTHING = (
    "There is nothing to learn from: rate neighbours of studies, or label studies, whose patients allow federation."
)


def give(workspace: Workspace, facts: Facts) -> Facts:
    """Lay what a site may learn from into a folder of its own in the workspace, and say where; an act.

    facts : who, federation, exchange. Returns folder, release (its folder) and examples.
    Raises UsageError where there is nothing to learn from.
    """
    actor, release = Actor(str(facts["who"])), _serving(workspace)
    found = gather_round_data(workspace, actor.maintaining(), purpose="federation")
    if not found.replay:
        raise UsageError(NOTHING)
    about = {"federation": facts["federation"], "exchange": facts["exchange"]}
    workspace.audit("federation", actor=actor, release=release.name, about=about)
    home = workspace.path / round_job.FOLDER
    home.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=home, prefix=".federation-"))  # an erasure deletes it where it is left
    np.savez(folder / INPUTS, **to_arrays(found))  # type: ignore[arg-type]
    examples = len(found.learn) + sum(len(pool) for pool in found.replay.values())
    return {"folder": str(folder), "release": str(release.path.resolve()), "examples": examples}


def take(workspace: Workspace, facts: Facts) -> Facts:
    """Begin the measuring of a federation's result on the site's own frozen patients; an act.

    facts : who, federation, exchanges, and file, an .npz of the state beside its ground. One that was begun for the
    same federation already is not begun again.
    """
    actor, release = Actor(str(facts["who"])), _serving(workspace)
    for job in round_job.jobs(workspace):
        if job.about.get("federation", {}).get("id") == facts["federation"] and job.step not in ("failed", "cancelled"):
            return {"job": job.number, "name": job.name}
    with np.load(str(facts["file"]), allow_pickle=False) as arrays:
        learnt = from_arrays(ground_from(facts["ground"]), dict(arrays))
    check_fits(learnt, state_of(release), "The federation")

    def prepare(folder: Path, number: int) -> dict[str, Any]:
        found = gather_round_data(
            workspace,
            actor.maintaining(),
            lambda share: round_job.report_gathering(folder, share),
            purpose="federation",
        )
        forget_read(workspace.path)
        np.savez(folder / INPUTS, **to_arrays(found))  # type: ignore[arg-type]
        np.savez(folder / LEARNT, **learnt.arrays())  # type: ignore[arg-type]
        made = round_job.job_facts(workspace, release, number, rater_name(actor.name), found)
        shared = {"id": facts["federation"], "exchanges": facts["exchanges"]}
        return {**made, "about": {**made["about"], "federation": shared}}

    job = round_job.begin_with(workspace, release, actor, prepare, kind="federation")
    return {"job": job.number, "name": job.name}


def learn(given: Facts, asked: SharedState, *, steps: int, proximal: float, seed: int) -> SharedState:
    """Return what a site learns from what `give` laid down, from a state on.

    Raises FederationError where the state is of another release or list of findings.
    """
    from engine.federation.plan import FederationPlan
    from engine.federation.rounds import learner
    from engine.learning.round_data import from_arrays as round_data
    from engine.learning.round_worker import embedded
    from engine.model.release import load_release

    release = load_release(Path(str(given["release"])))
    check_fits(state_of(release), asked, "This site")
    with np.load(Path(str(given["folder"])) / INPUTS, allow_pickle=False) as arrays:
        found = round_data(arrays)
    replay = {modality: embedded(pool) for modality, pool in found.replay.items()}
    plan = replace(FederationPlan(), steps=steps, proximal=proximal)
    return learner(found.learn, replay, plan, seed)(asked, 0)


def _serving(workspace: Workspace) -> Release:
    from engine.model.release import load_release
    from engine.workspace.serving import serving_release

    return serving_release(workspace, load_release())
