"""Making a reader study: balanced cases with a truth, a protocol with a digest that freezes with the first reading."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from helpers.reader_studies import FINDING, MAKER, MONDAY, PLAN, SOURCE, made, read_session, reader

from engine.actor import Actor
from engine.errors import NotPermittedError, UsageError
from engine.reader_study import design, reading
from engine.reader_study.cases import CaseSource
from engine.store import reader_studies as table
from engine.store.database import FILE_NAME, Database
from engine.teaching import collections
from engine.workspace.workspace import Workspace

CURATOR = Actor("kim", session="k", roles=("curator",), signed_in=True, use="operations")


def truth_of(workspace: Workspace, study_id: str) -> bool:
    return FINDING in workspace.row(study_id, actor=MAKER).labels


def cases_of(workspace: Workspace, reader_study_id: str) -> list[tuple[str, tuple[bool, ...]]]:
    rows = workspace.database.read(
        "SELECT study_id, truth FROM reader_study_cases WHERE reader_study_id = ? ORDER BY number", [reader_study_id]
    )
    return [(study_id, tuple(truth)) for study_id, truth in rows]


def test_cases_are_drawn_with_their_truth_half_of_them_with_the_finding_and_one_of_a_patient(workspace) -> None:
    study = made(workspace)
    cases = cases_of(workspace, study.reader_study_id)
    assert len(cases) == 8 and sum(truth[0] for _, truth in cases) == 4
    for study_id, truth in cases:
        assert truth == (truth_of(workspace, study_id),)
    patients = [workspace.row(study_id, actor=MAKER).patient_id for study_id, _ in cases]
    assert len(set(patients)) == 8


def test_the_protocol_says_what_was_fixed_and_names_no_case_and_no_reader(workspace) -> None:
    study = made(workspace, replace(PLAN, effect=0.05, hypothesis="Neighbours help."))
    known = json.loads(study.words)
    assert known["primary_endpoint"].endswith(FINDING) and "ROC" in known["primary_endpoint"]
    assert known["analysis"]["sized_for"] == 0.05 and known["analysis"]["alpha"] == 0.05
    assert known["crossover"] == {"sessions": 2, "washout_days": 14}
    assert known["cases"]["n"] == 8 and known["readers"]["n"] == 2
    assert sha256(study.words.encode()).hexdigest() == study.digest
    for study_id, _ in cases_of(workspace, study.reader_study_id):
        assert study_id not in study.words
    assert "ann" not in study.words.split('"') and "bob" not in study.words.split('"')


def test_the_digest_is_in_the_audit_from_the_moment_at_which_it_was_fixed(workspace) -> None:
    study = made(workspace)
    row = next(one for one in workspace.audit_rows() if one.kind == "reader study made")
    assert row.about["protocol"] == study.digest


def test_a_protocol_may_be_written_anew_until_a_case_is_shown_and_never_after(workspace) -> None:
    study = made(workspace)
    release = workspace.releases.serving()[0]
    other = design.draft(workspace, release, replace(PLAN, washout_days=28), SOURCE, actor=MAKER)
    changed = design.amend(workspace, study.reader_study_id, other, actor=MAKER)
    assert changed.version == 2 and changed.digest != study.digest
    assert design.of(design.load(workspace, study.reader_study_id, actor=MAKER)).washout_days == 28
    ann = reader("ann")
    first = reading.state(workspace, study.reader_study_id, actor=ann).next
    assert first is not None
    reading.open_reading(workspace, study.reader_study_id, first, actor=ann)
    with pytest.raises(UsageError, match="the protocol is frozen"):
        design.amend(workspace, study.reader_study_id, other, actor=MAKER)
    assert design.load(workspace, study.reader_study_id, actor=MAKER) == changed
    assert workspace.database.read("SELECT count(*) FROM reader_study_order")[0][0] == 2 * 2 * 8


def test_a_collection_gives_its_cases_and_says_what_was_left_out(workspace) -> None:
    rows = [one for one in workspace.rows(actor=MAKER) if one.modality in ("ecg", "ppg") and one.labels]
    chosen = collections.create(workspace, "ECGs", actor=MAKER)
    collections.add_many(workspace, chosen.collection_id, [one.study_id for one in rows], actor=MAKER)
    release = workspace.releases.serving()[0]
    draft = design.draft(workspace, release, PLAN, CaseSource(chosen.collection_id, "ecg"), actor=MAKER)
    ecgs = [one for one in rows if one.modality == "ecg"]
    assert draft.chosen.other_kinds == len(rows) - len(ecgs)
    assert len(draft.chosen.cases) == len(ecgs) - draft.chosen.same_patient - draft.chosen.without_truth
    assert len(draft.chosen.cases) == len({one.patient_id for one in ecgs})
    with pytest.raises(UsageError, match="cases of one kind"):
        design.draft(workspace, release, PLAN, CaseSource(chosen.collection_id), actor=MAKER)


def test_a_panels_file_is_the_truth_of_the_cases_that_it_names(workspace, tmp_path) -> None:
    ids = [one.study_id for one in workspace.rows(actor=MAKER) if one.modality == "ecg" and one.labels][:12]
    file = tmp_path / "panel.csv"
    rows = [f"{one},{'yes' if at % 2 else 0}" for at, one in enumerate(ids)]
    file.write_text("\n".join([f"study_id,{FINDING}", *rows]), encoding="utf-8")
    release = workspace.releases.serving()[0]
    plan = replace(PLAN, truth="panel")
    draft = design.draft(workspace, release, plan, replace(SOURCE, n=6, panel=file), actor=MAKER)
    assert {one.truth[0] for one in draft.chosen.cases} == {True, False}
    assert all(one.truth[0] == bool(ids.index(one.study_id) % 2) for one in draft.chosen.cases)
    file.write_text(f"study_id,{FINDING}\n{ids[0]},perhaps\n", encoding="utf-8")
    with pytest.raises(UsageError, match="write 1 or 0"):
        design.draft(workspace, release, plan, replace(SOURCE, panel=file), actor=MAKER)
    file.write_text(f"study_id\n{ids[0]}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has no column"):
        design.draft(workspace, release, plan, replace(SOURCE, panel=file), actor=MAKER)


@pytest.mark.parametrize(
    ("plan", "source", "words"),
    [
        (replace(PLAN, findings=("Gout",)), SOURCE, "present in 0 of"),
        (replace(PLAN, findings=()), SOURCE, "1 to 5 findings"),
        (replace(PLAN, readers=()), SOURCE, "1 to 50 readers"),
        (replace(PLAN, readers=("ann", "ann")), SOURCE, "named twice"),
        (replace(PLAN, washout_days=-1), SOURCE, "days of washout"),
        (replace(PLAN, title=" "), SOURCE, "title is empty"),
        (replace(PLAN, scale="stars"), SOURCE, "use percent, five"),  # type: ignore[arg-type]
        (PLAN, CaseSource(), "by its modality"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_and_nothing_is_stored(workspace, plan, source, words) -> None:
    with pytest.raises(UsageError, match=words):
        made(workspace, plan, source)
    assert design.listed(workspace, actor=MAKER) == []


def test_with_accounts_curators_make_studies_and_read_in_none_of_their_own(workspace) -> None:
    study = made(workspace, actor=CURATOR)
    assert study.who == "kim"
    for role in ("clinician", "teacher", "learner", "rater"):
        somebody = Actor("lee", session="l", roles=(role,), signed_in=True)
        with pytest.raises(NotPermittedError):
            made(workspace, actor=somebody)
    with pytest.raises(UsageError, match="knows its cases"):
        made(workspace, replace(PLAN, readers=("kim", "ann")), actor=CURATOR)


def test_a_maker_sees_how_far_each_reader_is_and_nothing_of_what_they_said(workspace) -> None:
    study = made(workspace)
    done = read_session(workspace, study, reader("ann"))
    found = {one.who: one for one in design.progress(workspace, study.reader_study_id, actor=MAKER)}
    assert found["ann"].answered == (8, 0) and found["ann"].of == (8, 8)
    assert found["ann"].last_of_first == done and done > MONDAY
    assert found["bob"].answered == (0, 0) and found["bob"].last_of_first is None
    with pytest.raises(NotPermittedError, match="whoever made it"):
        design.progress(workspace, study.reader_study_id, actor=reader("ann"))


def test_a_study_is_whole_after_the_workspace_was_closed_and_opened(workspace) -> None:
    study = made(workspace)
    read_session(workspace, study, reader("ann"))
    workspace.close()
    database = Database(workspace.path / FILE_NAME)
    assert table.find(database, study.reader_study_id) == study
    assert database.read("SELECT count(*) FROM reader_study_answers")[0][0] == 8
    database.close()
