"""What became of every object that came from the archive: a row for each state it went through.

The last row of an object and a digest is its state. A row is written in a transaction of its own, together with the
rows of the other objects that got there at the same moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from engine.actor import Actor
from engine.files import utc_now
from engine.store import bulk
from engine.store.acts import Act, note_all
from engine.store.database import Database

State = Literal["received", "de-identified", "judged", "stored", "set aside", "refused"]
STATES: tuple[State, ...] = ("received", "de-identified", "judged", "stored", "set aside", "refused")
STAYS_OUT: tuple[State, ...] = ("set aside", "refused")
ALL = 1_000_000  # more rows than an inbox has
LAST: tuple[State, ...] = ("stored", "set aside", "refused")  # in which an object stays
COLUMNS = "object, digest, state, why, kind, sender, study_id, patient_id, reached_at"
TYPES = {**dict.fromkeys(COLUMNS.split(", "), "VARCHAR"), "reached_at": "TIMESTAMP"}
NUMBER = {"number": "nextval('arrival_number')"}
NEWEST = (
    f"SELECT {COLUMNS}, number FROM arrivals QUALIFY row_number() OVER (PARTITION BY object, digest"
    " ORDER BY number DESC) = 1"
)


@dataclass(frozen=True)
class Arrival:
    """One state of one object.

    object, digest : keyed hashes of its SOP instance UID and of its bytes
    why            : why it is set aside or refused, one sentence in English
    kind           : name of its SOP class
    sender         : AE title of who sent it, or what it was fetched from
    """

    object: str
    digest: str
    state: State
    why: str = ""
    kind: str = ""
    sender: str = ""
    study_id: str | None = None
    patient_id: str | None = None
    reached_at: datetime | None = None


def record(database: Database, arrivals: Sequence[Arrival], actor: Actor) -> None:
    """Write states in one transaction; one in which an object stays is an act of the audit."""
    if arrivals:
        with database.write() as cursor:
            bulk.insert(cursor, "arrivals", TYPES, [_row(one) for one in arrivals], NUMBER)
            note_all(cursor, actor, [_act(one) for one in arrivals if one.state in LAST])


def newest(database: Database, limit: int = 100, states: Sequence[str] = STATES) -> list[Arrival]:
    """Return the state of each object that is in one of the states, the newest first."""
    sql = f"SELECT {COLUMNS} FROM ({NEWEST}) WHERE state IN (SELECT unnest(?)) ORDER BY number DESC LIMIT ?"
    return [Arrival(*row) for row in database.read(sql, [list(states), limit])]


def of_objects(database: Database, objects: Sequence[str]) -> list[Arrival]:
    """Return the state of each digest of objects, the earliest that came first."""
    sql = (
        f"SELECT {COLUMNS} FROM (SELECT *, min(number) OVER each AS first FROM arrivals"
        " WHERE object IN (SELECT unnest(?)) WINDOW each AS (PARTITION BY object, digest)"
        " QUALIFY number = max(number) OVER each) ORDER BY first"
    )
    return [Arrival(*row) for row in database.read(sql, [list(objects)])]


def counts(database: Database) -> dict[str, int]:
    """Return state → how many objects are in it, those with an object alone."""
    return dict(database.read(f"SELECT state, count(*) FROM ({NEWEST}) GROUP BY state"))


def forget(database: Database, gone: Sequence[tuple[str, str]], actor: Actor) -> None:
    """Delete every state of objects, (object, digest), and note the act."""
    about = {"objects": len(gone)}
    with database.write(actor, Act("inbox cleared", about=about)) as cursor:
        for pair in gone:
            cursor.execute("DELETE FROM arrivals WHERE object = ? AND digest = ?", list(pair))


def _row(one: Arrival) -> list[Any]:
    """Return the values of COLUMNS."""
    values = [one.object, one.digest, one.state, one.why, one.kind, one.sender, one.study_id, one.patient_id]
    return [*values, utc_now()]


def _act(one: Arrival) -> Act:
    about = {"state": one.state, "object": one.kind, "sender": one.sender}
    returned = (one.study_id,) if one.study_id else ()
    patients = (one.patient_id,) if one.patient_id else ()
    return Act("object taken up", returned=returned, patients=patients, about=about, refused=_said(one))


def _said(one: Arrival) -> str | None:
    return one.why if one.state == "refused" else None
