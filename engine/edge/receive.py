"""What a device did offline → the workspace, each event once; and what the device is told.

A query is asked again by the full encoder under the device's own number, so that its ratings belong to it. A rating has
the number of its event. An event that came already, or is repeated after a crash between two of them, changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.actor import Actor
from engine.edge.messages import ENDING, FROM_DEVICE, NEWS, TO_DEVICE, read_message, unpacked_study, write_message
from engine.errors import CasebindError
from engine.files import utc_now
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.workspace.workspace import Workspace

AUDIT_ROWS = 20_000  # of refusals, looked at for those that came already


@dataclass(frozen=True)
class TakenFromDevice:
    """What came: events by kind, those left out with their reasons, and studies that the device is told to drop."""

    events: Mapping[str, int]
    left_out: tuple[str, ...]
    gone: int


def receive(
    workspace: Workspace, release: Release, folder: Path, key: bytes, *, actor: Actor, valid_days: int
) -> TakenFromDevice:
    """Take in all messages of a device, oldest first, and write what it is told; messages go once that is on disk."""
    files = sorted((folder / FROM_DEVICE).glob(f"*{ENDING}"))
    messages = [read_message(file, key) for file in files]
    answered: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for message in messages:
        for event in message["events"]:
            if event["key"] in answered:
                continue
            answered[event["key"]] = _taken(workspace, release, event, message["device"], actor)
            kinds[event["kind"]] += not answered[event["key"]]
    held = messages[-1]["holds"] if messages else []
    allowed = {row.study_id for row in workspace.rows(held, actor=actor)}
    gone = [study_id for study_id in held if study_id not in allowed]
    now = utc_now()
    news = {
        "as_of": now.isoformat(timespec="seconds"),
        "valid_until": (now + timedelta(days=valid_days)).isoformat(timespec="seconds"),
        "received": answered,
        "gone": gone,
        "serving": {"release": release.name, "digest": release.digest},
    }
    if messages:
        write_message(folder / TO_DEVICE / NEWS, news, key)
    for file in files:
        file.unlink()
    return TakenFromDevice(dict(kinds), tuple(reason for reason in answered.values() if reason), len(gone))


def _taken(workspace: Workspace, release: Release, event: Mapping[str, Any], device: str, actor: Actor) -> str:
    """Store one event; return why it is left out, or "" where it is here."""
    by = Actor(event["who"] or device)
    take: Callable[[], object] = {
        "query": lambda: _query(workspace, release, event, by),
        "rating": lambda: _rating(workspace, event, by),
        "refusal": lambda: _refusal(workspace, release, event, by),
    }[event["kind"]]
    try:
        take()
    except CasebindError as error:
        return str(error)
    return ""


def _query(workspace: Workspace, release: Release, event: Mapping[str, Any], by: Actor) -> None:
    if workspace.query(event["key"], actor=by) is None:
        search(workspace, release, unpacked_study(event["study"]), Options(), actor=by, query_id=event["key"])


def _rating(workspace: Workspace, event: Mapping[str, Any], by: Actor) -> None:
    workspace.row(event["study_id"], actor=by)  # raises where it is withdrawn or gone since it was shown
    workspace.rate(
        event["query_id"], event["study_id"], event["mark"], actor=by, release=event["release"], uid=event["key"]
    )


def _refusal(workspace: Workspace, release: Release, event: Mapping[str, Any], by: Actor) -> None:
    rows: Sequence[Any] = workspace.audit_rows(AUDIT_ROWS)
    if not any(row.query_id == event["key"] for row in rows):
        workspace.audit("refused", actor=by, query_id=event["key"], release=release.name, refused=event["reason"])
