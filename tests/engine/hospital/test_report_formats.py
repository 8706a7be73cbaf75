"""HL7 v2 messages and FHIR R4 resources are read as they are meant, and damage of any kind is one sentence."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

import pytest
from helpers.report_messages import HEAD, message, resource

from engine.errors import IntakeError
from engine.hospital import fhir_report, hl7
from engine.hospital.incoming_report import IncomingReport


def test_each_report_of_a_message_belongs_to_the_patient_before_it():
    first, second = message("One."), message("Two.", patient="H00002", filler="F2")
    both = first + second.partition(b"\r")[2]
    found = [hl7.report_of(one) for one in hl7.reports_in(both)]
    assert [(one.patient, one.text) for one in found] == [("H00001", "One."), ("H00002", "Two.")]
    with pytest.raises(IntakeError, match="several messages"):
        hl7.reports_in(first + second)
    typed = first.replace(b"|H00001^^^WARD^MR|", b"|999^^^STATE^SS~H00001^^^WARD^MR|")
    assert (hl7.report_of(typed).patient, hl7.report_of(typed).issuer) == ("H00001", "WARD")


def test_a_resource_that_a_report_does_not_refer_to_says_nothing_of_it():
    other = {"resourceType": "Patient", "identifier": [{"value": "H00009", "type": {"coding": [{"code": "MR"}]}}]}
    reports = [
        {
            "resourceType": "DiagnosticReport",
            "id": str(number),
            "status": "final",
            "conclusion": "Clear.",
            "subject": {"identifier": {"value": f"H0000{number}"}},
        }
        for number in (1, 2)
    ]
    entries = [{"resource": one} for one in (*reports, other)]
    made = fhir_report.reports_in(json.dumps({"resourceType": "Bundle", "entry": entries}).encode())
    assert [fhir_report.report_of(one).patient for one in made] == ["H00001", "H00002"]
    assert not any(b"H00009" in one for one in made)
    twice = [{"resource": {**other, "id": "p"}}, {"resource": {**other, "id": "p", "identifier": [{"value": "H2"}]}}]
    referring = {**reports[0], "subject": {"reference": "Patient/p"}}
    made = fhir_report.reports_in(
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": referring}, *twice]}).encode()
    )
    assert fhir_report.report_of(made[0]).patient == ""


def test_character_sets_escapes_repetitions_and_headings():
    made = message("x")
    body = "OBX|1|FT|1&GDT^^L||Größe \\T\\ Form\\.br\\\\X4F4B\\~zweite Zeile||||||F\rOBX|2|TX|1&IMP^^L||Erguß||||||F\r"
    for charset, codec in (
        ("UNICODE UTF-8", "utf-8"),
        ("8859/1", "latin-1"),
        ("8859/15", "iso8859-15"),
        ("", "latin-1"),
    ):
        data = made.replace(b"OBX|1|TX|1^^L||x||||||F\r", body.encode(codec)).replace(
            b"|2.5.1\r", b"|2.5.1||||||%s\r" % charset.encode()
        )
        expected = "FINDINGS:\nGröße & Form\nOK\nzweite Zeile\nIMPRESSION:\nErguß"
        assert hl7.report_of(data).text == expected
    for wrong in (
        b"",
        b"MSH|^~\\&|",
        HEAD,
        made.replace(b"|2.5.1\r", b"|2.5.1||||||JIS\r"),
        made.replace(b"|2.5.1\r", b"|2.5.1||||||8859/99\r"),
        b"MSH\r" + made[4:],
        made.replace(b"|TX|", b"|ED|"),
    ):
        with pytest.raises(IntakeError, match="have"):
            hl7.report_of(wrong)


def number_or_sentence(read: Callable[[bytes], IncomingReport], data: bytes) -> str:
    try:
        return f"{read(data).number}."
    except IntakeError as error:
        return str(error)


def test_damage_of_any_kind_is_one_sentence():
    draw = random.Random(7)
    narrative = {"status": "generated", "div": "<div>Clear.</div>"}
    for whole, read in ((message("Clear lungs."), hl7.report_of), (resource(text=narrative), fhir_report.report_of)):
        for _ in range(300):
            data = bytearray(whole)
            for _ in range(draw.randrange(1, 12)):
                at = draw.randrange(len(data))
                data[at : at + draw.randrange(3)] = bytes([draw.randrange(256)])
            assert re.fullmatch(r".+\.", number_or_sentence(read, bytes(data)), re.DOTALL)
    for data in (
        resource(conclusion="x").replace(b'"x"', b'"\\ud800"'),
        resource(text={"div": "<![nonsense["}),
        b"[" * 100_000,
    ):
        with pytest.raises(IntakeError):
            fhir_report.report_of(data)
    for wrong in ({"subject": 1}, {"basedOn": "x"}, {"presentedForm": [3]}, {"identifier": {}}, {"text": []}):
        with pytest.raises(IntakeError):
            fhir_report.report_of(resource(**{"presentedForm": [3], **wrong}))
