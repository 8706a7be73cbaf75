"""The acts that a command carries out itself, or asks of the app where that has the workspace open."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from engine.actor import Actor
from engine.consent import withdrawal
from engine.consent.fhir_consent import read_consents, still_withdrawn
from engine.consent.retention import retain
from engine.consent.unlearning import unlearn, verify
from engine.errors import WorkspaceBusyError
from engine.federation import candidate
from engine.files import utc_now
from engine.hospital import inbox_acts
from engine.intake.burned_in_choice import CHOICES
from engine.monitor.run import run
from engine.monitor.watched import watched
from engine.store.alarms import acknowledge
from engine.store.classes import Attributes, counted
from engine.store.consents import withdrawals
from engine.upkeep.backup import copy_database
from engine.workspace import encrypting
from engine.workspace.agreements import agree
from engine.workspace.erasure import erase, without_ids
from engine.workspace.patients import patient_meant, patient_of
from engine.workspace.requests import Act, Facts, RequestServer, ask
from engine.workspace.workspace import Workspace, open_workspace


def carry_out(folder: Path, name: str, facts: Facts, who: str) -> Facts:
    """Carry an act out in this process where the workspace is free, by the running app where that has it.

    Returns what came of it; raises UsageError with its sentence, WorkspaceBusyError where neither can do it.
    """
    facts = {**facts, "who": who}
    try:
        with open_workspace(folder) as workspace:
            return ACTS[name](workspace, facts)
    except WorkspaceBusyError as busy:
        return ask(folder, name, facts, busy)


def serve(folder: Path) -> RequestServer:
    """Carry out from now on what commands ask of this process, which has the workspace open."""
    return RequestServer(folder, ACTS)


def _decide(workspace: Workspace, facts: Facts) -> Facts:
    patient_id, scopes = patient_meant(workspace, str(facts["patient"])), tuple(facts["scopes"])
    withdrawal.decide(workspace, patient_id, scopes, granted=bool(facts["granted"]), actor=Actor(str(facts["who"])))
    return {"patient": patient_id, "scopes": withdrawal.stated(workspace, patient_id)}


def _import(workspace: Workspace, facts: Facts) -> Facts:
    """Record what the Consents of a file decide; one whose patient is not here records nothing of any."""
    actor, done = Actor(str(facts["who"])), []
    documents = read_consents(str(facts["words"]), utc_now())
    meant = [patient_of(workspace, one.patient, one.issuers) for one in documents]
    for patient, one in zip(meant, documents, strict=True):
        kept = still_withdrawn(one, {gone.scope: gone.since for gone in withdrawals(workspace.database, [patient])})
        decided = {scope: granted for scope, granted in one.scopes.items() if scope not in kept}
        withdrawal.decide_each(workspace, patient, decided, actor=actor)
        done.append(
            {"patient": patient, "scopes": withdrawal.stated(workspace, patient), "still_withdrawn": list(kept)}
        )
    return {"consents": done}


def _withdrawn(workspace: Workspace, facts: Facts) -> Facts:
    rows = withdrawals(workspace.database)
    return {"withdrawn": [{**one._asdict(), "since": one.since.isoformat(timespec="seconds")} for one in rows]}


def _agree(workspace: Workspace, facts: Facts) -> Facts:
    known = Attributes(**facts["attributes"])
    return {"studies": agree(workspace, str(facts["cohort"]), known, actor=Actor(str(facts["who"])))}


def _classes(workspace: Workspace, facts: Facts) -> Facts:
    return {"classes": len(counted(workspace.database))}


def _erase(workspace: Workspace, facts: Facts) -> Facts:
    patients = [patient_meant(workspace, str(one)) for one in facts["patients"]]
    reason = without_ids(str(facts["reason"]), [str(one) for one in facts["patients"]])  # by the hospital's number, too
    made = erase(workspace.storage, patients, facts["queries"], actor=Actor(str(facts["who"])), reason=reason)
    return {"certificate": {**asdict(made), "whole": made.whole}, "page": made.page}


def _retain(workspace: Workspace, facts: Facts) -> Facts:
    return asdict(retain(workspace, actor=Actor(str(facts["who"])), rewrite=True))


def _unlearn(workspace: Workspace, facts: Facts) -> Facts:
    return asdict(unlearn(workspace, patient_meant(workspace, str(facts["patient"])), actor=Actor(str(facts["who"]))))


def _verify(workspace: Workspace, facts: Facts) -> Facts:
    found = verify(workspace, patient_meant(workspace, str(facts["patient"])), steps=facts["steps"])
    return {**asdict(found), "digests_equal": found.equal}


def _copy(workspace: Workspace, facts: Facts) -> Facts:
    return {"file": str(copy_database(workspace))}


def _encrypt(workspace: Workspace, facts: Facts) -> Facts:
    actor, source = Actor(str(facts["who"])), str(facts["source"])
    made: Facts = {}
    if facts["rotate"]:
        made["rotated"] = encrypting.rotate(workspace, source, actor=actor)
    else:
        encrypting.begin(workspace, source, actor=actor)
    done = encrypting.encrypt_plain(workspace, float(facts["seconds"]))
    return {**made, **asdict(done), "disk": encrypting.disk_is_encrypted(workspace.path)}


def _patients(workspace: Workspace, facts: Facts) -> Facts:
    return {"patients": sorted({row.patient_id for row in workspace.all_rows()})}


def _inbox(workspace: Workspace, facts: Facts) -> Facts:
    found = inbox_acts.inbox_state(workspace, actor=Actor(str(facts["who"])), limit=int(facts["limit"]))
    return {"lines": list(inbox_acts.lines(found)), "state": json.loads(json.dumps(asdict(found), default=str))}


def _inbox_again(workspace: Workspace, facts: Facts) -> Facts:
    chosen = next((one for one in CHOICES if one == facts["burned_in"]), None)
    return {"objects": inbox_acts.again(workspace, burned_in=chosen, actor=Actor(str(facts["who"])))}


def _inbox_clear(workspace: Workspace, facts: Facts) -> Facts:
    return {"objects": inbox_acts.clear(workspace, int(facts["days"]), actor=Actor(str(facts["who"])))}


def _monitor(workspace: Workspace, facts: Facts) -> Facts:
    from engine.model.release import load_release
    from engine.workspace.serving import serving_release

    found = run(workspace, serving_release(workspace, load_release()), actor=Actor(str(facts["who"])))
    raised = json.loads(json.dumps([asdict(one) for one in found.alarms], default=str))
    return {"windows": found.windows, "alarms": raised}


def _watch(workspace: Workspace, facts: Facts) -> Facts:
    return watched(workspace, actor=Actor(str(facts["who"])))


def _acknowledge(workspace: Workspace, facts: Facts) -> Facts:
    number, decision, reason = int(facts["number"]), str(facts["decision"]), str(facts["reason"])
    made = acknowledge(workspace.database, number, decision, reason, actor=Actor(str(facts["who"])))
    return {"number": made.number, "decision": made.decision}


ACTS: dict[str, Act] = {
    "monitor": _monitor,
    "watch": _watch,
    "acknowledge": _acknowledge,
    "decide": _decide,
    "import consent": _import,
    "withdrawn": _withdrawn,
    "agree": _agree,
    "classes": _classes,
    "erase": _erase,
    "retain": _retain,
    "unlearn": _unlearn,
    "verify": _verify,
    "encrypt": _encrypt,
    "patients": _patients,
    "copy": _copy,
    "federation gives": candidate.give,
    "federation takes": candidate.take,
    "inbox": _inbox,
    "inbox again": _inbox_again,
    "inbox clear": _inbox_clear,
}
