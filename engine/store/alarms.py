"""What the monitor found: windows of signals, alarms, who acknowledged them. Rows are only appended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store.acts import Act, note
from engine.store.audit_file import SYSTEM
from engine.store.database import Database

Level = Literal["look", "stop promoting"]
LOOK: Level = "look"
STOP: Level = "stop promoting"
Decision = Literal["mended", "expected"]
DECISIONS: tuple[Decision, ...] = ("mended", "expected")
MIN_REASON = 10  # characters
WINDOW = "release, modality, source, signal, reference, began_at, ended_at, n, value, low, high, effect, p"
ALARM = (
    "number, raised_at, level, modality, source, signal, reference, release, queries, value, usual_low, usual_high,"
    " evidence"
)


@dataclass(frozen=True)
class SignalWindow:
    """One signal of n patients of one source, held against one reference.

    reference : a data set of the release's profile, the collection, the source's own queries, or what was stated
    low, high : between which 95 of 100 windows of the reference lie
    effect    : how large the difference is, in the signal's own measure; p : how rare by chance
    """

    release: str
    modality: str
    source: str
    signal: str
    reference: str
    began_at: datetime
    ended_at: datetime
    n: int
    value: float
    low: float
    high: float
    effect: float
    p: float

    @property
    def stream(self) -> tuple[str, str, str]:
        """What one alarm is about: modality, source, signal."""
        return self.modality, self.source, self.signal


@dataclass(frozen=True)
class Alarm:
    """One alarm, a row of its own. queries: since the evidence began to grow. evidence: an e-value"""

    number: int
    raised_at: datetime
    level: Level
    modality: str
    source: str
    signal: str
    reference: str
    release: str
    queries: int
    value: float
    usual_low: float
    usual_high: float
    evidence: float

    @property
    def stream(self) -> tuple[str, str, str]:
        """What it is about: modality, source, signal."""
        return self.modality, self.source, self.signal


@dataclass(frozen=True)
class Acknowledgement:
    """That somebody looked, and what follows: the cause is mended, or it is expected from now on."""

    number: int
    modality: str
    source: str
    signal: str
    decision: Decision
    reason: str
    who: str
    made_at: datetime

    @property
    def stream(self) -> tuple[str, str, str]:
        """What it is about: modality, source, signal."""
        return self.modality, self.source, self.signal


def windows(database: Database, release: str) -> list[SignalWindow]:
    """Return the windows under a release, by its digest, in the order of their ends."""
    sql = f"SELECT {WINDOW} FROM monitor_windows WHERE release = ? ORDER BY ended_at, signal, reference"
    return [SignalWindow(*row) for row in database.read(sql, [release])]


def add_windows(cursor: duckdb.DuckDBPyConnection, made: Sequence[SignalWindow]) -> None:
    """Append windows, inside a transaction."""
    now, width = utc_now(), len(WINDOW.split(","))
    for one in made:
        values = [getattr(one, name.strip()) for name in WINDOW.split(",")]
        cursor.execute(f"INSERT INTO monitor_windows ({WINDOW}, made_at) VALUES ({'?, ' * width}?)", [*values, now])


def all_alarms(database: Database) -> list[Alarm]:
    """Return every alarm, oldest first."""
    return [Alarm(*row) for row in database.read(f"SELECT {ALARM} FROM alarms ORDER BY number")]


def acknowledgements(database: Database) -> list[Acknowledgement]:
    """Return every acknowledgement, oldest first."""
    columns = "number, modality, source, signal, decision, reason, who, made_at"
    return [Acknowledgement(*row) for row in database.read(f"SELECT {columns} FROM acknowledgements ORDER BY number")]


def standing(database: Database) -> list[Alarm]:
    """Return the alarms that nobody has acknowledged, one of each modality, source and signal: the newest."""
    rows = database.read(
        f"SELECT {ALARM} FROM alarms a WHERE NOT EXISTS (SELECT 1 FROM acknowledgements k WHERE k.modality = a.modality"
        " AND k.source = a.source AND k.signal = a.signal AND k.made_at >= a.raised_at)"
        " QUALIFY row_number() OVER (PARTITION BY modality, source, signal ORDER BY number DESC) = 1 ORDER BY number"
    )
    return [Alarm(*row) for row in rows]


def stopping(database: Database) -> list[Alarm]:
    """Return the standing alarms at which no release is promoted without a reason."""
    return [one for one in standing(database) if one.level == STOP]


def add_alarm(cursor: duckdb.DuckDBPyConnection, raised: Alarm) -> None:
    """Append an alarm with the next number, and its act, inside a transaction."""
    values = [getattr(raised, name.strip()) for name in ALARM.split(",")[1:]]
    places = ", ".join("?" * len(values))
    cursor.execute(f"INSERT INTO alarms ({ALARM}) VALUES (nextval('alarm_number'), {places})", values)
    about = {"level": raised.level, "modality": raised.modality, "source": raised.source, "signal": raised.signal}
    note(cursor, SYSTEM, Act("alarm", release=raised.release, about=about))


def acknowledge(database: Database, number: int, decision: str, reason: str, *, actor: Actor) -> Acknowledgement:
    """Acknowledge an alarm, and what else stands of its modality, source and signal; return what was recorded.

    Raises UsageError where no such alarm stands, the decision is none, or the reason is too short.
    """
    reason = " ".join(reason.split())
    if decision not in DECISIONS:
        raise UsageError(f"There is no decision '{decision}': use {' or '.join(DECISIONS)}.")
    if len(reason) < MIN_REASON:
        raise UsageError(f"The reason is too short: say in at least {MIN_REASON} characters what was found.")
    meant = next((one for one in standing(database) if one.number == number), None)
    if meant is None:
        raise UsageError(f"No alarm {number} stands: `casebind monitor show` lists those that do.")
    about = {"alarm": number, "decision": decision, "source": meant.source, "signal": meant.signal}
    made = Acknowledgement(number, *meant.stream, decision, reason, actor.name, utc_now())
    with database.write(actor, Act("alarm acknowledged", about=about)) as cursor:
        cursor.execute(
            "INSERT INTO acknowledgements VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [made.number, *made.stream, made.decision, made.reason, made.who, made.made_at],
        )
    return made
