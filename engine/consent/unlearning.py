"""Unlearning: what was learnt is learnt anew from the root release, without a patient; equality is the evidence.

Encoders have never seen a patient of a workspace, so heads, hash layer, calibration tables, raters' reliabilities and
the counts of what near means are all that can remember one. Releases that may have are retired: they serve no more.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from engine.actor import Actor
from engine.errors import UsageError, brief
from engine.files import sha256_of
from engine.learning import collection_calibration, promotion, round_job, round_release
from engine.learning.refit import SEED, THREADS, refit
from engine.learning.retired import retire, retired
from engine.learning.round_data import RoundData, to_arrays
from engine.model.release import MODELS, Release, load_release
from engine.store import permission, places, previous_codes, second
from engine.store.acts import Act
from engine.store.audit_file import SYSTEM
from engine.store.database import FILE_NAME
from engine.store.records import SCOPES
from engine.workspace.deletion import DUE
from engine.workspace.erased import among_erased, reference
from engine.workspace.reindex import reindex
from engine.workspace.workspace import Workspace, open_workspace

RELEASE_PARTS = {
    "heads": "heads.safetensors",
    "hash layer": "hash.safetensors",
    "calibration tables": "calibration.json",
}
RELIABILITIES, CODES, COUNTS = "reliabilities of raters", "codes of all studies", "counts of what near means"
DATA = "data that was learnt from"
Digests = dict[str, str]  # part → SHA-256
Filler = Callable[[Workspace, Path, str], None]


@dataclass(frozen=True)
class Unlearnt:
    """What an unlearning did. release: what serves now; retired: what does not serve again; refitted: on how many marks

    Where nothing of this workspace had learnt, nothing is done, and `retired` is empty.
    """

    release: str
    retired: tuple[str, ...]
    marks: int


@dataclass(frozen=True)
class Evidence:
    """Digests of everything learnt without a patient: in this workspace, and in one that never held them.

    first_different : the first part that differs, "" where all are equal
    served          : whether what serves here is what was learnt without the patient; None where no refit serves
    """

    here: Digests
    never: Digests
    first_different: str
    served: bool | None

    @property
    def equal(self) -> bool:
        """Whether everything is equal, and what serves is it."""
        return not self.first_different and self.served is not False


def unlearn(workspace: Workspace, patient_id: str, *, actor: Actor, steps: int | None = None) -> Unlearnt:
    """Let nothing serve that has learnt from a patient; waits for the end, and may be done again after a stop.

    The patient is withdrawn from training where they are still here.
    steps : of the fit; None for those of a round
    Raises UsageError where the patient was never here, or a round or a promotion is on its way.
    """
    permission.require(workspace.database, actor, "consent")
    _withdraw(workspace, patient_id, actor)
    serving, gone = workspace.releases.serving(), retired(workspace.path)
    own = [
        one
        for one in round_release.round_releases(workspace.path)
        if one.name not in gone and not is_without(one, workspace, patient_id)
    ]
    if serving is None or not own:
        return Unlearnt(serving[0] if serving else "", (), 0)
    job = round_job.latest_job(workspace)
    if job is not None and not job.over:
        raise UsageError("A round is on its way already: wait for its end, or cancel it.")
    marks = 0
    if serving in [(one.name, one.digest) for one in own]:
        root = root_of(serving[0])
        if _has_own_encoders(workspace, root):  # what is learnt anew begins with the embeddings of the shipped ones
            promotion.start_reindex(workspace, root, Actor(actor.name), serving[1]).wait()
            serving = workspace.releases.serving() or serving
        made, marks = _learn_anew(workspace, root, patient_id, actor, steps=steps)
        if serving != (made.name, made.digest):
            promotion.start_reindex(workspace, made, Actor(actor.name), serving[1]).wait()
        serving = (made.name, made.digest)
        if workspace.releases.serving() != serving:
            raise UsageError("What was learnt anew does not serve: look at the releases, and do the same again.")
        collection_calibration.keep_current(workspace, made)
    names = tuple(one.name for one in own)
    retire(workspace.path, names)
    act = Act("unlearnt", patients=(patient_id,), release=serving[0], about={"retired": list(names)})
    with workspace.database.write(actor, act) as cursor:
        previous_codes.delete_releases(cursor, [one.digest for one in own])
    (workspace.path / DUE).touch()
    return Unlearnt(serving[0], names, marks)


def verify(workspace: Workspace, patient_id: str, *, steps: int | None = None) -> Evidence:
    """Learn twice, here without a patient and in a second workspace that never held them, and compare all digests.

    steps : of the fit; None for those of a round. Raises UsageError where there is nothing to learn from.
    """
    serving = workspace.releases.serving()
    if serving is None:
        raise UsageError("The workspace holds no codes yet, so no release serves: ingest a cohort first.")
    _check_known(workspace, patient_id)
    root = root_of(serving[0])
    if _has_own_encoders(workspace, root):
        raise UsageError(
            f"Release {serving[0]} has encoders that were adapted here, and what is learnt anew begins with those of "
            f"{root.name}: unlearn the patient first, or roll back, and verify then."
        )
    here, never = (_learnt_in(fill, workspace, patient_id, root, steps) for fill in (_copy, _without))
    different = next((part for part in never if here[part] != never[part]), "")
    return Evidence(here, never, different, _served(workspace, serving, patient_id, {**here, "steps": str(steps)}))


def root_of(name: str) -> Release:
    """Return the shipped release that a workspace's own one goes back to."""
    return load_release(MODELS / name.split(".")[0])


