"""Rows leave as CSV that no spreadsheet runs, as audit messages of DICOM and as AuditEvents of FHIR R4."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from lxml import etree
from pydantic import ValidationError

from engine.actor import Actor
from engine.audit import atna
from engine.cli import run
from engine.store.acts import KINDS, Act
from engine.store.audit_file import AuditFile
from engine.store.audit_questions import AuditQuestion, asked

ANN = Actor("ann", session="s-1", roles=("clinician", "teacher"), signed_in=True)
FORMULA = "=cmd|' /C calc'!A0"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with AuditFile(tmp_path) as audit:
        for kind in KINDS:
            audit.append(ANN, Act(kind, query_id="q-1", code="ff", returned=("s1", "s2"), patients=("p1", "p10")))
        audit.append(Actor(FORMULA), Act("search", filters='a "b" <c> & \x07é', refused="No.", patients=("p2",)))
        audit.append(Actor("bob"), Act("sign-in refused", refused="They do not fit."))
    return tmp_path


def exported(folder: Path, form: str, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    capsys.readouterr()
    assert run(["audit", "export", "--format", form, "--workspace", str(folder), *options]) == 0
    return capsys.readouterr().out


def test_csv_has_a_line_a_row_and_no_formula(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(folder, "csv", capsys))))
    assert [int(row["n"]) for row in rows] == list(range(1, len(KINDS) + 4))
    assert rows[0]["returned"] == "s1; s2" and rows[0]["who"] == "ann"
    assert rows[-3]["who"] == f"'{FORMULA}"
    assert (rows[-1]["kind"], json.loads(rows[-1]["about"])) == ("record exported", {"format": "csv"})


def test_atna_follows_the_schema_of_dicom(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = etree.RelaxNG(etree.parse(str(Path(__file__).with_name("atna.rng"))))
    found = etree.fromstring(exported(folder, "atna", capsys).encode())
    schema.assertValid(found)
    assert len(found) == len(KINDS) + 3
    by_kind = dict(zip(KINDS, found, strict=False))
    event = by_kind["search"].find("EventIdentification")
    assert event.find("EventID").get("csd-code") == "110112" and event.get("EventOutcomeIndicator") == "0"
    people = by_kind["search"].findall("ActiveParticipant")
    assert [one.get("UserIsRequestor") for one in people] == ["true", "false"] and people[0].get("UserID") == "ann"
    assert [one.get("csd-code") for one in people[0].findall("RoleIDCode")] == ["clinician", "teacher"]
    objects = by_kind["search"].findall("ParticipantObjectIdentification")
    assert [one.get("ParticipantObjectID") for one in objects] == ["p1", "p10", "s1", "s2", "q-1"]
    assert found[-2].find("EventIdentification").get("EventOutcomeIndicator") == "4"


def test_fhir_has_what_an_audit_event_must_have(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = json.loads(exported(folder, "fhir", capsys))
    assert (bundle["resourceType"], bundle["type"], len(bundle["entry"])) == ("Bundle", "collection", len(KINDS) + 3)
    for entry in bundle["entry"]:
        event = entry["resource"]
        assert event["resourceType"] == "AuditEvent"
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", event["id"])
        assert event["type"]["system"].startswith("http") and event["type"]["code"].isdigit()
        assert event["action"] in "CRUDE" and event["outcome"] in ("0", "4", "8")
        assert INSTANT.fullmatch(event["recorded"])
        assert all(type(agent["requestor"]) is bool for agent in event["agent"]) and event["agent"]
        assert event["source"]["observer"]["display"]
        for entity in event.get("entity", ()):
            assert entity["what"]["identifier"]["value"] and entity["type"]["code"] and entity["role"]["code"]
    assert bundle["entry"][0]["resource"]["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    assert bundle["entry"][-2]["resource"]["outcomeDesc"] == "They do not fit."


def test_fhir_is_valid_r4b_and_each_entry_has_an_address(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = exported(folder, "fhir", capsys)
    bundle = Bundle.model_validate_json(words)
    assert all(isinstance(entry.resource, AuditEvent) for entry in bundle.entry)
    addresses = {entry.fullUrl for entry in bundle.entry}
    assert len(addresses) == len(bundle.entry) and all(one.startswith("urn:uuid:") for one in addresses)
    damaged = json.loads(words)
    del damaged["entry"][0]["resource"]["recorded"]
    with pytest.raises(ValidationError, match="recorded"):
        Bundle.model_validate(damaged)


def test_every_event_has_its_code() -> None:
    assert set(KINDS.values()) == set(atna.EVENTS)
    assert set(atna.TYPES) <= set(KINDS)


def test_questions_narrow_by_time_person_patient_kind_and_outcome(folder: Path) -> None:
    now = datetime.now(UTC)
    with AuditFile(folder) as audit:
        for question, expected in (
            (AuditQuestion(since=now + timedelta(hours=1)), 0),
            (AuditQuestion(until=now - timedelta(hours=1)), 0),
            (AuditQuestion(since=now - timedelta(hours=1), until=now + timedelta(hours=1)), len(KINDS) + 2),
            (AuditQuestion(who="bob"), 1),
            (AuditQuestion(patient="p1"), len(KINDS)),  # and not p10
            (AuditQuestion(patient="p2"), 1),
            (AuditQuestion(patient="ann"), 0),  # a person who is no patient
            (AuditQuestion(study="s2"), len(KINDS)),
            (AuditQuestion(refused=True), 2),
            (AuditQuestion(kinds=("search",)), 2),
            (AuditQuestion(events=("export",)), list(KINDS.values()).count("export")),
            (AuditQuestion(who="ann", events=("sign-in",)), list(KINDS.values()).count("sign-in")),
        ):
            assert len(asked(audit, question)) == expected, question
        newest = asked(audit, AuditQuestion(patient="p1"), newest=2)
        assert [body["n"] for body in newest] == [len(KINDS), len(KINDS) - 1]


def test_a_file_is_written_whole_and_for_its_owner(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert run(["audit", "export", "--workspace", str(folder), "--person", "bob", "--out", str(out)]) == 0
    assert out.read_text().count("sign-in refused") == 1 and out.stat().st_mode & 0o077 == 0
    assert run(["audit", "export", "--workspace", str(folder), "--out", str(tmp_path / "no" / "out.csv")]) == 2
