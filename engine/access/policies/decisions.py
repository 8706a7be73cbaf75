"""What the policies decide of an actor with an account, once for each class of studies and each act, and kept.

What was decided counts for as long as nothing that it depends on is different: the text of the policies, the person's
roles and attributes, the purpose, the day, the classes. All of that is looked at anew before every answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import cedarpy

from engine.access.policies import policy_files
from engine.access.policies.policy_files import LoadedPolicies
from engine.actor import Actor
from engine.errors import NotPermittedError
from engine.store.classes import Attributes
from engine.store.rule import ACTS, Act

MOST_KEPT = 512  # actors
PERSON, CLASS, HERE = "Casebind::Person", "Casebind::StudyClass", 'Casebind::Workspace::"here"'


class Decided(NamedTuple):
    """What holds for an actor: the classes seen (None for all), the acts permitted, and the policies that said so."""

    classes: tuple[int, ...] | None
    acts: frozenset[Act]
    why: dict[int | Act, tuple[str, ...]]


class Decisions:
    """The policies of one workspace. A change of its files counts in the next answer.

    folder : the workspace's; read_classes : returns its classes of studies
    note   : puts on record which policies count; called before anything is decided by them
    """

    def __init__(
        self,
        folder: Path,
        read_classes: Callable[[], Mapping[int, Attributes]],
        note: Callable[[LoadedPolicies], None] = lambda loaded: None,
    ) -> None:
        self._folder, self._home = folder, str(folder / policy_files.FOLDER)
        self._read_classes, self._note = read_classes, note
        self._lock = threading.Lock()
        self._stamp: Any = None
        self._loaded: LoadedPolicies | None = None
        self._classes: Mapping[int, Attributes] | None = None
        self._kept: dict[Any, Decided] = {}

    def classes(self, actor: Actor) -> tuple[int, ...] | None:
        """Return the classes of studies that the actor sees; None for all."""
        return self.decided(actor).classes if actor.signed_in else None

    def may(self, actor: Actor, act: Act) -> bool:
        """Return whether the actor may do something."""
        return not actor.signed_in or act in self.decided(actor).acts

    def look_again(self) -> None:
        """Have the classes of studies read again."""
        with self._lock:
            self._classes = None
            self._kept = {}

    def policies(self) -> LoadedPolicies:
        """Return the policies that count now."""
        stamp = policy_files.stamp_of(self._home)
        with self._lock:
            if self._loaded is None or stamp != self._stamp:
                loaded = policy_files.parsed(policy_files.text_of(self._folder))
                self._note(loaded)
                self._loaded, self._stamp = loaded, stamp
            return self._loaded

    def decided(self, actor: Actor) -> Decided:
        """Return all that holds for an actor with an account; NotPermittedError where the policies are broken."""
        loaded, today = self.policies(), datetime.now(UTC).date().isoformat()
        if loaded.handle is None:
            raise NotPermittedError(
                "The policies of this workspace cannot be read, so nothing is open: ask your administrator to run"
                " `casebind policy check`."
            )
        with self._lock:
            if self._classes is None:
                self._classes = self._read_classes()
            classes = self._classes
            name = (loaded.digest, actor.roles, actor.attributes, actor.use, actor.reason, today, id(classes))
            if name in self._kept:
                return self._kept[name]
        found = decide(loaded, actor, classes, today)
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept = {}
            if classes is self._classes:
                self._kept[name] = found
        return found


def decide(loaded: LoadedPolicies, actor: Actor, classes: Mapping[int, Attributes], today: str) -> Decided:
    """Ask the policies about every class of studies and every act; what fails while it is decided is refused.

    today : ISO 8601
    """
    asked: list[tuple[int | Act, dict[str, Any]]] = [
        *((one, _request("see", f'{CLASS}::"{one}"', actor, today)) for one in classes),
        *((act, _request(act, HERE, actor, today)) for act in ACTS),
    ]
    entities = [_person(actor), {"uid": {"type": "Casebind::Workspace", "id": "here"}, "attrs": {}, "parents": []}]
    entities += [_class(number, attributes) for number, attributes in classes.items()]
    requests = [request for _, request in asked]
    answers = cedarpy.is_authorized_batch(requests, loaded.handle, entities, policy_files.schema())
    allowed, why = set(), {}
    for (about, _), answer in zip(asked, answers, strict=True):
        why[about] = tuple(loaded.names.get(one, one) for one in answer.diagnostics.reasons)
        if answer.allowed and not answer.diagnostics.errors:
            allowed.add(about)
    seen = tuple(one for one in classes if one in allowed)
    return Decided(None if len(seen) == len(classes) else seen, frozenset(one for one in ACTS if one in allowed), why)


def _request(action: str, resource: str, actor: Actor, today: str) -> dict[str, Any]:
    return {
        "principal": {"type": PERSON, "id": actor.name},
        "action": f'Casebind::Action::"{action}"',
        "resource": resource,
        "context": {"purpose": actor.use, "reason": actor.reason, "today": _day(today)},
    }


def _person(actor: Actor) -> dict[str, Any]:
    known = dict(actor.attributes)
    projects = [one.strip() for one in known.get("project", "").split(",") if one.strip()]
    attributes = {"roles": list(actor.roles), "department": known.get("department", ""), "projects": projects}
    return {"uid": {"type": PERSON, "id": actor.name}, "attrs": attributes, "parents": []}


def _class(number: int, known: Attributes) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "department": known.department,
        "project": known.project,
        "sensitive": known.sensitive,
    }
    if known.agreement_ends:
        attributes["agreement_ends"] = _day(known.agreement_ends)
    return {"uid": {"type": CLASS, "id": str(number)}, "attrs": attributes, "parents": []}


def _day(iso: str) -> dict[str, Any]:
    return {"__extn": {"fn": "datetime", "arg": iso}}
