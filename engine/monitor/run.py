"""A run of the monitor: gather, compute in a process of its own, store windows and raise alarms.

    <workspace>/monitor/   lock        held by the process as long as it lives
                           about.json  of which release and state of consent the inputs are
                           tasks.json, in.npz, out.jsonl   as engine.monitor.worker says; gone at the end
                           last.json   when the last run ended, and what it made
                           log.txt     what the process said

A run that was killed is gone on with by the next one, unless somebody withdrew or was erased, or another release
serves: then its inputs are deleted and it begins anew. Windows and alarms are stored in one transaction.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import counters
from engine.actor import Actor
from engine.background import ThreadJob, start_apart
from engine.errors import UsageError, WorkspaceError
from engine.files import utc_now, write_whole
from engine.monitor.gather import WindowTask, gather
from engine.monitor.rule import SIGNALS, ShiftEvidence, Signal, evidence, level_of, since
from engine.monitor.worker import INPUTS, RESULTS, TASKS, read_results, read_tasks, write_inputs
from engine.store import alarms, permission
from engine.store.acts import Act
from engine.store.alarms import STOP, Acknowledgement, Alarm, SignalWindow
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

FOLDER, LOCK, ABOUT, LAST, LOG = "monitor", "lock", "about.json", "last.json", "log.txt"
POLL_S = 0.1
BUSY = "A run of the monitor is on its way: wait for its end."
CUT_OFF = "The run ended without a result, see monitor/log.txt of the workspace: run it again, it goes on."


@dataclass(frozen=True)
class MonitorFound:
    """What a run made: windows, and the alarms that it raised."""

    windows: int
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True)
class LastRun:
    """When the last run ended, and what it made."""

    ended: datetime
    windows: int
    alarms: int


class MonitorJob(ThreadJob):
    """A run in a thread that waits for its process; `share` is of the windows."""

    failure, advice = "The monitor could not run", "run `casebind monitor run`"

    def __init__(self, workspace: Workspace, release: Release, actor: Actor) -> None:
        super().__init__("gathering")
        self._workspace, self._release, self._actor = workspace, release, actor
        self.found: MonitorFound | None = None

    def begin(self) -> None:
        """Run in the background; return at once."""
        self.start("monitor", self._work)

    def _work(self) -> None:
        self.found = run(self._workspace, self._release, actor=self._actor, job=self)


def run(workspace: Workspace, release: Release, *, actor: Actor, job: MonitorJob | None = None) -> MonitorFound:
    """Look at what came since the last run; return what was stored.

    Raises UsageError where a run is on its way, WorkspaceError where its process was ended, NotPermittedError for whom
    it is not.
    """
    permission.require(workspace.database, actor, "curate")
    home = workspace.path / FOLDER
    home.mkdir(mode=0o700, exist_ok=True)
    with (home / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(BUSY) from None
        _prepare(workspace, release, home)
        tasks = read_tasks(home)
        if len(read_results(home)) < len(tasks):
            _compute(home, lock.fileno(), len(tasks), job)
        return _take_up(workspace, release, home, tasks, actor)


def last_run(workspace: Workspace) -> LastRun | None:
    """Return when the last run ended; None where there was none."""
    try:
        known = json.loads((workspace.path / FOLDER / LAST).read_text("utf-8"))
        return LastRun(datetime.fromisoformat(known["ended"]), known["windows"], known["alarms"])
    except (OSError, ValueError, KeyError):
        return None


def _prepare(workspace: Workspace, release: Release, home: Path) -> None:
    """Write the inputs, unless those of a run that was killed still hold."""
    now = _state(workspace, release)
    if _json(home / ABOUT) == now and (home / TASKS).is_file() and (home / INPUTS).is_file():
        return
    _forget(home)
    write_inputs(home, gather(workspace, release))
    write_whole(home / ABOUT, json.dumps(now))


def _state(workspace: Workspace, release: Release) -> dict[str, Any]:
    """Return what the inputs depend on beside the queries themselves."""
    known = alarms.acknowledgements(workspace.database)
    consent = permission.consent_number(workspace.database)
    return {"release": release.digest, "consent": consent, "acknowledged": len(known)}


def _compute(home: Path, lock: int, n: int, job: MonitorJob | None) -> None:
    """Run the process to its end and follow it."""
    process = start_apart("engine.monitor.worker", home, home / LOG, lock=lock)
    while process.poll() is None:
        time.sleep(POLL_S)
        if job is not None:
            job.step, job.share = "computing", len(read_results(home)) / n
            if job.stopping:
                process.terminate()
    if process.returncode:
        raise WorkspaceError(CUT_OFF)


def _take_up(
    workspace: Workspace, release: Release, home: Path, tasks: Sequence[WindowTask], actor: Actor
) -> MonitorFound:
    """Store the windows and raise the alarms that they are evidence for, in one transaction."""
    made = [_window(release, task, one) for task, found in zip(tasks, read_results(home), strict=True) for one in found]
    raised: list[Alarm] = []
    if made:  # a run that found nothing new changes nothing
        with workspace.database.exclusive():
            raised = _raised(workspace, release, made)
            act = Act("monitored", release=release.name, about={"windows": len(made)})
            with workspace.database.write(actor, act) as cursor:
                alarms.add_windows(cursor, made)
                for one in raised:
                    alarms.add_alarm(cursor, one)
    _forget(home)
    counters.monitored()
    ended = utc_now().isoformat(timespec="seconds")
    write_whole(home / LAST, json.dumps({"ended": ended, "windows": len(made), "alarms": len(raised)}))
    return MonitorFound(len(made), tuple(raised))


def evidence_of(
    known: Sequence[SignalWindow], acknowledged: Sequence[Acknowledgement]
) -> dict[tuple[str, str, str], ShiftEvidence]:
    """Return the evidence of every stream since it was last acknowledged."""
    streams: dict[tuple[str, str, str], list[SignalWindow]] = defaultdict(list)
    for one in known:
        streams[one.stream].append(one)
    last = {one.stream: one.made_at for one in acknowledged}
    found = {}
    for stream, mine in streams.items():
        grown = evidence(SIGNALS[stream[2]], since(mine, last.get(stream)))
        if grown is not None:
            found[stream] = grown
    return found


def _raised(workspace: Workspace, release: Release, made: Sequence[SignalWindow]) -> list[Alarm]:
    """Return the alarms that are new: a stream without one, or one that has become worse."""
    database = workspace.database
    known = sorted([*alarms.windows(database, release.digest), *made], key=lambda one: one.ended_at)
    stand = {one.stream: one.level for one in alarms.standing(database)}
    out = []
    for stream, found in evidence_of(known, alarms.acknowledgements(database)).items():
        signal = SIGNALS[stream[2]]
        level = level_of(signal, found)
        if level is not None and (stream not in stand or (level == STOP and stand[stream] != STOP)):
            out.append(_alarm(release, signal, stream, found, level))
    return out


def _alarm(
    release: Release, signal: Signal, stream: tuple[str, str, str], found: ShiftEvidence, level: alarms.Level
) -> Alarm:
    last = found.last
    return Alarm(
        number=0,
        raised_at=utc_now(),
        level=level,
        modality=stream[0],
        source=stream[1],
        signal=signal.name,
        reference=found.reference,
        release=release.name,
        queries=found.queries,
        value=last.value,
        usual_low=last.low,
        usual_high=last.high,
        evidence=found.value,
    )


def _window(release: Release, task: WindowTask, found: dict[str, Any]) -> SignalWindow:
    return SignalWindow(
        release=release.digest,
        modality=task.modality,
        source=task.source,
        signal=task.signal,
        began_at=datetime.fromisoformat(task.began_at),
        ended_at=datetime.fromisoformat(task.ended_at),
        n=len(task.rows),
        **found,
    )


def _forget(home: Path) -> None:
    for name in (ABOUT, TASKS, INPUTS, RESULTS):
        (home / name).unlink(missing_ok=True)


def _json(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found
    except (OSError, ValueError):
        return {}