def _has_own_encoders(workspace: Workspace, root: Release) -> bool:
    """Return whether the serving release's encoders were adapted here (engine.learning.adapter_fit)."""
    known = workspace.releases.encoders((workspace.releases.serving() or ("", ""))[1])
    return bool(known) and known != root.encoders


def is_without(release: Release, workspace: Workspace, patient_id: str) -> bool:
    """Return whether a release was learnt without a patient, or goes back to one that was."""
    return reference(workspace.key, patient_id) in release.manifest.get("round", {}).get("without", ())


def _withdraw(workspace: Workspace, patient_id: str, actor: Actor) -> None:
    """Withdraw a patient from training who is here."""
    _check_known(workspace, patient_id)
    is_here = places.is_patient(workspace.database, patient_id)
    if is_here and workspace.consent(patient_id, actor=SYSTEM.acting_for("training")):
        workspace.set_consent(patient_id, False, actor=actor, scope="training")


def _check_known(workspace: Workspace, patient_id: str) -> None:
    """Raise UsageError for a patient who neither is here nor was erased here."""
    is_here = places.is_patient(workspace.database, patient_id)
    if not is_here and not among_erased(workspace.path, workspace.key, "patients", [patient_id]):
        raise UsageError(f"There is no patient {brief(patient_id)} in the workspace: check how the id is written.")


def _learn_anew(
    workspace: Workspace, root: Release, patient_id: str, actor: Actor, *, steps: int | None
) -> tuple[Release, int]:
    """Return the release learnt anew, and on how many marks; the root where nothing is left to learn from."""
    try:
        learnt = refit(workspace, root, actor=Actor(actor.name), steps=steps, measure=True)
    except UsageError:
        return root, 0
    releases = round_release.round_releases(workspace.path)
    without = {one for made in releases for one in made.manifest["round"].get("without", ())}
    about = round_job.about_round(workspace, actor.name, learnt.found) | {
        "gate": learnt.rows,
        "without": sorted(without | {reference(workspace.key, patient_id)}),
        "data": data_digest(learnt.found),
        "seed": SEED,
        "steps": steps,
        "threads": THREADS,
    }
    name = round_release.next_name(workspace.path, root.base)
    made = round_release.write(workspace.path, root, name, learnt.fitted, calibration=learnt.calibration, about=about)
    return made, len(learnt.found.learn)


def _copy(workspace: Workspace, folder: Path, patient_id: str) -> None:
    """Put a copy of the record into a folder, in which the patient has withdrawn."""
    second.copy_whole(workspace.database, folder / FILE_NAME)
    with open_workspace(folder) as copy:
        if places.is_patient(copy.database, patient_id):
            for scope in SCOPES:
                copy.set_consent(patient_id, False, actor=SYSTEM, scope=scope)


def _without(workspace: Workspace, folder: Path, patient_id: str) -> None:
    """Make a record in a folder that never held the patient."""
    with open_workspace(folder, create=True):
        pass
    second.fill_without(workspace.database, folder, places.targets(workspace.database, [patient_id]))


def _learnt_in(fill: Filler, workspace: Workspace, patient_id: str, root: Release, steps: int | None) -> Digests:
    """Fill a second workspace, learn in it, let that serve, and return part → SHA-256 of everything learnt."""
    home = workspace.path / "rounds"  # where an erasure finds what a killed process has left
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".unlearn-") as folder:
        place = Path(folder, "second")
        place.mkdir()
        fill(workspace, place, patient_id)
        with open_workspace(place) as other:
            learnt = refit(other, root, actor=SYSTEM, steps=steps)
            about = {"ratings": len(learnt.found.learn)}
            name, tables = f"{root.base}.1", learnt.calibration
            made = round_release.write(other.path, root, name, learnt.fitted, calibration=tables, about=about)
            reindex(other, made, made.digest)
            raters = {who: asdict(one) for who, one in sorted(learnt.found.raters.items())}
            found = {DATA: data_digest(learnt.found), **parts_of(made), RELIABILITIES: _digest(raters)}
            found[CODES] = places.digest_of_codes(other.database, made.name, patient_id)
            with other.database.write() as cursor:  # as an erasure leaves it: what near means is counted of who is here
                places.delete(cursor, places.targets(other.database, [patient_id]))
            return {**found, COUNTS: _digest(collection_calibration.count(other, made))}


def parts_of(release: Release) -> Digests:
    """Return what a release has learnt: part → SHA-256 of its file."""
    return {part: sha256_of(release.path / file) for part, file in RELEASE_PARTS.items()}


def data_digest(found: RoundData) -> str:
    """Return the SHA-256 of everything that is learnt from, and measured on, in its order."""
    digest = sha256()
    for name, array in sorted(to_arrays(found).items()):
        digest.update(f"{name} {array.dtype.kind} {array.shape}\n".encode())
        digest.update("\n".join(array.tolist()).encode() if array.dtype.kind == "U" else array.tobytes())
    return digest.hexdigest()


def _digest(content: object) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _served(workspace: Workspace, serving: tuple[str, str], patient_id: str, here: Digests) -> bool | None:
    """Return whether what serves is what was learnt here; None where it learnt from other data, such as later marks."""
    known = {(one.name, one.digest): one for one in round_release.round_releases(workspace.path)}
    made = known.get(serving)
    if made is None or not is_without(made, workspace, patient_id):
        return None
    noted = made.manifest["round"]
    if (noted.get("data"), str(noted.get("steps"))) != (here[DATA], here["steps"]):
        return None
    return all(here[part] == digest for part, digest in parts_of(made).items())
