"""The gate: figures before and after by hand, limits at their edges, and a spoilt release that does not get through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from engine.findings import vocabulary
from engine.learning import gate
from engine.learning.fit import RatedPairs
from engine.learning.gate import MIN_STUDIES, GateRow, apply_guards, verdict_of
from engine.learning.gate_metrics import auc, holdout_rows, measure_queries, rating_rows
from engine.learning.round_data import Pool

OVERALL = GateRow("overall", "", 100, 0.5, 0.5, 0.0, 0.0, 0.0)


def row(section: str, before: float, after: float, n: int = 100) -> GateRow:
    return GateRow(section, "ppg>text" if section == "pair" else "x", n, before, after, after - before, 0.0, 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("section", "before", "after", "falls"),
    [
        ("overall", 0.5, 0.49, False),
        ("overall", 0.5, 0.489, True),
        ("pair", 0.5, 0.485, False),
        ("pair", 0.5, 0.4849, True),
        ("group", 0.4, 0.38, False),
        ("group", 0.4, 0.379, True),
        ("ratings", 0.8, 0.78, False),
        ("ratings", 0.8, 0.779, True),
        ("label", 0.5, 0.1, False),
        ("pair", 0.5, 0.9, False),
        ("pair", 0.0, 0.0, False),
    ],
)
def test_limits_hold_at_their_edges(section: str, before: float, after: float, falls: bool):
    (found,) = apply_guards([row(section, before, after)])
    assert found.falls == falls and found.guarded == (section != "label")
    assert not apply_guards([row(section, before, after, n=MIN_STUDIES - 1)])[0].falls


def test_the_verdict_names_every_guard_that_fell():
    rows = apply_guards([OVERALL, row("pair", 0.5, 0.4), row("ratings", 0.8, 0.7), row("group", 0.5, 0.1, n=29)])
    verdict = verdict_of(rows)
    assert not verdict.passed and len(verdict.failed_guards) == 2
    assert verdict.failed_guards[0] == "P@10 of pulse recording to report falls by 20.0 % (limit 3 %)"
    assert verdict.failed_guards[1] == "AUC of held-out ratings falls by 0.100 (limit 0.02)"
    assert [one.too_few for one in rows] == [False, False, False, True]
    assert verdict_of(apply_guards([OVERALL])).passed


def test_nothing_measured_and_too_little_measured_do_not_pass():
    assert verdict_of([]) == gate.GateVerdict(False, (gate.UNMEASURED,))
    few = verdict_of(apply_guards([replace(OVERALL, n=12)]))
    assert not few.passed and few.failed_guards == ("the held-out set has 12 studies that can ask and 30 are needed",)


def pool(held: list[list[int]], patients: list[str], sex: str = "F", age: float = 50.0) -> Pool:
    n, width = len(held), len(vocabulary())
    flags = np.zeros((n, width), bool)
    for i, some in enumerate(held):
        flags[i, np.add(some, 1)] = True  # the first is "normal", which nobody shares
    words = np.full(n, sex), np.full(n, "ward")
    return Pool(
        np.zeros((n, 256), np.float32),
        flags,
        np.array(patients),
        *words,
        np.full(n, age),
        np.array([f"s{i}" for i in range(n)]),
    )


def bits(ones: list[int]) -> np.ndarray:
    """Codes whose first so many bits are set."""
    flags = np.zeros((len(ones), 256), bool)
    for i, n in enumerate(ones):
        flags[i, :n] = True
    return np.packbits(flags, axis=1, bitorder="little")


def test_precision_by_hand():
    """Twelve studies of twelve patients and one more of the first's: its own patient is never a neighbour."""
    patients = [f"p{i}" for i in range(12)] + ["p0"]
    holdout = {"ecg": pool([[0]] * 3 + [[1]] * 9 + [[0]], patients)}
    near = bits([0, 1, 2, *range(50, 59), 0])  # relevant ones first
    far = bits([0, 250, 251, *range(50, 59), 0])
    found = measure_queries(holdout, {"ecg": near}, {"ecg": far})
    assert found is not None and len(found.kind) == 13
    # p0 asks: its relevant ones of others are p1, p2; both among its ten nearest before, one of them pushed out after
    assert found.before[0] == pytest.approx(0.2) and found.after[0] == pytest.approx(0.1)
    assert found.before[3] == pytest.approx(0.8)
    rows = {(one.section, one.name): one for one in holdout_rows(found)}
    assert rows["overall", ""].before == pytest.approx(found.before.mean())
    assert rows["pair", "ecg>ecg"].difference == pytest.approx((found.after - found.before).mean())
    assert rows["group", "sex F"].n == 13 and rows["group", "age 40 to 64"].n == 13 and ("label", "x") not in rows
    assert (
        holdout_rows(measure_queries({"ecg": pool([[0], [1]], ["a", "b"])}, {"ecg": near[:2]}, {"ecg": far[:2]})) == []
    )


