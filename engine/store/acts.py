"""Acts: what a person or a command did, as it goes into the audit.

An act that changes the record is noted in its own transaction (`note`, table `acts_due`); `Database.write` moves it to
audit.db after the commit, and an opening moves what a crash left. An act that changes nothing in the record is appended
at once, before what was asked for is given.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import duckdb

from engine.actor import Actor
from engine.store import bulk
from engine.store.audit_chain import canonical
from engine.store.rule import AccessRule, may, require
from engine.store.rule import Act as Permitted

Outcome = Literal["done", "refused", "failed"]
Event = Literal["application", "query", "access", "change", "export", "import", "sign-in", "security", "audit"]

# kind of act → the event of auditing that it is (engine.audit names them in ATNA and FHIR)
KINDS: dict[str, Event] = {
    "app started": "application",
    "app stopped": "application",
    "clock went back": "security",
    "search": "query",
    "again": "query",
    "part": "query",
    "like": "query",
    "trend": "query",
    "counterexamples": "query",
    "changes": "query",
    "refused": "query",
    "unsteady query": "query",
    "study opened": "access",
    "query opened": "access",
    "compared": "access",
    "explained": "access",
    "review": "access",
    "rated": "change",
    "rating undone": "change",
    "annotated": "change",
    "annotation deleted": "change",
    "search saved": "change",
    "search renamed": "change",
    "saved search deleted": "change",
    "shared": "change",
    "sharing ended": "change",
    "collection made": "change",
    "collection changed": "change",
    "collection deleted": "change",
    "quiz made": "change",
    "quiz changed": "change",
    "quiz deleted": "change",
    "quiz run": "access",
    "quiz answered": "change",
    "reader study made": "change",
    "reader study changed": "change",
    "reader study closed": "change",
    "reader study analysed": "access",
    "reading opened": "access",
    "reading answered": "change",
    "maker's link": "security",
    "guidelines": "change",
    "known pair": "change",
    "check begun": "access",
    "check answered": "change",
    "assignment": "change",
    "assignment withdrawn": "change",
    "adjudication": "change",
    "adjudication undone": "change",
    "notice accepted": "security",
    "language chosen": "change",
    "damage found": "security",
    "damage read": "audit",
    "ingest": "import",
    "archive searched": "query",
    "archive fetched": "import",
    "sent to the archive": "export",
    "listener started": "application",
    "listener stopped": "application",
    "sender refused": "security",
    "file refused": "import",
    "object taken up": "import",
    "inbox cleared": "change",
    "inbox taken up again": "change",
    "waiting film opened": "access",
    "inbox read": "access",
    "consents read": "access",
    "reports added": "import",
    "studies removed": "change",
    "import ratings": "import",
    "text in a film": "import",
    "export": "export",
    "backup": "export",
    "restored": "import",
    "round": "change",
    "round cancelled": "change",
    "adaptation": "change",
    "federation": "change",
    "promotion": "change",
    "rollback": "change",
    "reindex": "change",
    "setting": "change",
    "radii by group": "change",
    "monitored": "application",
    "alarm": "security",
    "alarm acknowledged": "change",
    "consent granted": "change",
    "consent withdrawn": "change",
    "consent imported": "import",
    "retention applied": "change",
    "erasure begun": "change",
    "erased": "change",
    "unlearnt": "change",
    "encrypted": "security",
    "key changed": "security",
    "query deleted": "change",
    "upload deleted": "change",
    "gate refused": "security",
    "signed in": "sign-in",
    "sign-in refused": "sign-in",
    "signed out": "sign-in",
    "sessions ended": "sign-in",
    "password set": "security",
    "account added": "security",
    "account closed": "security",
    "account reopened": "security",
    "account joined": "security",
    "role changed": "security",
    "link made": "security",
    "policies loaded": "security",
    "break-glass": "security",
    "emergency reported": "security",
    "emergency read": "audit",
    "refused access": "security",
    "record sealed": "audit",
    "record verified": "audit",
    "record read": "audit",
    "record exported": "audit",
}

# kind of act → what whoever does it must be allowed, one of them, asked again where it is noted: a page that was drawn
# before a role was taken away calls what it was drawn with. What was made before there were accounts is the
# administrator's, who makes no other.
NEEDS: dict[str, tuple[Permitted, ...]] = {
    **dict.fromkeys(("annotated", "annotation deleted", "search saved", "search renamed"), ("search",)),
    **dict.fromkeys(("saved search deleted", "shared", "sharing ended"), ("search",)),
    **dict.fromkeys(("rated", "rating undone"), ("rate",)),
    **dict.fromkeys(("guidelines", "known pair", "adjudication", "adjudication undone"), ("review",)),
    **dict.fromkeys(("check begun", "check answered", "assignment", "assignment withdrawn"), ("review",)),
    **dict.fromkeys(("collection made", "collection changed", "collection deleted"), ("collect", "people")),
    **dict.fromkeys(("quiz made", "quiz changed", "quiz deleted"), ("teach", "people")),
    **dict.fromkeys(("quiz run", "quiz answered"), ("learn",)),
    **dict.fromkeys(("reader study made", "reader study changed", "reader study closed"), ("curate", "people")),
    **dict.fromkeys(("reading opened", "reading answered"), ("search",)),
    **dict.fromkeys(("alarm acknowledged", "radii by group"), ("curate",)),
    **dict.fromkeys(("inbox cleared", "inbox taken up again"), ("receive",)),
}


@dataclass(frozen=True)
class Act:
    """One act.

    kind     : of KINDS
    code     : the packed bits of a query, as hex
    returned : ids of the studies that were shown, opened, exported or changed
    patients : their patients' pseudonyms
    filters  : the filters of a search, or what else was asked, in words
    refused  : the sentence that was said instead
    about    : further plain facts; pseudonyms alone, no names of patients and no free text
    """

    kind: str
    query_id: str | None = None
    code: str | None = None
    returned: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    release: str | None = None
    filters: str | None = None
    refused: str | None = None
    outcome: Outcome | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def body_of(actor: Actor, act: Act) -> dict[str, Any]:
    """Return the body of an act's row but for its number and the moment at which it was recorded."""
    body: dict[str, Any] = {
        "entry": uuid.uuid4().hex,
        "time": datetime.now(UTC).isoformat(timespec="microseconds"),
        "who": actor.name,
        "session": actor.sign_in or actor.session,
        "roles": list(actor.roles),
        "purpose": actor.purpose,
        "use": actor.use if actor.signed_in else "",
        "reason": actor.reason,
        "kind": act.kind,
        "query_id": act.query_id,
        "code": act.code,
        "returned": list(act.returned),
        "patients": list(act.patients),
        "release": act.release,
        "filters": act.filters,
        "refused": act.refused,
        "outcome": act.outcome or ("refused" if act.refused else "done"),
        "about": dict(act.about),
    }
    return without_blanks(body)


