"""What the monitor has seen, for whoever looks: alarms, each signal of each source, and what waits for a window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.actor import Actor
from engine.errors import WorkspaceError
from engine.files import utc_now
from engine.model.release import Release, load_release
from engine.monitor.gather import waiting
from engine.monitor.rule import SIGNALS, ShiftEvidence, limit, since
from engine.monitor.run import evidence_of, last_run
from engine.store import alarms, observations, permission
from engine.store.alarms import Acknowledgement, Alarm, SignalWindow
from engine.workspace.serving import serving_release
from engine.workspace.workspace import Workspace

DAYS = 30  # of refusals that are listed by cause
TOO_FEW = 20  # queries before anything is said of a source
Stream = tuple[str, str, str]  # modality, source, signal


@dataclass(frozen=True)
class WatchedSignal:
    """One signal of one source.

    windows  : against the reference that it is most like, oldest first, since the last acknowledgement and before
    evidence : as it stands; None before the first window. limit: at which an alarm is raised
    queries  : that the windows took; waiting: that wait for the next one, of `size`
    alarm    : that stands; None where none does
    """

    modality: str
    source: str
    signal: str
    windows: tuple[SignalWindow, ...]
    evidence: ShiftEvidence | None
    limit: float
    queries: int
    waiting: int
    size: int
    alarm: Alarm | None

    @property
    def too_few(self) -> bool:
        """Whether there are too few queries to say anything."""
        return self.queries < TOO_FEW


@dataclass(frozen=True)
class WatchView:
    """Everything that is shown of a workspace.

    refusals : (modality, source, cause, number) of the last DAYS days. left_out: queries that do not count, by why
    """

    release: str
    signals: tuple[WatchedSignal, ...]
    standing: tuple[Alarm, ...]
    acknowledged: tuple[Acknowledgement, ...]
    refusals: tuple[tuple[str, str, str, int], ...]
    left_out: dict[str, int]
    last_run: datetime | None


def look(workspace: Workspace, release: Release, *, actor: Actor) -> WatchView:
    """Return what was seen under a release; NotPermittedError for whom it is not. Nothing is computed."""
    database = workspace.database
    permission.require(database, actor, "curate")
    known, acknowledged = alarms.windows(database, release.digest), alarms.acknowledgements(database)
    standing, wait = alarms.standing(database), waiting(workspace, release)
    by_stream: dict[Stream, list[SignalWindow]] = defaultdict(list)
    for one in known:
        by_stream[one.stream].append(one)
    evidence = evidence_of(known, acknowledged)
    streams = sorted({*by_stream, *wait, *(one.stream for one in standing)}, key=_order)
    last = last_run(workspace)
    return WatchView(
        release.name,
        tuple(
            _signal(one, by_stream[one], evidence.get(one), wait.get(one, (0, SIGNALS[one[2]].size)), standing)
            for one in streams
        ),
        tuple(standing),
        tuple(acknowledged),
        tuple(observations.refusals(database, utc_now() - timedelta(days=DAYS))),
        observations.left_out(database),
        None if last is None else last.ended,
    )


def misleading(workspace: Workspace, modality: str, source: str) -> Alarm | None:
    """Return the alarm that stands and says that answers to a source may mislead, None where none does."""
    found = [one for one in alarms.standing(workspace.database) if (one.modality, one.source) == (modality, source)]
    return next((one for one in found if SIGNALS[one.signal].misleads), None)


def watched(workspace: Workspace, *, actor: Actor) -> dict[str, Any]:
    """Return what was seen as plain JSON values, for the command line."""
    try:
        release = serving_release(workspace, load_release())
    except WorkspaceError:
        release = load_release()
    seen = look(workspace, release, actor=actor)
    return {
        "release": seen.release,
        "last_run": None if seen.last_run is None else seen.last_run.isoformat(timespec="seconds"),
        "alarms": [asdict(one) | {"raised_at": one.raised_at.isoformat(timespec="seconds")} for one in seen.standing],
        "signals": [_as_json(one) for one in seen.signals],
        "refusals": [dict(zip(("modality", "source", "cause", "n"), one, strict=True)) for one in seen.refusals],
        "left_out": seen.left_out,
    }


def since_acknowledged(signal: WatchedSignal, acknowledged: Sequence[Acknowledgement]) -> list[SignalWindow]:
    """Return the windows of a signal since somebody acknowledged its last alarm."""
    made = [one.made_at for one in acknowledged if one.stream == (signal.modality, signal.source, signal.signal)]
    return since(signal.windows, made[-1] if made else None)


def _order(stream: Stream) -> tuple[str, str, int]:
    return stream[0], stream[1], list(SIGNALS).index(stream[2])


def _signal(
    stream: Stream,
    windows: Sequence[SignalWindow],
    evidence: ShiftEvidence | None,
    wait: tuple[int, int],
    standing: Sequence[Alarm],
) -> WatchedSignal:
    reference = evidence.reference if evidence is not None else windows[-1].reference if windows else ""
    drawn = tuple(one for one in windows if one.reference == reference)
    alarm = next((one for one in standing if one.stream == stream), None)
    taken = sum(one.n for one in drawn)
    return WatchedSignal(*stream, drawn, evidence, limit(SIGNALS[stream[2]]), taken, *wait, alarm)


def _as_json(one: WatchedSignal) -> dict[str, Any]:
    last = one.windows[-1] if one.windows else None
    return {
        "modality": one.modality,
        "source": one.source,
        "signal": one.signal,
        "queries": one.queries,
        "waiting": one.waiting,
        "window": one.size,
        "reference": None if last is None else last.reference,
        "value": None if last is None else round(last.value, 4),
        "usual": None if last is None else [round(last.low, 4), round(last.high, 4)],
        "p": None if last is None else round(last.p, 5),
        "evidence": None if one.evidence is None else round(one.evidence.value, 3),
        "limit": round(one.limit, 1),
        "alarm": None if one.alarm is None else one.alarm.level,
    }
