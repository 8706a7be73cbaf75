"""What a round may learn from: not held-out patients and queries, not who withdrew, not what others' encoders made."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from helpers.rounds import rate, written
from helpers.shipped import SHIPPED

from engine.actor import Actor, single_user
from engine.files import utc_now
from engine.findings import findings, vocabulary
from engine.learning.holdout import hash_share, is_holdout_patient, is_holdout_query
from engine.learning.round_data import from_arrays, gather_round_data, new_ratings, ratings_cutoff, to_arrays
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.study import Note, Study
from engine.workspace.workspace import Workspace


def test_the_held_out_share_is_what_it_says_and_never_changes():
    assert 0.28 < np.mean([is_holdout_patient(f"syn-{i:05d}") for i in range(20_000)]) < 0.32
    assert 0.18 < np.mean([is_holdout_query(f"q-{i:05d}") for i in range(20_000)]) < 0.22
    assert hash_share("syn-0001") == pytest.approx(hash_share("syn-0001")) and hash_share("a") != hash_share("b")


def test_nothing_of_a_held_out_patient_and_no_held_out_query_is_fitted(workspace: Workspace):
    rate(workspace, 80)
    found = gather_round_data(workspace, Actor("Ada"))
    names = {row.study_id: row.patient_id for row in workspace.all_rows()}
    assert len(found.learn) + len(found.apart) == 80 and found.left_out == 0
    free = [
        one
        for one in workspace.all_ratings()
        if not is_holdout_query(one.query_id)
        and not is_holdout_patient(names[one.query_id])
        and not is_holdout_patient(names[one.study_id])
    ]
    assert len(found.learn) == len(free) > 0
    np.testing.assert_array_equal(
        np.sort(found.learn.zq, axis=0), np.sort(workspace.embeddings(SHIPPED, [one.query_id for one in free]), axis=0)
    )
    for pool in found.replay.values():
        assert not any(is_holdout_patient(patient) for patient in pool.patients)
    for pool in found.holdout.values():
        assert all(is_holdout_patient(patient) for patient in pool.patients)
    whole = {row.study_id for row in workspace.all_rows() if findings(row.labels)}
    assert sum(map(len, [*found.replay.values(), *found.holdout.values()])) == len(whole)


@pytest.mark.parametrize("scope", ["training", "retrieval"])
def test_a_patient_who_withdrew_is_neither_fitted_nor_measured(workspace: Workspace, scope: str):
    rate(workspace, 60)
    first = workspace.all_ratings()[0]
    patient = workspace.row(first.query_id, actor=single_user()).patient_id
    touched = [
        one
        for one in workspace.all_ratings()
        if patient
        in (
            workspace.row(one.query_id, actor=single_user()).patient_id,
            workspace.row(one.study_id, actor=single_user()).patient_id,
        )
    ]
    before = gather_round_data(workspace, Actor("Ada"))
    workspace.set_consent(patient, False, actor=single_user(), scope=scope)
    after = gather_round_data(workspace, Actor("Ada"))
    assert after.left_out == len(touched) > 0
    assert len(after.learn) + len(after.apart) == 60 - len(touched)
    for one, pools in ((before, True), (after, False)):
        patients = {p for pool in [*one.replay.values(), *one.holdout.values()] for p in pool.patients}
        assert (patient in patients) == pools


def test_marks_undone_skipped_or_on_deleted_studies_do_not_count(workspace: Workspace):
    rate(workspace, 20)
    ratings = workspace.all_ratings()
    workspace.undo(ratings[0].query_id, ratings[0].study_id, actor=Actor("Ada"))
    workspace.rate(ratings[1].query_id, ratings[1].study_id, "skip", actor=Actor("Ada"), release=SHIPPED)
    gone = ratings[2].study_id
    lost = sum(gone in one.pair for one in workspace.all_ratings())
    workspace.remove([gone])
    found = gather_round_data(workspace, Actor("Ada"))
    assert found.left_out == lost and len(found.learn) + len(found.apart) == 18 - lost


def test_targets_weights_and_the_finding_in_mind(workspace: Workspace, release: Release):
    known = {row.study_id: findings(row.labels) for row in workspace.all_rows() if findings(row.labels)}
    learnt = [
        one
        for one in known
        if not is_holdout_query(one) and not is_holdout_patient(workspace.row(one, actor=single_user()).patient_id)
    ]
    q = next(one for one in learnt if "normal" not in known[one])  # to be normal is nothing to have in mind
    owner = workspace.row(q, actor=single_user()).patient_id
    mate = next(
        one for one in learnt if known[one] & known[q] and workspace.row(one, actor=single_user()).patient_id != owner
    )
    other = next(
        one
        for one in learnt
        if not known[one] & known[q] and workspace.row(one, actor=single_user()).patient_id != owner
    )
    workspace.rate(q, mate, "relevant", actor=Actor("Ada"), release=SHIPPED)
    workspace.rate(q, other, "partly", actor=Actor("Ada"), release=SHIPPED, finding="pneumonia")
    found = gather_round_data(workspace, Actor("Ada")).learn
    assert sorted(found.target.tolist()) == [0.5, 1.0]
    names = list(vocabulary())
    held = [{names[i] for i in np.flatnonzero(one)} for one in found.has_finding]
    assert held[int(found.target.argmax())] == set(known[mate] & known[q])
    assert held[int(found.target.argmin())] == {"pneumonia"}
    assert (found.weight > 0).all() and (found.weight <= 1).all()


def test_a_rater_whose_marks_contradict_the_labels_weighs_little(workspace: Workspace):
    rate(workspace, 60, who="Ada")
    rate(workspace, 60, who="Eve", flips=1.0, seed=1)
    found = gather_round_data(workspace, Actor("Ada"))
    assert found.raters["Ada"].weight > 0.8 and found.raters["Eve"].weight == 0
    assert found.raters["Ada"].share > 0.9 > 0.2 > found.raters["Eve"].share


def test_stored_queries_count_under_a_round_as_well(workspace: Workspace, release: Release):
    answer = search(
        workspace, release, Study("text", Note("atrial fibrillation"), "typed text"), Options(k=20), actor=single_user()
    )
    rated = [one for one in answer.neighbours if not is_holdout_patient(one.patient_id)]
    for one in rated[:5]:
        workspace.rate(answer.query_id, one.study_id, "relevant", actor=single_user(), release=SHIPPED)
    found = gather_round_data(workspace, Actor("Ada"))
    both = found.learn if len(found.learn) else found.apart
    stored = workspace.query(answer.query_id, actor=single_user())
    assert stored is not None and len(found.learn) + len(found.apart) == 5
    np.testing.assert_array_equal(both.zq[0], stored.embedding)
    made = written(workspace.path, release)
    from engine.workspace.reindex import reindex

    reindex(workspace, made, made.digest)
    assert len(gather_round_data(workspace, Actor("Ada")).learn) == len(found.learn)


def test_arrays_come_back_as_they_were(workspace: Workspace):
    rate(workspace, 30)
    found = gather_round_data(workspace, Actor("Ada"))
    back = from_arrays(to_arrays(found))
    np.testing.assert_array_equal(back.learn.zq, found.learn.zq)
    np.testing.assert_array_equal(back.units, found.units)
    assert back.holdout.keys() == found.holdout.keys() and back.replay.keys() == found.replay.keys()
    for modality, pool in found.replay.items():
        np.testing.assert_array_equal(back.replay[modality].has_finding, pool.has_finding)
        np.testing.assert_array_equal(back.replay[modality].age, pool.age)


def test_new_ratings_are_those_since_the_serving_release_gathered(workspace: Workspace, release: Release):
    assert new_ratings(workspace, ratings_cutoff(release)) == 0 and ratings_cutoff(release) is None
    rate(workspace, 7)
    assert new_ratings(workspace, ratings_cutoff(release)) == 7
    later = written(workspace.path, release, began=(utc_now() + timedelta(seconds=5)).isoformat(timespec="seconds"))
    assert new_ratings(workspace, ratings_cutoff(later)) == 0
    earlier = written(workspace.path, release, began=(utc_now() - timedelta(hours=1)).isoformat(timespec="seconds"))
    assert new_ratings(workspace, ratings_cutoff(earlier)) == 7