def without_blanks(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without what says nothing."""
    return {key: value for key, value in body.items() if value not in (None, "", [], {})}


def require_for(rule: AccessRule | None, actor: Actor, act: Act) -> None:
    """Raise NotPermittedError where a rule does not let the actor do what an act is."""
    needed = NEEDS.get(act.kind, ())
    if needed and not any(may(rule, actor, one) for one in needed):
        require(rule, actor, needed[0])


def note(cursor: duckdb.DuckDBPyConnection, actor: Actor, act: Act) -> str:
    """Note an act inside its transaction; return the id of its entry."""
    body = body_of(actor, act)
    cursor.execute(
        "INSERT INTO acts_due VALUES (nextval('event_number'), ?, ?)", [body["entry"], canonical(body).decode()]
    )
    return str(body["entry"])


def note_all(cursor: duckdb.DuckDBPyConnection, actor: Actor, acts: Sequence[Act]) -> None:
    """Note acts inside their transaction, in their order."""
    bodies = [body_of(actor, one) for one in acts]
    rows = [(body["entry"], canonical(body).decode()) for body in bodies]
    bulk.insert(
        cursor, "acts_due", {"entry": "VARCHAR", "body": "VARCHAR"}, rows, {"number": "nextval('event_number')"}
    )


def note_in_people(run: Callable[..., Any], actor: Actor, act: Act) -> None:
    """Note an act inside a transaction of people.db."""
    body = body_of(actor, act)
    run("INSERT INTO acts_due (entry, body) VALUES (?, ?)", (body["entry"], canonical(body).decode()))
