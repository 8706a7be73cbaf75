"""A round as a job: a process of its own whose state lies in the workspace, so that it outlives pages and servers.

    <workspace>/rounds/<number>/   job.json     who, when, from which release
                                   in.npz       what it learns from, gone at the end
                                   state.json   its process, how far it is, and what became of it
                                   log.txt      what it said
    <workspace>/rounds/lock        held by the process as long as it lives: whether one runs is never guessed

The lock is taken before the process is started and handed to it, so it falls when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.actor import Actor
from engine.background import start_apart
from engine.errors import UsageError, WorkspaceError
from engine.files import utc_now, write_whole
from engine.learning.group_balance import By, checked
from engine.learning.retired import check_may_serve
from engine.learning.round_data import RoundData, digest, gather_round_data, to_arrays
from engine.learning.round_release import next_name
from engine.learning.round_worker import CANCELLED, INPUTS, JOB, STATE, THREADS, forget_inputs
from engine.store import permission
from engine.store.ratings import rater_name as name_of
from engine.workspace.erasure import forget_read
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

Kind = Literal["round", "adaptation", "federation"]
ONE_THREAD = 1  # of an adaptation: its products are small, and equal on every machine
WORKERS: dict[str, str] = {
    "round": "engine.learning.round_worker",
    "adaptation": "engine.learning.adaptation_worker",
    "federation": "engine.federation.candidate_worker",
}
Step = Literal["gathering", "fitting", "measuring", "done", "cancelled", "failed"]
ENDS = ("done", "cancelled", "failed")
FOLDER, LOCK, LOG = "rounds", "lock", "log.txt"
PATIENCE_S = 2.0  # for a process that has said its last word to end
POLL_S = 0.2  # between two looks at a round that is waited for
KILL_S = 10.0  # for one that is asked to end
NOTHING = (
    "There is nothing to learn from yet: rate neighbours of studies whose patients allow training, then make a round."
)
ON_ITS_WAY = "A round is on its way already: wait for its end, or cancel it."
CANCELLED_EARLY = "It was cancelled while it was gathering; releases are as they were."
CUT_OFF = "The round ended without a result, see its log: ratings and releases are as they were, begin again."

_children: list[subprocess.Popen[bytes]] = []  # started by this process; kept so that the system can let go of them
_lock = threading.Lock()


@dataclass(frozen=True)
class RoundJob:
    """A round or an adaptation as it was when it was looked at: a background job that outlives whoever began it.

    share : of the whole, 0..1. error : a sentence where it failed. name : the release that it makes, or made
    about : ratings, raters and what else is recorded of it
    kind  : what it is
    """

    folder: Path
    number: int
    step: Step
    share: float
    error: str
    who: str
    name: str
    began: datetime
    ended: datetime | None
    about: dict[str, Any]
    kind: Kind = "round"

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.step in ENDS

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most `timeout` seconds; return whether it came."""
        last = time.monotonic() + (math.inf if timeout is None else timeout)
        while not _read(self.folder, _runs(self.folder)).over:
            if time.monotonic() >= last:
                return False
            time.sleep(POLL_S)
        return True

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of what it said; empty where it said nothing."""
        try:
            return "\n".join((self.folder / LOG).read_text("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""


def begin(workspace: Workspace, release: Release, actor: Actor, balance: str = "") -> RoundJob:
    """Start a round on the serving release, or go on with one that was killed on the same data; return it.

    balance : by what groups of people count equally: "age", "sex", or "" for as they come
    The caller waits only while the ratings are gathered; engine.learning.beginning does so in the background.
    Raises UsageError where a round runs or there is nothing to learn from, WorkspaceError where the disk is full.
    """
    who, by = name_of(actor.name), checked(balance)
    resumed = go_on(
        workspace,
        release,
        actor,
        "round",
        lambda job: (job.get("balance", ""), job.get("data")) == (by, _data_now(workspace, actor, by)),
    )
    if resumed is not None:
        return resumed

    def prepare(folder: Path, number: int) -> dict[str, Any]:
        found = gather_round_data(workspace, actor.maintaining(), lambda share: report_gathering(folder, share), by)
        if not len(found.learn) or not found.replay:
            raise UsageError(NOTHING)
        forget_read(workspace.path)
        np.savez(folder / INPUTS, **to_arrays(found))  # type: ignore[arg-type]
        return job_facts(workspace, release, number, who, found) | {"balance": by}

    return begin_with(workspace, release, actor, prepare)


def _data_now(workspace: Workspace, actor: Actor, balance: By) -> str:
    """Return the digest of what a round that is begun now would learn from."""
    return digest(gather_round_data(workspace, actor.maintaining(), balance=balance))


def begin_with(
    workspace: Workspace,
    release: Release,
    actor: Actor,
    prepare: Callable[[Path, int], dict[str, Any]],
    *,
    kind: Kind = "round",
) -> RoundJob:
    """Start a job on the serving release: a round, or an adaptation. Raises as `begin` and as `prepare` do.

    prepare : (folder, number) → the content of job.json, once everything that is learnt from lies in the folder
    """
    permission.require(workspace.database, actor, "curate")
    check_may_serve(workspace.path, release.name)
    home = workspace.path / FOLDER
    with _full(), _held(home) as lock:
        number = 1 + max((int(path.name) for path in _folders(home)), default=0)
        named = next_name(workspace.path, release.base)
        number = max(number, int(named.rpartition(".")[2]))
        folder = home / str(number)
        folder.mkdir()
        try:
            known = {"who": name_of(actor.name), "began": utc_now().isoformat()}
            write_whole(folder / JOB, json.dumps({"kind": kind, "about": known}))  # so that it is seen while it gathers
            job = {**prepare(folder, number), "kind": kind}
            (folder / STATE).unlink(missing_ok=True)
            workspace.audit(kind, actor=actor, release=release.name, about={"round": number, "makes": named})
            write_whole(folder / JOB, json.dumps(job))
            _start(folder, lock, kind)
        except BaseException:
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
            raise
    return _read(folder, True)


def report_gathering(folder: Path, share: float) -> None:
    """Say how far the gathering for a job is; UsageError where somebody has cancelled it."""
    if (folder / CANCELLED).exists():
        raise UsageError(CANCELLED_EARLY)
    write_whole(folder / STATE, json.dumps({"state": "gathering", "share": round(share, 3)}), durable=False)


def go_on(
    workspace: Workspace, release: Release, actor: Actor, kind: Kind, still: Callable[[dict[str, Any]], bool]
) -> RoundJob | None:
    """Start the process of the last job once more where it was killed; None where there is none to go on with.

    still : content of job.json → whether it is what would be begun now; asked while nobody else can begin a job

    What a job was given to learn from is deleted where it was killed and is not gone on with.
    """
    permission.require(workspace.database, actor, "curate")
    last = latest_job(workspace)
    if last is None:
        return None
    with _full(), _held(workspace.path / FOLDER) as lock:
        folder, job = last.folder, _json(last.folder / JOB)
        newest = _folders(workspace.path / FOLDER)[-1:] == [folder]
        cut = _json(folder / STATE).get("state") not in ENDS and not (folder / CANCELLED).exists()
        if not newest or not cut:
            return None
        same = job.get("kind") == kind and job.get("base") == str(release.path.resolve())
        if not same or not (folder / INPUTS).is_file() or not still(job):
            forget_inputs(folder)
            return None
        workspace.audit(kind, actor=actor, release=release.name, about={"round": last.number, "makes": job["name"]})
        (folder / STATE).unlink(missing_ok=True)
        _start(folder, lock, kind)
    return _read(folder, True)


def latest_job(workspace: Workspace) -> RoundJob | None:
    """Return the round that runs, or the last one; None where there never was one."""
    home = workspace.path / FOLDER
    folders = _folders(home)
    return _read(folders[-1], _runs(folders[-1])) if folders else None


def jobs(workspace: Workspace) -> list[RoundJob]:
    """Return all rounds that were begun, oldest first."""
    return [_read(folder, _runs(folder)) for folder in _folders(workspace.path / FOLDER)]


def cancel(workspace: Workspace, actor: Actor) -> None:
    """End the round that runs; ratings and releases stay as they were. Nothing happens where none runs.

    Raises NotPermittedError for whom it is not.
    """
    home, job = workspace.path / FOLDER, latest_job(workspace)
    permission.require(workspace.database, actor, "curate")
    if job is None or job.over:
        return
    workspace.audit("round cancelled", actor=actor, about={"job": job.folder.name})
    (job.folder / CANCELLED).touch()  # the process looks at it too, should it not have said its number yet
    last = time.monotonic() + KILL_S
    while _running(home) and time.monotonic() < last:
        with contextlib.suppress(ProcessLookupError, KeyError):
            os.kill(_json(job.folder / STATE)["pid"], signal.SIGTERM)
        time.sleep(0.05)
    forget_inputs(job.folder)


def job_facts(workspace: Workspace, release: Release, number: int, who: str, found: RoundData) -> dict[str, Any]:
    """Return the content of job.json: what the process works by, and what the release records about the round."""
    return {
        "number": number,
        "name": f"{release.base}.{number}",
        "base": str(release.path.resolve()),
        "workspace": str(workspace.path),
        "data": digest(found),
        "about": {
            **about_round(workspace, who, found),
            "without": release.manifest.get("round", {}).get("without", []),
        },
    }


def about_round(workspace: Workspace, who: str, found: RoundData) -> dict[str, Any]:
    """Return what a release records about the data that it learnt from."""
    made_up = [cohort.name for cohort in workspace.all_cohorts() if cohort.synthetic]
    raters = [{"who": rater, **asdict(one)} for rater, one in sorted(found.raters.items())]
    return {
        "who": who,
        "began": utc_now().isoformat(),
        "ratings": len(found.learn),
        "kept_apart": len(found.apart),
        "left_out": found.left_out,
        "raters": raters,
        "original": {modality: len(pool) for modality, pool in found.replay.items()},
        "frozen": {modality: len(pool) for modality, pool in found.holdout.items()},
        "synthetic": sum(int(np.isin(pool.cohort, made_up).sum()) for pool in found.holdout.values()),
    }


def _start(folder: Path, lock: int, kind: str) -> None:
    """Start the process, apart from this one, so that it goes on without it."""
    threads = THREADS if kind == "round" else ONE_THREAD
    process = start_apart(WORKERS[kind], folder, folder / LOG, lock=lock, threads=threads)
    _children[:] = [one for one in _children if one.poll() is None] + [process]
    with contextlib.suppress(FileExistsError), (folder / STATE).open("x", encoding="utf-8") as file:
        json.dump({"state": "gathering", "share": 0.0, "pid": process.pid}, file)  # so it can be ended while it loads


def _read(folder: Path, running: bool) -> RoundJob:
    """Return the job of a folder as it is now."""
    job, state = _json(folder / JOB), _json(folder / STATE)
    about = job.get("about", {})
    step, why = state.get("state", "gathering"), state.get("why", "")
    if step not in ENDS and not running:
        step, why = ("cancelled", "") if (folder / CANCELLED).exists() else ("failed", CUT_OFF)
    began = about.get("began") or datetime.fromtimestamp(folder.stat().st_mtime, UTC).isoformat()[:19]
    ended = state.get("ended")
    return RoundJob(
        folder,
        int(folder.name),
        step,
        1.0 if step == "done" else float(state.get("share", 0.0)),
        why,
        about.get("who", ""),
        state.get("name") or job.get("name", ""),
        datetime.fromisoformat(began),
        datetime.fromisoformat(ended) if ended else None,
        about,
        job.get("kind", "round"),
    )


def _folders(home: Path) -> list[Path]:
    """Return the rounds' folders, oldest first."""
    return sorted((path for path in home.glob("*") if path.name.isdigit()), key=lambda path: int(path.name))


