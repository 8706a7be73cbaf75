"""Typed words find what the collection labels so; unknown words find nothing unless nearness is asked for."""

from __future__ import annotations

import json

import pytest

from engine.actor import single_user
from engine.cli import run
from engine.evaluate import typed as figures
from engine.findings.recogniser import labels_of, recognise
from engine.intake.read import read_text
from engine.model.release import Release
from engine.retrieval import typed_wording
from engine.retrieval.answer import Answer, Options
from engine.retrieval.search import Filters, counterexamples, search, search_stored
from engine.workspace.workspace import Workspace


def ask(workspace: Workspace, release: Release, words: str, **options: object) -> Answer:
    asked = Options(**{"k": 5, **options})  # type: ignore[arg-type]
    return search(workspace, release, read_text(words), asked, actor=single_user())


def of(answer: Answer, modality: str) -> list[tuple[str, ...]]:
    return [one.labels for one in answer.neighbours if one.modality == modality]


def labelled(workspace: Workspace, modality: str, finding: str) -> tuple[int, int]:
    """Return how many studies carry a finding, and of how many patients they are."""
    rows = [row for row in workspace.rows(actor=single_user()) if row.modality == modality]
    found = [row.patient_id for row in rows if labels_of(finding, row.labels)]
    return len(found), len(set(found))


@pytest.mark.parametrize(
    ("words", "finding", "label"),
    [
        ("LVH", "left ventricular hypertrophy", "left ventricular hypertrophy"),
        ("Vorhofflimmern", "atrial fibrillation", "atrial fibrillation"),
        ("normal ECG", "normal ECG", "normal ECG"),
    ],
)
def test_a_known_finding_finds_what_is_labelled_so_by_nearness(workspace, release, words, finding, label):
    answer = ask(workspace, release, words, targets=("ecg",))
    n, patients = labelled(workspace, "ecg", finding)
    assert n > 0 and answer.typed is not None
    (count,) = answer.typed.counts["ecg"]
    assert (count.findings, count.studies) == ((finding,), n)
    assert typed_wording.counts(answer.typed, "ecg") == f"{n} ECG{'s' * (n > 1)} labelled {finding}."
    first = [one for one in answer.neighbours if one.study_id in answer.typed.labelled_as]
    assert first == list(answer.neighbours[: len(first)]) and len(first) == min(patients, 5)
    assert all(label in one.labels for one in first)
    assert [one.hamming for one in first] == sorted(one.hamming for one in first)
    assert [one.rank for one in answer.neighbours] == [1, 2, 3, 4, 5]
    assert {one.relevance for one in answer.neighbours} == {None}
    assert len({one.patient_id for one in answer.neighbours}) == 5


def test_what_is_not_labelled_so_follows_and_no_normal_one_denies_it(workspace, release):
    answer = ask(workspace, release, "LVH", targets=("ecg",), k=20)
    labels = of(answer, "ecg")
    has = [bool(labels_of("left ventricular hypertrophy", one)) for one in labels]
    assert has == sorted(has, reverse=True) and not has[-1]
    assert not any("normal ECG" in one for one in labels)


def test_a_denied_finding_is_left_out_and_normal_studies_come_first(workspace, release):
    answer = ask(workspace, release, "no atrial fibrillation", targets=("ecg",), k=20)
    labels = of(answer, "ecg")
    assert labels and all(one and "atrial fibrillation" not in one for one in labels)
    normal = ["normal ECG" in one for one in labels]
    assert normal == sorted(normal, reverse=True) and normal[0]


def test_several_findings_come_together_first(workspace, release):
    answer = ask(workspace, release, "left ventricular hypertrophy and atrial fibrillation", targets=("ecg",), k=20)
    shared = [
        sum(bool(labels_of(one.finding, labels)) for one in recognise("LVH and AF")) for labels in of(answer, "ecg")
    ]
    assert shared == sorted(shared, reverse=True)
    assert answer.typed is not None and len(answer.typed.counts["ecg"]) == 3  # both, and each