def test_a_study_counts_once_however_many_modalities_it_asks():
    holdout = {kind: pool([[0]] * 12, [f"p{i}" for i in range(12)]) for kind in ("ecg", "ppg")}
    codes = {kind: bits(list(range(12))) for kind in holdout}
    rows = {(one.section, one.name): one.n for one in holdout_rows(measure_queries(holdout, codes, codes))}
    assert rows["overall", ""] == rows["group", "sex F"] == 24  # of 48 queries
    assert rows["pair", "ecg>ppg"] == 12


def test_pairs_of_modalities_count_alike_overall():
    """Twenty ECGs that find each other and two PPGs that find nobody right: each of the two pairs weighs one half."""
    many = pool([[0]] * 20, [f"a{i}" for i in range(20)])
    few = pool([[1], [2], [1], *[[3]] * 12], [f"b{i}" for i in range(15)])
    codes = {"ecg": bits([0] * 20), "ppg": bits([0, 1, 200, *range(3, 15)])}
    found = measure_queries({"ecg": many, "ppg": few}, codes, codes)
    assert found is not None
    kinds = {kind: found.before[found.kind == kind].mean() for kind in set(found.kind)}
    assert set(kinds) == {"ecg>ecg", "ppg>ppg"}
    overall = holdout_rows(found)[0]
    assert overall.before == pytest.approx(np.mean(list(kinds.values()))) and overall.before != found.before.mean()
    assert (overall.low, overall.high, overall.difference) == (0, 0, 0)


def test_the_interval_is_of_the_difference_and_by_patient():
    """Six patients with ten studies each: what differs between patients decides, not the number of studies."""
    rng = np.random.default_rng(0)
    patients = [f"p{i % 6}" for i in range(60)]
    holdout = {"ecg": pool([[i % 2] for i in range(60)], patients)}
    before, after = (rng.integers(0, 256, (60, 32)).astype(np.uint8) for _ in range(2))
    overall = holdout_rows(measure_queries(holdout, {"ecg": before}, {"ecg": after}))[0]
    assert overall.low < overall.difference < overall.high
    assert overall.difference == pytest.approx(overall.after - overall.before)
    again = holdout_rows(measure_queries(holdout, {"ecg": before}, {"ecg": after}))[0]
    assert again == overall  # the same draws every time


def marked(target: list[float], kinds: list[str] | None = None, weight: list[float] | None = None) -> RatedPairs:
    n = len(target)
    z, mq = np.zeros((n, 256), np.float32), np.array(kinds or ["ecg"] * n)
    return RatedPairs(
        z, z, mq, mq, np.array(target, np.float32), np.array(weight or [1.0] * n, np.float32), np.zeros((n, 1), bool)
    )


def test_auc_is_that_of_a_kept_library():
    rng = np.random.default_rng(3)
    target, weight, far = rng.integers(0, 2, 80), rng.uniform(0.1, 1, 80), rng.integers(0, 20, 80)
    ours = auc(far, marked(target.tolist(), weight=weight.tolist()), np.ones((1, 80)))[0]
    assert ours == pytest.approx(roc_auc_score(target, -far, sample_weight=weight), abs=1e-6)


def test_auc_compares_only_pairs_of_equal_modalities_and_partly_is_half():
    far = np.array([10, 20, 110, 120])
    kinds = ["ecg", "ecg", "cxr", "cxr"]
    assert auc(far, marked([1, 0, 1, 0], kinds), np.ones((1, 4)))[0] == 1
    assert auc(far, marked([0, 1, 1, 0], kinds), np.ones((1, 4)))[0] == 0.5
    assert np.isnan(auc(far, marked([1, 1, 0, 0], kinds), np.ones((1, 4)))[0])
    assert auc(np.array([1, 2]), marked([0.5, 0.5]), np.ones((1, 2)))[0] == 0.5