def _running(home: Path) -> bool:
    """Say whether anybody holds the lock."""
    if not (home / LOCK).exists():
        return False
    with _lock, (home / LOCK).open("rb") as file:
        return not _taken(file.fileno())


def _runs(folder: Path) -> bool:
    """Say whether the round of a folder runs: the lock is held, and none was begun after it."""
    return _running(folder.parent) and folder == _folders(folder.parent)[-1]


@contextlib.contextmanager
def _held(home: Path) -> Iterator[int]:
    """Hold the lock; whoever it was handed to holds it on. Raises UsageError where a round runs."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("ab") as file:
        last = time.monotonic() + PATIENCE_S
        while not _try(file.fileno()):
            if time.monotonic() > last or not _last_word(home):
                raise UsageError(ON_ITS_WAY)
            time.sleep(0.05)
        yield file.fileno()


def _try(file: int) -> bool:
    with _lock:
        return _taken(file)


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_word(home: Path) -> bool:
    """Say whether the process that holds the lock has nothing more to do."""
    folders = _folders(home)
    return bool(folders) and _json(folders[-1] / STATE).get("state") in ENDS


@contextlib.contextmanager
def _full() -> Iterator[None]:
    """Turn a disk that takes no more into one sentence."""
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"The round could not be begun ({error.strerror or error}): free some disk and try again."
        ) from error


def _json(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found
