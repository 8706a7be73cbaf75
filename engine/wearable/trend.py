"""One person's recordings over time: heart rate, what the neighbours of each carry, and how near they are.

Every recording is asked as "more like this" is: the same mask, its own patient left out. A share says how many of the
labelled neighbours carry a finding. It says nothing of the person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Literal

from engine.actor import Actor
from engine.errors import UsageError
from engine.findings import NORMAL, findings
from engine.intake.quality.rate import rate_of
from engine.retrieval.answer import Options
from engine.retrieval.neighbours import neighbours_of
from engine.retrieval.stored_query import load_stored_query
from engine.store import series as store
from engine.store.permission import require
from engine.store.records import StudyRow
from engine.study import Modality
from engine.wearable.taking import DATED, SOURCE
from engine.workspace.serving import with_serving_release
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

NEIGHBOURS = 10
MOST = 400  # recordings of one trend; of more, the newest
SHORT = timedelta(days=3)  # up to which points are gathered by the hour, else by the day
RECORDED: tuple[Modality, ...] = ("ecg", "ppg")
Period = Literal["hour", "day"]


@dataclass(frozen=True)
class TrendPoint:
    """One recording.

    rate     : heart rate by its beats, per minute; None where it is not to be trusted
    nearest  : bits by which the nearest neighbour differs; None where there is none
    close    : whether anything is close at all; where nothing is, no share is counted
    labelled : neighbours that have labels
    carrying : finding → how many of them carry it
    """

    study_id: str
    moment: datetime
    rate: float | None
    nearest: int | None
    close: bool
    labelled: int
    carrying: dict[str, int]

    def share(self, finding: str) -> float | None:
        """Return the share of labelled neighbours that carry a finding; None where nothing is close or labelled."""
        return self.carrying.get(finding, 0) / self.labelled if self.close and self.labelled else None


@dataclass(frozen=True)
class Trend:
    """A person's points, the earliest first. left_out : earlier recordings beyond the newest MOST

    shifted : whether the dates of some of them are moved by whole weeks
    """

    patient_id: str
    points: tuple[TrendPoint, ...]
    left_out: int = 0
    shifted: bool = False

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings that neighbours carry, the most frequent first; "normal" is none."""
        total: Counter[str] = Counter()
        for point in self.points:
            total.update(point.carrying if point.close else {})
        return tuple(name for name, _ in sorted(total.items(), key=lambda one: (-one[1], one[0])) if name != NORMAL)

    @property
    def period(self) -> Period:
        """By what the points are gathered."""
        return "hour" if self.points[-1].moment - self.points[0].moment <= SHORT else "day"


@dataclass(frozen=True)
class TrendBin:
    """The recordings of an hour or a day.

    rate      : median of their heart rates, None where there is none
    neighbours, carrying : labelled neighbours over all of them, and how many carry the finding
    nearest   : median bits to the nearest neighbour
    """

    start: datetime
    recordings: int
    rate: float | None
    neighbours: int
    carrying: int
    nearest: float | None


def has_exports(workspace: Workspace, *, actor: Actor) -> bool:
    """Say whether anything that the actor may see came from a wearable's export."""
    return store.has_any(workspace.database, actor, SOURCE)


def people(workspace: Workspace, *, actor: Actor) -> list[store.PersonSeries]:
    """Return who has recordings at several moments, of those that the actor may see."""
    return store.series(workspace.database, actor)


def kinds(workspace: Workspace, patient_id: str, *, actor: Actor) -> list[Modality]:
    """Return the modalities of a person's recordings with times, that of most first."""
    counted = Counter(row.modality for row in workspace.of_patient(patient_id, actor=actor) if _is_timed(row))
    return [modality for modality, _ in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]


def trend(
    workspace: Workspace,
    release: Release,
    patient_id: str,
    of: Modality,
    into: Modality,
    *,
    actor: Actor,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Trend:
    """Return the trend of a person's recordings of one modality among neighbours of one; the record has it as one act.

    Raises UsageError where the actor sees no recordings with times of this patient, NotPermittedError where they may
    not search.
    """
    require(workspace.database, actor, "search")
    rows = [row for row in workspace.of_patient(patient_id, actor=actor) if row.modality == of and _is_timed(row)]
    if not rows:
        raise UsageError("There are no such recordings with times of this patient: choose another one.")
    rows.sort(key=lambda row: (row.acquired_at or "", row.study_id))
    left_out, rows = max(0, len(rows) - MOST), rows[-MOST:]
    returned: set[str] = set()

    def ask(used: Release) -> list[TrendPoint]:
        returned.clear()
        points = []
        for row in rows:
            point, ids = _point(workspace, used, row, into, actor)
            points.append(point)
            returned.update(ids)
            on_progress(len(points), len(rows))
        return points

    used, points = with_serving_release(workspace, release, ask)
    about = {"recordings": len(points), "of": of, "into": into}
    workspace.audit("trend", actor=actor, release=used.name, returned=tuple(sorted(returned)), about=about)
    return Trend(patient_id, tuple(points), left_out, any(row.extra.get(DATED) == "shift" for row in rows))


def binned(points: Sequence[TrendPoint], finding: str, period: Period) -> list[TrendBin]:
    """Return the points gathered by hour or day, in order; hours and days without any are left out."""
    gathered: dict[datetime, list[TrendPoint]] = {}
    for point in points:
        start = point.moment.replace(minute=0, second=0, microsecond=0)
        gathered.setdefault(start if period == "hour" else start.replace(hour=0), []).append(point)
    return [_bin(start, some, finding) for start, some in sorted(gathered.items())]


def _bin(start: datetime, points: Sequence[TrendPoint], finding: str) -> TrendBin:
    rates = [point.rate for point in points if point.rate is not None]
    nearest = [point.nearest for point in points if point.nearest is not None]
    counted = [point for point in points if point.close]
    return TrendBin(
        start,
        len(points),
        median(rates) if rates else None,
        sum(point.labelled for point in counted),
        sum(point.carrying.get(finding, 0) for point in counted),
        float(median(nearest)) if nearest else None,
    )


def _is_timed(row: StudyRow) -> bool:
    """Say whether a recording has a date with a time of day."""
    if row.modality not in RECORDED or len(row.acquired_at or "") <= len("2019-06-11"):
        return False
    try:
        datetime.fromisoformat(row.acquired_at or "")
    except ValueError:
        return False
    return True


def _point(
    workspace: Workspace, release: Release, row: StudyRow, into: Modality, actor: Actor
) -> tuple[TrendPoint, list[str]]:
    stored, own = load_stored_query(workspace, release, row.study_id, actor=actor)
    options = Options(targets=(into,), k=NEIGHBOURS)
    near, nothing_close, _ = neighbours_of(workspace, release, stored, own, options, actor=actor)
    carrying: Counter[str] = Counter()
    for one in near:
        carrying.update(findings(one.labels))
    rate = rate_of(stored.study.searched_trace)
    moment = datetime.fromisoformat(row.acquired_at or "").replace(tzinfo=None)
    point = TrendPoint(
        row.study_id,
        moment,
        None if rate is None else rate.per_minute,
        near[0].hamming if near else None,
        bool(near) and not nothing_close.get(into, True),
        sum(bool(one.labels) for one in near),
        dict(carrying),
    )
    return point, [one.study_id for one in near]