def test_filters_and_consent_hold(workspace, release):
    finding = "atrial fibrillation"
    women = ask(workspace, release, finding, targets=("ecg",), k=20, filters=Filters(sex="F"))
    assert women.neighbours and {one.sex for one in women.neighbours} == {"F"}
    patient = ask(workspace, release, finding, targets=("ecg",)).neighbours[0].patient_id
    before, _ = labelled(workspace, "ecg", finding)
    workspace.set_consent(patient, False, actor=single_user())
    answer = ask(workspace, release, finding, targets=("ecg",), k=20)
    assert patient not in {one.patient_id for one in answer.neighbours}
    assert answer.typed is not None and answer.typed.counts["ecg"][0].studies < before


def test_unknown_words_find_nothing_and_name_what_is_near(workspace, release):
    answer = ask(workspace, release, "asdf")
    assert answer.neighbours == () and set(answer.nothing_close.values()) == {True}
    assert answer.typed is not None and answer.to_json()["understood"] == []
    assert typed_wording.understood(answer.typed).startswith("No finding of that name.")
    near = ask(workspace, release, "liquid has collected beside the lung").typed
    assert near is not None and "pleural effusion" in near.near_in_meaning
    spelt = ask(workspace, release, "attrial fibrilation thing").typed
    assert spelt is not None and (spelt.understood or spelt.near_in_spelling)

    wanted = ask(workspace, release, "asdf", by_meaning=True)
    assert len(wanted.neighbours) > 5 and {one.relevance for one in wanted.neighbours} == {None}


def test_a_report_is_asked_again_as_it_was_and_its_denials_count(workspace, release):
    words = "Sinus rhythm. Left ventricular hypertrophy. No atrial fibrillation."
    first = ask(workspace, release, words, targets=("ecg",))
    again = search_stored(workspace, release, first.query_id, Options(k=5, targets=("ecg",)), actor=single_user())
    assert again.neighbours == first.neighbours and again.typed == first.typed
    assert first.to_json()["understood"] == [
        {"finding": "sinus rhythm", "negated": False, "side": None},
        {"finding": "left ventricular hypertrophy", "negated": False, "side": None},
        {"finding": "atrial fibrillation", "negated": True, "side": None},
    ]
    assert not any("atrial fibrillation" in labels for labels in of(first, "ecg"))


def test_a_side_that_nothing_records_is_said(workspace, release):
    answer = ask(workspace, release, "left pulmonary oedema", targets=("text",))  # of both lungs in every report
    assert answer.typed is not None and answer.typed.side_recorded is False and typed_wording.side(answer.typed)
    assert all("Edema" in one.labels for one in answer.neighbours if one.study_id in answer.typed.labelled_as)


def test_those_labelled_otherwise_than_typed_words(workspace, release):
    answer = ask(workspace, release, "LVH", targets=("ecg",))
    other = counterexamples(workspace, release, answer, Options(k=5, targets=("ecg",)), actor=single_user())
    assert other.findings.basis == "words" and other.answer is not None
    assert not any("left ventricular hypertrophy" in labels for labels in of(other.answer, "ecg"))


def test_the_command_prints_what_was_understood(workspace_folder, capsys):
    where = ["--workspace", str(workspace_folder), "--k", "2"]
    assert run(["search", "--text", "no pleural effusion", *where, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["understood"] == [{"finding": "pleural effusion", "negated": True, "side": None}]
    assert run(["search", "--text", "AFib", *where]) == 0
    said = capsys.readouterr().out
    assert "Understood: atrial fibrillation." in said and "Labelled atrial fibrillation" in said
    assert "share a finding" not in said and "text, 1 words" not in said
    assert run(["search", "qwerty", *where]) == 0
    assert "No finding of that name." in capsys.readouterr().out
    assert run(["search", *where]) == 2


def test_the_figures_of_typed_words_meet_their_bars(workspace, release):
    found = figures.evaluate(workspace, release, actor=single_user())
    assert all(one["share"] >= 0.95 for one in found["recognition"].values())
    assert found["off_topic"]["n"] >= 200 and found["off_topic"]["share"] >= 0.95
    assert found["meaning"]["auroc"][1] > 0.85
    assert found["precision_at_10"] and min(one["precision"] for one in found["precision_at_10"]) >= 0.95
    assert "off topic" in figures.as_table(found)
