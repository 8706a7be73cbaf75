"""Queues on a workspace: only what may be rated, by the strategy that is named, kept through a restart."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.intake.read import read_text
from engine.learning import review, workspace_candidates
from engine.learning.holdout import is_holdout_patient, is_holdout_query
from engine.learning.queue import QUEUES, Offer, QueueSpec, queue
from engine.learning.strategies import BEST, NOTHING, RANDOM_SHARE, STRATEGIES
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Options
from engine.store.rated_studies import hamming, load_sides
from engine.workspace.workspace import Workspace, open_workspace

N = 20
ANN, BOB = Actor("ann"), Actor("bob")


def patients(place: Workspace, offers: list[Offer]) -> list[tuple[str, str]]:
    known = {row.study_id: row.patient_id for row in place.all_rows()}
    return [(known[one.query_id], known[one.study_id]) for one in offers]


@pytest.mark.parametrize("strategy", [name for name in QUEUES if name != "second"])
def test_every_queue_holds_pairs_of_two_patients_once_and_a_share_at_random(workspace, release, strategy):
    offers = queue(workspace, release, ANN, QueueSpec(strategy, N, 1))
    assert len(offers) == N == len({frozenset(one.pair) for one in offers})
    assert all(a != b for a, b in patients(workspace, offers))
    lots = sum(one.random_share for one in offers)
    assert lots == (N if strategy == "random" else round(RANDOM_SHARE * N))
    assert all((one.score is None) == one.random_share and one.strategy == strategy for one in offers)
    assert queue(workspace, release, ANN, QueueSpec(strategy, N, 1)) == offers
    assert queue(workspace, release, ANN, QueueSpec(strategy, N, 2)) != offers


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_a_score_is_that_of_the_strategy_and_the_highest_comes_first(workspace, release, strategy):
    first = next(one for one in queue(workspace, release, ANN, QueueSpec(strategy, N, 1)) if not one.random_share)
    found = workspace_candidates.gather_candidates(workspace, release, ANN, np.random.default_rng(1))
    scores = STRATEGIES[strategy](found, NOTHING)
    at = [
        n
        for n, (q, s) in enumerate(zip(found.q, found.s, strict=True))
        if (found.queries.ids[q], found.items.ids[s]) == first.pair
    ]
    assert len(at) == 1
    patient = {row.study_id: row.patient_id for row in workspace.all_rows()}
    items = np.array([not is_holdout_patient(patient.get(one, "")) for one in found.items.ids])
    queries = np.array(
        [not is_holdout_patient(patient.get(one, "")) and not is_holdout_query(one) for one in found.queries.ids]
    )
    fit = items[found.s] & queries[found.q]
    assert fit[at[0]]  # a round would learn from it
    scores = scores[fit]
    at = [int(np.flatnonzero(np.flatnonzero(fit) == at[0])[0])]
    if strategy not in ("core_set", "under_represented"):  # which count what stands in the queue before
        assert first.score == pytest.approx(scores[at[0]]) == pytest.approx(scores.max(), rel=0.05)


def test_what_only_measures_is_offered_by_lot_alone(workspace, release):
    offers = queue(workspace, release, ANN, QueueSpec(BEST, 100, 2))
    patient = {row.study_id: row.patient_id for row in workspace.all_rows()}
    measures = [
        is_holdout_query(one.query_id) or any(is_holdout_patient(patient.get(side, "")) for side in one.pair)
        for one in offers
    ]
    assert any(measures)
    assert all(one.random_share for one, apart in zip(offers, measures, strict=True) if apart)


def test_candidates_are_the_nearest_by_exact_search(workspace, release):
    found = workspace_candidates.gather_candidates(workspace, release, ANN, np.random.default_rng(0))
    asked = [n for n, modality in enumerate(found.queries.modality) if modality == "ecg"][:2]
    for n in asked:
        query_id = str(found.queries.ids[n])
        exact = retrieval.search_stored(
            workspace, release, query_id, Options(targets=("ecg",), k=5), actor=single_user()
        )
        mine = {
            str(found.items.ids[s]): rank
            for q, s, rank in zip(found.q, found.s, found.hamming_rank, strict=True)
            if q == n and found.items.modality[s] == "ecg"
        }
        pair = load_sides(workspace.database, ANN, [query_id, *mine])
        for one in exact.neighbours:
            assert one.study_id in mine and mine[one.study_id] >= one.rank - 1  # a search shows one study of a patient
            assert hamming(pair[query_id], pair[one.study_id]) == one.hamming


@pytest.mark.parametrize("scope", ["retrieval", "training"])
@pytest.mark.parametrize("strategy", ["random", "second"])
def test_whoever_withdrew_is_not_offered(workspace, release, scope, strategy):
    for one in queue(workspace, release, BOB, QueueSpec("random", 60, 1)):
        workspace.rate(*one.pair, "relevant", actor=BOB, release=release.name)
    before = patients(workspace, queue(workspace, release, ANN, QueueSpec(strategy, 60, 1)))
    out = before[0][0]
    workspace.set_consent(out, False, actor=single_user(), scope=scope)
    after = patients(workspace, queue(workspace, release, ANN, QueueSpec(strategy, 60, 1)))
    assert after and out not in {one for pair in after for one in pair}


def test_what_the_rater_judged_or_skipped_does_not_come_again_but_comes_to_others(workspace, release):
    offers = queue(workspace, release, ANN, QueueSpec("uncertain_code", N, 1))
    for n, one in enumerate(offers):
        workspace.rate(*one.pair, "skip" if n % 2 else "partly", actor=ANN, release=release.name)
    again = queue(workspace, release, ANN, QueueSpec("uncertain_code", N, 1))
    met = {frozenset(one.pair) for one in offers}
    assert again and not met & {frozenset(one.pair) for one in again}
    assert met & {frozenset(one.pair) for one in queue(workspace, release, BOB, QueueSpec("uncertain_code", N, 1))}


def test_a_second_reading_offers_what_others_judged_least_judged_first(workspace, release):
    offers = queue(workspace, release, BOB, QueueSpec("random", 10, 1))
    for one in offers[:8]:
        workspace.rate(*one.pair, "relevant", actor=BOB, release=release.name)
    workspace.rate(*offers[8].pair, "skip", actor=BOB, release=release.name)  # no judgement
    for one in offers[:4]:
        workspace.rate(*one.pair, "irrelevant", actor=Actor("cy"), release=release.name)
    workspace.rate(*offers[7].pair, "partly", actor=ANN, release=release.name)
    found = [one for one in queue(workspace, release, ANN, QueueSpec("second", N, 1)) if not one.random_share]
    assert {one.pair for one in found[:3]} == {one.pair for one in offers[4:7]}
    assert {one.pair for one in found[3:]} == {one.pair for one in offers[:4]}
    lots = [one for one in queue(workspace, release, ANN, QueueSpec("second", N, 1)) if one.random_share]
    assert len(lots) == round(RANDOM_SHARE * N)
    assert queue(workspace, release, BOB, QueueSpec("second", N, 1)) == []


def test_stored_queries_are_offered_too_and_never_with_their_own_patient(workspace, release):
    asked = retrieval.search(workspace, release, read_text("pleural effusion"), Options(k=1), actor=ANN)
    offers = queue(workspace, release, ANN, QueueSpec("random", 200, 1))
    assert asked.query_id in {one.query_id for one in offers}
    film = next(row for row in workspace.all_rows() if row.modality == "cxr")
    own = retrieval.search(
        workspace, release, workspace.study(film.study_id, actor=single_user()), Options(k=1), actor=ANN
    )
    theirs = {row.study_id for row in workspace.of_patient(film.patient_id, actor=single_user())}
    pairs = [one.pair for seed in range(4) for one in queue(workspace, release, ANN, QueueSpec("random", 200, seed))]
    mine = [study_id for query_id, study_id in pairs if query_id == own.query_id]
    assert mine and not theirs & set(mine)
    workspace.set_consent(film.patient_id, False, actor=single_user(), scope="training")
    assert own.query_id not in {one.query_id for one in queue(workspace, release, ANN, QueueSpec("random", 200, 1))}


def test_what_is_asked_wrongly_is_refused_and_nothing_there_is_an_empty_queue(tmp_path, release, workspace):
    for strategy, n in (("magic", 5), ("random", 0), ("random", 201)):
        with pytest.raises(UsageError):
            queue(workspace, release, ANN, QueueSpec(strategy, n, 1))
    with open_workspace(tmp_path / "empty", create=True) as empty:
        assert [queue(empty, release, ANN, QueueSpec(name, 5, 1)) for name in QUEUES] == [[]] * len(QUEUES)


def test_a_queue_takes_less_than_two_seconds_of_a_processor(workspace, release):
    queue(workspace, release, ANN, QueueSpec("random", 1, 1))  # the hash layer is loaded once
    for strategy in STRATEGIES:
        begun = time.process_time()
        queue(workspace, release, ANN, QueueSpec(strategy, 40, 1))
        assert time.process_time() - begun < 2, strategy


def test_a_review_goes_on_where_it_was_after_refresh_undo_and_restart(workspace_folder, release):
    with open_workspace(workspace_folder) as place:
        one = review.begin(place, release, ANN, QueueSpec("committee", 5, 3))
        assert (one.done, one.total, one.dropped, one.last) == (0, 5, 0, None)
        first, second = one.offers[:2]
        assert one.next == first
        place.rate(*first.pair, "relevant", actor=ANN, release=release.name)
        place.rate(*second.pair, "skip", actor=ANN, release=release.name)
        two = review.begin(
            place, release, ANN, QueueSpec("committee", 5, 3)
        )  # other strategies' order would differ by now
        assert two.offers == one.offers and (two.done, two.next) == (2, one.offers[2])
        assert (two.last.pair, two.last.mark) == (second.pair, "skip")
        place.unrate(*second.pair, actor=ANN)
        assert review.begin(place, release, ANN, QueueSpec("committee", 5, 3)).next == second
        audited = [row for row in place.audit_rows() if row.kind == "review"]
        assert len(audited) == 1 and set(first.pair) <= set(audited[0].returned)
    with open_workspace(workspace_folder) as place:
        again = review.begin(place, release, ANN, QueueSpec("committee", 5, 3))
        assert again.offers == one.offers and again.done == 1 and again.position(second.pair) == 2
        assert [open_.queue.queue_id for open_ in review.open_reviews(place, ANN)] == [again.queue.queue_id]
        assert review.open_reviews(place, BOB) == []
        gone = place.row(second.study_id, actor=single_user()).patient_id
        place.set_consent(gone, False, actor=single_user(), scope="training")
        after = review.begin(place, release, ANN, QueueSpec("committee", 5, 3))
        assert after.dropped >= 1 and after.total == 5 - after.dropped and second not in after.offers


def test_eight_tabs_that_begin_at_once_get_one_queue(workspace, release):
    found: list[review.Review] = []
    begin = lambda: found.append(review.begin(workspace, release, ANN, QueueSpec("random", 5, 9)))  # noqa: E731
    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len({one.queue.queue_id for one in found}) == 1
