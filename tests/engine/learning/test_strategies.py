"""What each query strategy prefers on pairs made for it, and what every queue keeps to."""

from __future__ import annotations

import numpy as np
import pytest

from engine.learning.candidates import Candidates, CandidateSide, candidates, ranks, signs
from engine.learning.strategies import BEST, NOTHING, PER_QUERY, RANDOM, STRATEGIES, RatedIndices, pick

N = 24


@pytest.fixture(scope="module")
def found() -> Candidates:
    """Films and ECGs of as many patients, each a query and an item."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2 * N, 256)).astype(np.float32)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    kinds = np.array(["cxr"] * N + ["ecg"] * N)
    ids = np.array([f"{kind}{i % N}" for i, kind in enumerate(kinds)])
    side = CandidateSide(
        ids, kinds, np.array(["a", "b"] * N), z, 16 * z @ np.linalg.qr(rng.normal(size=(256, 256)))[0].T
    )
    patients = np.concatenate([np.arange(N), np.arange(N)])
    return candidates(side, side, patients[:, None] != patients[None], nearest=6)


def test_ranks_count_from_the_nearest_and_ties_keep_their_place():
    np.testing.assert_array_equal(ranks(np.array([[3.0, 1.0, 1.0, 2.0]])), [[3, 0, 1, 2]])


def test_candidates_are_near_by_code_or_by_embedding_and_never_of_one_patient(found):
    assert ((found.hamming_rank < 6) | (found.float_rank < 6)).all()
    one, other = (np.char.strip(ids, "cxreg") for ids in (found.queries.ids[found.q], found.items.ids[found.s]))
    assert (one != other).all()
    for query in (0, 30):
        for kind in ("cxr", "ecg"):
            mine = (found.q == query) & (found.items.modality[found.s] == kind)
            assert set(range(6)) <= set(found.hamming_rank[mine].tolist())
            assert set(range(6)) <= set(found.float_rank[mine].tolist())


def test_rank_by_code_is_the_order_of_the_hamming_distance(found):
    mine = np.flatnonzero((found.q == 3) & (found.items.modality[found.s] == "ecg"))
    apart = (signs(found.queries.projected[[3]]) != signs(found.items.projected[found.s[mine]])).sum(1)
    order = np.argsort(found.hamming_rank[mine])
    assert (np.diff(apart[order]) >= 0).all()


def test_nothing_allowed_means_no_candidates():
    side = CandidateSide(*[np.array(["a"])] * 3, np.ones((1, 256), np.float32), np.ones((1, 256), np.float32))
    none = candidates(side, side, np.zeros((1, 1), bool))
    assert len(none) == 0 and len(pick(none, BEST, 5, np.random.default_rng(0)).indices) == 0


def with_projections(found: Candidates, change) -> Candidates:
    """The candidates with other projections of both sides."""
    sides = [CandidateSide(s.ids, s.modality, s.group, s.z, change(s.projected)) for s in (found.queries, found.items)]
    return Candidates(*sides, found.q, found.s, found.hamming_rank, found.float_rank)


def test_uncertain_code_grows_as_bits_come_near_their_threshold(found):
    far = STRATEGIES["uncertain_code"](with_projections(found, lambda p: np.sign(p) * 10), NOTHING)
    near = STRATEGIES["uncertain_code"](with_projections(found, lambda p: np.sign(p) * 1e-6), NOTHING)
    np.testing.assert_allclose(far, 0, atol=1e-6)
    np.testing.assert_allclose(near, 8, atol=1e-3)  # 256 coins: √(256/4)


def test_order_disagreement_is_nought_where_both_orders_agree(found):
    score = STRATEGIES["order_disagreement"](found, NOTHING)
    same = found.hamming_rank == found.float_rank
    assert (score[same] == 0).all() and (score[~same] > 0).all()


def test_committee_is_nought_for_equal_codes_and_grows_where_quarters_part(found):
    equal = STRATEGIES["committee"](with_projections(found, np.abs), NOTHING)
    np.testing.assert_allclose(equal, 0, atol=1e-7)
    parted = with_projections(found, np.abs)
    parted.queries.projected[:, :64] *= -1  # the first quarter says 64 of 64 differ, the others none
    np.testing.assert_allclose(STRATEGIES["committee"](parted, NOTHING), np.std([1, 0, 0, 0]), atol=1e-6)


def test_core_set_is_nought_for_a_rated_pair_and_largest_for_a_kind_nobody_rated(found):
    known = RatedIndices(found.q[[0]], found.s[[0]])
    score = STRATEGIES["core_set"](found, known)
    assert score[0] == pytest.approx(0, abs=1e-6) and (STRATEGIES["core_set"](found, NOTHING) == 2).all()
    assert score.min() == score[0]


def test_under_represented_prefers_kinds_and_groups_with_fewer_ratings(found):
    films = np.flatnonzero((found.queries.modality[found.q] == "cxr") & (found.items.modality[found.s] == "cxr"))
    known = RatedIndices(found.q[films[:5]], found.s[films[:5]])
    score = STRATEGIES["under_represented"](found, known)
    ecgs = (found.queries.modality[found.q] == "ecg") & (found.items.modality[found.s] == "ecg")
    assert score[ecgs].mean() > score[films].mean()


def test_influential_prefers_studies_in_many_lists_that_nobody_rated(found):
    score = STRATEGIES["influential"](found, NOTHING)
    lists = np.bincount(found.s[found.hamming_rank < 10], minlength=2 * N)
    most, least = (found.s == np.argmax(lists)), (found.s == np.argmin(lists))
    assert score[most].mean() > score[least].mean()
    at = int(np.argmax(score))
    again = STRATEGIES["influential"](found, RatedIndices(found.q[[at]], found.s[[at]]))
    # both studies are half as new, and their modalities have all ratings where a half would be their share
    assert again[at] == pytest.approx(score[at] - 0.5 - 2 * 0.5)
    other = found.queries.modality[found.q] != found.queries.modality[found.q[at]]
    assert (again[other] - score[other]).max() == pytest.approx(1.0)  # a pair of the modalities that have none


@pytest.mark.parametrize("strategy", [*STRATEGIES, RANDOM])
def test_a_queue_holds_each_pair_once_whichever_way_round(found, strategy):
    chosen = pick(found, strategy, 60, np.random.default_rng(1)).indices
    pairs = [frozenset([found.queries.ids[found.q[p]], found.items.ids[found.s[p]]]) for p in chosen]
    assert len(chosen) == 60 and len(set(pairs)) == 60


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_a_queue_has_its_random_share_and_no_query_too_often(found, strategy):
    picked = pick(found, strategy, 40, np.random.default_rng(2))
    assert picked.at_random.sum() == 4 and np.isnan(picked.scores[picked.at_random]).all()
    scored = picked.indices[~picked.at_random]
    assert np.bincount(found.q[scored]).max() <= PER_QUERY
    assert np.isfinite(picked.scores[~picked.at_random]).all()


def test_the_first_pair_is_the_one_of_the_highest_score(found):
    for strategy, score in STRATEGIES.items():
        picked = pick(found, strategy, 1, np.random.default_rng(3), share=0.0)
        assert score(found, NOTHING)[picked.indices[0]] == pytest.approx(score(found, NOTHING).max(), abs=1e-6)


def test_more_than_there_are_gives_all_there_are_and_an_unknown_name_is_refused(found):
    few = found.take(np.arange(5))
    assert sorted(pick(few, BEST, 50, np.random.default_rng(0)).indices) == [0, 1, 2, 3, 4]
    mirrored = {(found.queries.ids[a], found.items.ids[b]) for a, b in zip(found.q, found.s, strict=True)}
    once = {frozenset(pair) for pair in mirrored}
    assert len(once) < len(mirrored)
    assert len(pick(found, BEST, len(found), np.random.default_rng(0)).indices) == len(once)
    with pytest.raises(KeyError):
        pick(found, "nonsense", 3, np.random.default_rng(0), share=0.0)


def test_scores_choose_among_what_a_round_learns_from_and_lots_among_all(found):
    taught = found.queries.modality[found.q] == "cxr"
    picked = pick(found, BEST, 40, np.random.default_rng(4), share=0.5, learnable=taught)
    assert taught[picked.indices[~picked.at_random]].all()
    assert not taught[picked.indices[picked.at_random]].all()
    rest = pick(found, BEST, 10, np.random.default_rng(4), share=0.0, learnable=np.zeros(len(found), bool))
    assert len(rest.indices) == 10  # nothing that teaches is left: what measures is offered
