"""One query from a file to its neighbours: exact, permitted only, audited, and the same when asked again."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from engine import settings
from engine.actor import Actor, single_user
from engine.errors import UsageError, WorkspaceError
from engine.intake.paths import read_paths
from engine.intake.read import read_text
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import Filters, search, search_stored, warm_up
from engine.study import Study, Trace, fingerprint
from engine.workspace.workspace import Workspace

STRANGER = 45  # a patient of the shipped cohort that the small workspace does not hold
RESIDENT = 3  # one that it holds


def ecg(number: int) -> Study:
    return read_paths([settings.DEMO / "ecg" / f"syn-{number:04d}-e1-ecg.hea"])


def flat_line() -> Study:
    trace = Trace(np.zeros((1, 1000), np.float32), ("II",), 100.0, "mV")
    return Study("ecg", trace, "a flat line", fingerprint=fingerprint(trace))


def brute_force(workspace: Workspace, release: Release, code: bytes, target: str, bits: int) -> list[tuple[int, str]]:
    """Sort all studies of a modality by (distance, id), one per patient, in plain Python."""
    wanted = int.from_bytes(code[: bits // 8], "little")
    best: dict[str, tuple[int, str]] = {}
    for row in workspace.all_rows():
        if row.modality == target:
            vector = workspace.embeddings(release.name, [row.study_id])
            packed = release.codes(vector, target)[0].tobytes()
            pair = ((int.from_bytes(packed[: bits // 8], "little") ^ wanted).bit_count(), row.study_id)
            best[row.patient_id] = min(best.get(row.patient_id, pair), pair)
    return sorted(best.values())


@pytest.mark.parametrize("bits", [64, 256])
def test_neighbours_are_the_nearest_by_hamming_distance(workspace: Workspace, release: Release, bits: int) -> None:
    answer = search(workspace, release, ecg(STRANGER), Options(k=7, bits=bits), actor=single_user())
    assert answer.verdict.accepted
    first = {one.modality: one.hamming for one in answer.neighbours if one.rank == 1}
    for target in ("cxr", "ecg", "ppg", "text"):
        found = [one for one in answer.neighbours if one.modality == target]
        expected = brute_force(workspace, release, bytes.fromhex(answer.code_hex), target, bits)[:7]
        assert [(one.hamming, one.study_id) for one in found] == expected
        assert [one.rank for one in found] == list(range(1, len(found) + 1))
        beyond = [first[one] > release.close_limit("ecg", one, bits) for one in ("ecg", target)]
        assert answer.nothing_close[target] == any(beyond)  # far from all ECGs, or from all of this modality
    modalities = [one.modality for one in answer.neighbours]
    assert modalities == sorted(modalities)  # grouped, in the order cxr, ecg, ppg, text


def test_to_json_is_the_contract(workspace: Workspace, release: Release) -> None:
    found = json.loads(
        json.dumps(
            search(
                workspace, release, ecg(STRANGER), Options(targets=("ppg", "ecg"), k=2), actor=single_user()
            ).to_json()
        )
    )
    assert set(found) >= {"query", "release", "neighbours", "audit_id", "timing_ms", "nothing_close"}
    assert set(found["query"]) >= {"query_id", "modality", "recognised", "quality", "code"}
    assert set(found["query"]["quality"]) == {"accepted", "score", "reasons"}
    assert found["query"]["code"]["bits"] == 256
    assert len(found["query"]["code"]["hex"]) == 64
    assert [one["modality"] for one in found["neighbours"]] == ["ppg", "ppg", "ecg", "ecg"]
    needed = {"rank", "study_id", "patient_id", "modality", "cohort", "labels", "hamming", "further_share"}
    needed |= {"relevance", "counted", "same_recording"}
    assert all(needed <= set(one) for one in found["neighbours"])
    assert all(0 <= one["further_share"] <= 1 for one in found["neighbours"])
    assert all(one["relevance"] is None for one in found["neighbours"])  # of 30 patients too few pairs are counted
    assert all(set(one["counted"]) >= {"pairs", "sharing"} for one in found["neighbours"])
    assert found["copies"] == []
    assert set(found["timing_ms"]) == {"read", "quality", "encode", "search", "total"}


def test_never_the_querys_own_patient(workspace: Workspace, release: Release) -> None:
    """The file of a patient who is in the workspace, known by its content, by its identifier, or by id."""
    own = f"syn-{RESIDENT:04d}"
    by_content = search(workspace, release, ecg(RESIDENT), Options(k=100), actor=single_user())
    assert len([one for one in by_content.neighbours if one.modality == "ecg"]) == 29
    by_id = search_stored(workspace, release, f"{own}-e1-ecg", Options(k=100), actor=single_user())
    listed = search(
        workspace, release, ecg(STRANGER), Options(k=100, filters=Filters(without_patients=(own,))), actor=single_user()
    )
    stranger = replace(ecg(STRANGER), patient_key="the file's own patient")
    with workspace.database.write() as cursor:
        cursor.execute("UPDATE studies SET patient_key = ? WHERE study_id = ?", [stranger.patient_key, f"{own}-e1-ppg"])
    by_key = search(workspace, release, stranger, Options(k=100), actor=single_user())
    for answer in (by_content, by_id, listed, by_key):
        assert answer.neighbours
        assert own not in {one.patient_id for one in answer.neighbours}


def test_equal_words_do_not_make_the_same_patient(workspace: Workspace, release: Release) -> None:
    row = next(row for row in workspace.all_rows() if row.modality == "text")
    answer = search(
        workspace,
        release,
        read_text(workspace.study(row.study_id, actor=single_user()).content.text),
        Options(targets=("text",), k=100),
        actor=single_user(),
    )
    assert answer.neighbours[0].hamming == 0
    assert row.patient_id in {one.patient_id for one in answer.neighbours}


def test_withdrawn_consent_holds_in_the_next_query(workspace: Workspace, release: Release) -> None:
    before = search(workspace, release, ecg(STRANGER), Options(k=5), actor=single_user())
    gone = before.neighbours[0].patient_id
    workspace.set_consent(gone, False, actor=single_user())

    after = search_stored(workspace, release, before.query_id, Options(k=5), actor=single_user())

    assert gone not in {one.patient_id for one in after.neighbours}
    assert all(len([one for one in after.neighbours if one.modality == target]) == 5 for target in ("ecg", "text"))
    resident = next(row.study_id for row in workspace.all_rows() if row.patient_id == gone)
    with pytest.raises(UsageError, match="withdrawn"):
        search_stored(workspace, release, resident, Options(), actor=single_user())
    workspace.set_consent(gone, True, actor=single_user())
    assert (
        search_stored(workspace, release, before.query_id, Options(k=5), actor=single_user()).neighbours
        == before.neighbours
    )


def test_who_trains_does_not_find_whoever_withdrew_from_training(workspace: Workspace, release: Release) -> None:
    options, reader = Options(targets=("ecg",), k=5), Actor("Ada")
    before = search(workspace, release, ecg(STRANGER), options, actor=reader)
    gone = before.neighbours[0].patient_id
    workspace.set_consent(gone, False, actor=reader, scope="training")
    for purpose, found in (("retrieval", True), ("training", False)):
        actor = reader.acting_for(purpose)
        after = search_stored(workspace, release, before.query_id, options, actor=actor)
        assert (gone in {one.patient_id for one in after.neighbours}) is found
        assert len(after.neighbours) == 5


def test_filters_hold_before_the_search(workspace: Workspace, release: Release) -> None:
    filters = Filters(sex="F", age_min=40)
    women = {row.patient_id for row in workspace.all_rows() if row.sex == "F" and (row.age or 0) >= 40}
    answer = search(
        workspace, release, ecg(STRANGER), Options(targets=("ecg",), k=5, filters=filters), actor=single_user()
    )
    assert len(answer.neighbours) == min(5, len(women))
    assert {one.patient_id for one in answer.neighbours} <= women
    assert workspace.audit_rows(1)[0].filters == answer.filters_sentence == "Only aged 40 or more, women."


def test_an_operating_point_cuts_at_its_radius(workspace: Workspace, release: Release) -> None:
    every = search(workspace, release, ecg(STRANGER), Options(k=50, bits=128), actor=single_user())
    counts = []
    for at in ("precise", "balanced", "broad"):
        answer = search_stored(
            workspace, release, every.query_id, Options(k=50, bits=128, operating_point=at), actor=single_user()
        )
        within = [one for one in every.neighbours if one.hamming <= release.radius("ecg", one.modality, 128, at)]
        assert list(answer.neighbours) == within
        counts.append(len(within))
    assert counts == sorted(counts)


def test_a_refused_query_leaves_only_its_audit_row(workspace: Workspace, release: Release) -> None:
    answer = search(workspace, release, flat_line(), Options(), actor=Actor("ann"))
    assert not answer.verdict.accepted
    assert answer.verdict.reasons
    assert (answer.neighbours, answer.to_json()["query"]["code"]) == ((), None)
    assert workspace.query(answer.query_id, actor=single_user()) is None
    assert not list(workspace.queries_folder.rglob("*"))
    row = workspace.audit_rows(1)[0]
    assert (row.audit_id, row.who, row.kind, row.returned) == (answer.audit_id, "ann", "refused", ())
    assert row.refused


def test_every_search_writes_one_audit_row(workspace: Workspace, release: Release) -> None:
    answer = search(workspace, release, read_text("atrial fibrillation"), Options(k=3), actor=Actor("bob"))
    (row,) = workspace.audit_rows()
    assert (row.audit_id, row.who, row.kind, row.query_id) == (answer.audit_id, "bob", "search", answer.query_id)
    assert row.returned == tuple(one.study_id for one in answer.neighbours)
    assert (row.code, row.release) == (answer.code_hex, release.name)


def test_asking_again_gives_the_same_answer(workspace: Workspace, release: Release) -> None:
    first = search(workspace, release, ecg(STRANGER), Options(), actor=single_user())
    second = search_stored(workspace, release, first.query_id, Options(), actor=single_user())
    assert second.neighbours == first.neighbours
    assert (second.code_hex, second.nothing_close) == (first.code_hex, first.nothing_close)
    assert second.verdict.score == pytest.approx(first.verdict.score)
    assert [one.sentence for one in second.verdict.measures] == [one.sentence for one in first.verdict.measures]
    assert np.array_equal(second.study.content.samples, first.study.content.samples)
    assert second.study.identity == first.study.identity
    with pytest.raises(UsageError, match="no study"):
        search_stored(workspace, release, "q-unknown", Options(), actor=single_user())


@pytest.mark.parametrize(
    "wrong",
    [{"targets": ("mri",)}, {"targets": ()}, {"bits": 100}, {"operating_point": "sharp"}, {"k": 0}, {"k": 10**6}],
)
def test_wrong_options_are_one_sentence(workspace: Workspace, release: Release, wrong: dict) -> None:
    with pytest.raises(UsageError) as caught:
        search(workspace, release, read_text("effusion"), Options(**wrong), actor=single_user())
    assert "\n" not in str(caught.value)


def test_codes_of_other_weights_are_never_compared(workspace: Workspace, release: Release) -> None:
    with workspace.database.write() as cursor:
        cursor.execute("UPDATE releases SET digest = 'of other weights'")
    with pytest.raises(WorkspaceError, match="reindex"):
        search(workspace, release, read_text("effusion"), Options(), actor=single_user())


def test_warm_leaves_no_trace(workspace: Workspace, release: Release) -> None:
    warm_up(workspace, release)
    assert workspace.audit_rows() == []


def test_searching_rating_and_withdrawing_at_once(workspace: Workspace, release: Release) -> None:
    first = search(workspace, release, ecg(STRANGER), Options(k=20), actor=single_user())
    patients = sorted({one.patient_id for one in first.neighbours})[:5]
    withdrawn: list[str] = []
    broken: list[object] = []

    def reader(number: int) -> None:
        for turn in range(15):
            gone = set(withdrawn)
            answer = search_stored(workspace, release, first.query_id, Options(k=20), actor=Actor(f"reader {number}"))
            broken.extend(one for one in answer.neighbours if one.patient_id in gone)
            study_id = first.neighbours[turn].study_id
            workspace.rate(first.query_id, study_id, "relevant", actor=Actor(f"reader {number}"), release=release.name)

    threads = [threading.Thread(target=reader, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for patient in patients:
        workspace.set_consent(patient, False, actor=single_user())
        withdrawn.append(patient)
    for thread in threads:
        thread.join()

    assert broken == []
    assert len(workspace.all_ratings(first.query_id)) == 8 * 15
    assert len([row for row in workspace.audit_rows() if row.kind == "again"]) == 8 * 15