def test_held_out_ratings_have_a_row_and_none_where_nothing_can_be_compared():
    target = [1.0, 0.0] * 20
    good, bad = np.array([10, 90] * 20), np.array([90, 10] * 20)
    (found,) = apply_guards(rating_rows(marked(target), np.array([f"p{i}" for i in range(40)]), good, bad))
    assert (found.before, found.after, found.n, found.falls) == (1.0, 0.0, 40, True)
    assert rating_rows(marked([1.0] * 40), np.array(["p"] * 40), good, bad) == []
    assert rating_rows(marked([]), np.array([], dtype=str), good[:0], bad[:0]) == []


def test_shuffled_codes_do_not_get_through():
    rng = np.random.default_rng(1)
    kinds = [i % 4 for i in range(160)]
    holdout = {"ecg": pool([[kind] for kind in kinds], [f"p{i}" for i in range(160)])}
    centres = rng.integers(0, 256, (4, 32)).astype(np.uint8)
    codes = centres[kinds]
    rows = apply_guards(holdout_rows(measure_queries(holdout, {"ecg": codes}, {"ecg": codes[rng.permutation(160)]})))
    verdict = verdict_of(rows)
    assert not verdict.passed and "P@10 overall" in verdict.failed_guards[0]
    assert verdict_of(apply_guards(holdout_rows(measure_queries(holdout, {"ecg": codes}, {"ecg": codes})))).passed


def test_what_the_ratings_did_is_measured_against_the_round_without_them():
    """Forty queries of forty patients: without ratings the codes find one neighbour in ten, with them every one."""
    patients = [f"p{i}" for i in range(40)]
    holdout = {"ecg": pool([[i % 2] for i in range(40)], patients)}
    apart, mixed = bits([200 * (i % 2) for i in range(40)]), bits([100] * 40)
    found = measure_queries(holdout, {"ecg": mixed}, {"ecg": apart}, {"ecg": mixed})
    overall = holdout_rows(found)[0]
    assert overall.after == 1 and overall.without == overall.before
    assert overall.earned == pytest.approx(overall.after - overall.without)
    assert overall.verdict_on_ratings == "more"
    same = holdout_rows(measure_queries(holdout, {"ecg": mixed}, {"ecg": apart}, {"ecg": apart}))[0]
    assert (same.earned, same.verdict_on_ratings) == (0, "chance") and same.difference > 0.3
    worse = holdout_rows(measure_queries(holdout, {"ecg": mixed}, {"ecg": mixed}, {"ecg": apart}))[0]
    assert worse.verdict_on_ratings == "less" and worse.difference == 0
    unmeasured = holdout_rows(measure_queries(holdout, {"ecg": mixed}, {"ecg": apart}))[0]
    assert (unmeasured.without, unmeasured.earned) == (None, None)
    assert unmeasured.verdict_on_ratings == "not_measured"


def test_three_held_out_ratings_are_too_few_to_say_anything():
    good, bad = np.array([10, 90, 10]), np.array([90, 10, 90])
    (few,) = rating_rows(marked([1.0, 0.0, 1.0]), np.array(["a", "b", "c"]), bad, good, bad)
    assert few.earned == pytest.approx(1) and few.verdict_on_ratings == "too_few"
    target, many = [1.0, 0.0] * 20, np.array([f"p{i}" for i in range(40)])
    (enough,) = rating_rows(marked(target), many, np.array([90, 10] * 20), np.array([10, 90] * 20), np.array([50] * 40))
    assert (enough.before, enough.without, enough.after) == (0, 0.5, 1) and enough.verdict_on_ratings == "more"


def test_a_row_of_a_round_before_this_was_measured_is_read_as_it_is():
    old = {"section": "overall", "name": "", "n": 90, "before": 0.5, "after": 0.6, "difference": 0.1, "low": 0.0}
    assert GateRow(**old, high=0.2).verdict_on_ratings == "not_measured"  # type: ignore[arg-type]
