"""Films that wait in the inbox for somebody to look at their pictures: which they are, and how one looks."""

from __future__ import annotations

from dataclasses import dataclass

from engine.actor import Actor
from engine.errors import NotPermittedError, UsageError
from engine.hospital.film_text import WAITS
from engine.hospital.inbox import Inbox
from engine.hospital.inbox_sight import in_sight
from engine.intake.limited import read_limited, text_boxes_limited
from engine.store import arrivals
from engine.store.arrivals import STAYS_OUT, Arrival
from engine.store.permission import require
from engine.store.rule import NOT_YOURS
from engine.study import Box, Study
from engine.workspace.workspace import Workspace


@dataclass(frozen=True, eq=False)
class WaitingFilm:
    """A film as it would be stored, but for its picture.

    boxes : where it seems to carry text, in shares of the picture; None where text could not be looked for
    """

    study: Study
    boxes: tuple[Box, ...] | None


def films_that_wait(workspace: Workspace, *, actor: Actor) -> list[Arrival]:
    """Return the films that wait for somebody to look, the oldest first; NotPermittedError for whom it is not."""
    require(workspace.database, actor, "receive")
    found = arrivals.newest(workspace.database, arrivals.ALL, STAYS_OUT)
    return in_sight(workspace, [one for one in reversed(found) if one.why in WAITS], actor=actor)


def waiting_film(workspace: Workspace, wanted: Arrival, *, actor: Actor) -> WaitingFilm:
    """Return a film that waits, with the act of its being looked at.

    Raises UsageError where it waits no longer, IntakeError where it cannot be read, NotPermittedError for whom it is
    not.
    """
    require(workspace.database, actor, "receive")
    if not in_sight(workspace, [wanted], actor=actor):
        raise NotPermittedError(NOT_YOURS)
    with Inbox(workspace.path) as inbox:
        kept = [one for one in inbox.put_aside() if (one.object, one.digest) == (wanted.object, wanted.digest)]
        if not kept:
            raise UsageError("This film waits no longer: somebody else has chosen, or it was cleared.")
        upload = kept[0].upload()
    patients = (wanted.patient_id,) if wanted.patient_id else ()
    workspace.audit("waiting film opened", actor=actor, patients=patients)
    study = read_limited([upload], key=workspace.key)
    return WaitingFilm(study, text_boxes_limited(study.film))
