"""What people ask of the inbox: how it stands, have what stays out taken up again, clear what is kept aside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.hospital.film_text import CHOSEN, LEFT_OUT, WAITS
from engine.hospital.inbox import Inbox
from engine.hospital.inbox_sight import in_sight
from engine.hospital.take_up import BESIDE, OTHER_BYTES
from engine.intake.burned_in_choice import Choice
from engine.store import arrivals
from engine.store.acts import Act
from engine.store.arrivals import Arrival
from engine.store.permission import require
from engine.store.received import Last
from engine.workspace.workspace import Workspace


@dataclass(frozen=True)
class InboxState:
    """How the inbox stands.

    waiting : files that nobody has taken up yet
    counts  : state → objects
    newest  : of objects, the newest first
    lasts   : the last echo and the last object
    """

    waiting: int
    counts: dict[str, int]
    newest: list[Arrival]
    lasts: dict[str, Last]


def inbox_state(workspace: Workspace, *, actor: Actor, limit: int = 100, noted: Collection[str] = ()) -> InboxState:
    """Return how the inbox stands, with the act of its being read where patients are named; objects that the actor may
    see. NotPermittedError for whom it is not.

    noted : patients of whom the actor's reading is on record already
    """
    require(workspace.database, actor, "receive")
    with Inbox(workspace.path) as inbox:
        waiting, lasts = len(inbox.waiting()), inbox.received.lasts()
    newest = in_sight(workspace, arrivals.newest(workspace.database, limit), actor=actor)
    if patients := sorted({one.patient_id for one in newest if one.patient_id} - set(noted)):
        workspace.audit("inbox read", actor=actor, patients=tuple(patients))
    return InboxState(waiting, arrivals.counts(workspace.database), newest, lasts)


def again(workspace: Workspace, *, burned_in: Choice | None = None, only: Arrival | None = None, actor: Actor) -> int:
    """Have objects taken up again; return how many.

    burned_in : what is done about those with text in the picture, which somebody has looked at; without it, those that
                were refused or left a question are meant. Who accompanies others and who came under a known number
                stays aside.
    only      : of these, this one alone
    """
    require(workspace.database, actor, "receive")
    stay_out = arrivals.newest(workspace.database, arrivals.ALL, arrivals.STAYS_OUT)
    among = [one for one in stay_out if only is None or (one.object, one.digest) == (only.object, only.digest)]
    chosen = in_sight(workspace, [one for one in among if _is_meant(one, burned_in)], actor=actor)
    wanted = {(one.object, one.digest): one for one in chosen}
    with Inbox(workspace.path) as inbox:
        kept = [one for one in inbox.put_aside() if (one.object, one.digest) in wanted]
        if not kept:
            return 0
        with workspace.database.recording(actor, _act(len(kept), burned_in)):
            chosen = [wanted[one.object, one.digest] for one in kept]
            arrivals.record(workspace.database, [_after(one, burned_in) for one in chosen], actor)
        for one in kept if burned_in != "refuse" else ():
            inbox.again(one)
    return len(kept)


def clear(workspace: Workspace, days: int, *, actor: Actor) -> int:
    """Delete what has been kept aside for so many days, with its rows; return how many objects.

    Raises UsageError for a negative number of days.
    """
    require(workspace.database, actor, "receive")
    if days < 0:
        raise UsageError("The number of days is negative: take 0 or more.")
    last = utc_now() - timedelta(days=days)
    old = arrivals.newest(workspace.database, arrivals.ALL, arrivals.STAYS_OUT)
    gone = {(one.object, one.digest) for one in old if one.reached_at is not None and one.reached_at <= last}
    with Inbox(workspace.path) as inbox:
        if gone:
            for kept in inbox.put_aside():
                if (kept.object, kept.digest) in gone:
                    kept.file.unlink(missing_ok=True)
            arrivals.forget(workspace.database, sorted(gone), actor)
    return len(gone)


def _is_meant(one: Arrival, burned_in: Choice | None) -> bool:
    return one.why in WAITS if burned_in else one.why not in (BESIDE, OTHER_BYTES, LEFT_OUT, *WAITS)


def _act(objects: int, burned_in: Choice | None) -> Act:
    return Act("inbox taken up again", about={"objects": objects, **({"text": burned_in} if burned_in else {})})


def _after(one: Arrival, burned_in: Choice | None) -> Arrival:
    """Return the state of an object after somebody's choice: received once more, or refused."""
    why = CHOSEN[burned_in] if burned_in else ""
    return replace(one, state="refused" if burned_in == "refuse" else "received", why=why)


def lines(found: InboxState) -> Sequence[str]:
    """Return how the inbox stands as lines for the shell."""
    counted = ", ".join(f"{n:,} {state}" for state, n in sorted(found.counts.items())) or "nothing came yet"
    lasts = [f"last {what}: {last.at} from {last.sender}" for what, last in sorted(found.lasts.items())]
    rows = [f"{one.reached_at:%Y-%m-%d %H:%M:%S}  {one.state:13}  {one.kind}  {one.why}" for one in found.newest]
    return [f"{found.waiting:,} waiting; {counted}", *lasts, *(row.rstrip() for row in rows)]
