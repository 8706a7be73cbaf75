"""Consents of FHIR become decisions: what is understood is granted, all else is withdrawn, later withdrawals stay."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.consent import Consent
from helpers.studies import fill

from engine.actor import single_user
from engine.cli import run
from engine.consent.fhir_consent import read_consents
from engine.errors import UsageError
from engine.intake.pseudonyms import patient_pseudonym
from engine.store.audit_file import AuditFile
from engine.workspace.workspace import Workspace

ME = single_user()
NOW = datetime(2026, 11, 30)
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
NONE = {"retrieval": False, "training": False, "teaching": False, "federation": False}


def rule(kind: str | None, *purposes: str, **more: Any) -> dict[str, Any]:
    """Return a provision; purposes are codes of HL7, or scopes of ours."""
    coded = [{"system": REASON if one.isupper() else "urn:casebind", "code": one} for one in purposes]
    return {**({"type": kind} if kind else {}), **({"purpose": coded} if coded else {}), **more}


def document(provision: dict[str, Any] | None, number: str = "p1", **more: Any) -> dict[str, Any]:
    """Return a Consent that FHIR R4B takes."""
    scope = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]}
    made = {
        "resourceType": "Consent",
        "status": "active",
        "scope": scope,
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"identifier": {"value": number}},
        "dateTime": "2026-11-01",
        **({} if provision is None else {"provision": provision}),
        **more,
    }
    Consent.model_validate(made)
    return made


def said(provision: dict[str, Any] | None, **more: Any) -> set[str]:
    """Return the scopes that a document grants."""
    (found,) = read_consents(json.dumps(document(provision, **more)), NOW)
    return {scope for scope, granted in found.scopes.items() if granted}


ALL = {"retrieval", "training", "teaching", "federation"}


@pytest.mark.parametrize(
    ("provision", "granted"),
    [
        (rule("permit"), ALL),
        (rule("permit", "HRESCH"), {"retrieval", "training"}),
        (rule("permit", "TRAIN"), {"retrieval", "teaching"}),
        (rule("permit", "retrieval"), {"retrieval"}),
        (rule("permit", "HMARKT"), set()),
        (rule("deny"), set()),
        (rule("deny", provision=[rule("permit", "HRESCH")]), {"retrieval", "training"}),
        (rule(None, provision=[rule("permit", "TREAT")]), {"retrieval"}),
        (rule("permit", provision=[rule("deny", "teaching")]), {"retrieval", "training", "federation"}),
        (rule("permit", "federation", "training", "retrieval"), {"retrieval", "training", "federation"}),
        (rule("permit", provision=[rule("deny", "HMARKT")]), set()),
        (rule("permit", provision=[rule("permit", "HRESCH"), rule("deny", "training")]), ALL - {"training"}),
        (rule("deny", "TREAT", provision=[rule("permit", "HRESCH")]), set()),
        (rule("permit", period={"start": "2026-01-01"}), ALL),
        (rule("permit", period={"start": "2027-01-01"}), set()),
        (rule("permit", period={"end": "2030-01-01"}), set()),
        (rule("permit", code=[{"coding": [{"code": "x"}]}]), set()),
        (rule("permit", provision=[rule("deny", code=[{"coding": [{"code": "x"}]}])]), set()),
        (None, set()),
    ],
)
def test_what_is_understood_is_granted_and_all_else_is_not(provision: dict[str, Any] | None, granted: set[str]):
    assert said(provision) == granted


def test_a_consent_that_is_no_more_grants_nothing_and_a_draft_decides_nothing():
    assert said(rule("permit"), status="inactive") == said(rule("permit"), status="rejected") == set()
    with pytest.raises(UsageError, match="the status 'draft', which decides nothing"):
        said(rule("permit"), status="draft")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("{", "no JSON"),
        ("[]", "holds no Consent"),
        ('{"resourceType": "Patient"}', "holds no Consent"),
        ('{"resourceType": "Consent", "status": "active"}', "names no patient"),
        (json.dumps({**document(None), "provision": [1]}), "not built as FHIR R4 says"),
        (json.dumps({**document(None), "dateTime": "soon"}), "not built as FHIR R4 says"),
    ],
)
def test_what_is_no_consent_is_one_sentence(words: str, why: str):
    with pytest.raises(UsageError, match=why):
        read_consents(words, NOW)


def imported(place: Workspace, file: Path, capsys: pytest.CaptureFixture[str], *documents: dict[str, Any]) -> Any:
    """Import documents by the command; return what it prints as JSON, or its status and its error."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in documents]}
    file.write_text(json.dumps(documents[0] if len(documents) == 1 else bundle), encoding="utf-8")
    place.close()
    capsys.readouterr()
    status = run(["consent", "import", str(file), "--json", "--workspace", str(place.path)])
    out, err = capsys.readouterr()
    return json.loads(out)["consents"] if status == 0 else (status, err)


def test_the_command_records_what_was_decided_and_a_later_withdrawal_stays(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    named = patient_pseudonym(workspace.key, "4711", "WARD")
    fill(workspace, 1, patient_id=named)
    other = next(row.patient_id for row in workspace.all_rows() if row.patient_id != named)
    workspace.set_consent(other, False, actor=ME, scope="training")
    ward = {"identifier": {"value": "4711", "assigner": {"display": "WARD"}}}
    documents = [document(rule("permit", "TREAT"), patient=ward), document(rule("permit"), other)]
    first, second = imported(workspace, tmp_path / "c.json", capsys, *documents)
    assert first == {"patient": named, "scopes": {**NONE, "retrieval": True}, "still_withdrawn": []}
    assert second["scopes"] == {**dict.fromkeys(NONE, True), "training": False}
    assert second["still_withdrawn"] == ["training"]
    (third,) = imported(workspace, tmp_path / "c.json", capsys, document(rule("permit"), other, dateTime="2999-01-01"))
    assert set(third["scopes"].values()) == {True}


def test_it_is_a_row_of_the_record_and_an_unknown_patient_records_nothing_of_anybody(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (one, *_) = {row.patient_id for row in workspace.all_rows()}
    rows = workspace.audit_rows()
    documents = [document(rule("deny"), one), document(rule("permit"), "4712")]
    status, said_why = imported(workspace, tmp_path / "c.json", capsys, *documents)
    assert status == 2 and "There is no patient 4712" in said_why
    assert len(kinds(workspace)) == len(rows)
    imported(workspace, tmp_path / "c.json", capsys, documents[0])
    assert kinds(workspace).count("consent withdrawn") == len(NONE) and "consent imported" in kinds(workspace)


def kinds(place: Workspace) -> list[str]:
    """Return the kinds of the rows of a workspace that is closed."""
    with AuditFile(place.path) as audit:
        return [body["kind"] for body in audit.rows()]
