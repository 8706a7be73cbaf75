"""The figures of the synthetic cohort's checks against values worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import UsageError
from engine.evaluate import cache
from engine.settings import DEMO
from engine.synthetic.checks import agreement, beats, fidelity, memorisation, realism, retrieval
from engine.synthetic.checks.evaluate import outside_repository
from engine.synthetic.checks.group import Group, make_group

SCORES, HELD = np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, True, False, True])


def group(x: list[float], held: list[bool], split: str = "test") -> Group:
    rows = [(f"{split}{i}", f"p{i}", f"e{i}", "set", split, ["LVH"] if h else []) for i, h in enumerate(held)]
    return make_group("ecg", rows, {"one": np.array(x)[:, None]})


def reader() -> fidelity.Reader:
    return fidelity.Reader(("LVH",), 1.0, np.zeros(1), np.ones(1), np.ones((1, 1)))


def test_area_counts_pairs_and_ties_half() -> None:
    assert fidelity.auroc(SCORES, HELD) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert fidelity.auroc(SCORES, HELD, np.array([1.0, 2.0, 1.0, 0.0])) == pytest.approx((2 + 1) / 4)
    assert np.isnan(fidelity.auroc(SCORES, np.zeros(4, bool)))


def test_difference_of_areas_and_verdict() -> None:
    held = [False] * 5 + [True] * 5
    real = group([0, 1, 2, 3, 9, 4, 5, 6, 7, 8], held)  # one negative above all positives: 20 of 25 pairs
    worse = group([0, 1, 2, 8, 9, 4, 5, 6, 7, 7.5], held, "synthetic")  # two: 15 of 25
    row = fidelity.compare(reader(), real, worse, "one", "LVH")
    assert row["difference"]["value"] == pytest.approx(15 / 25 - 20 / 25)
    assert row["difference"]["low"] < -0.2 < row["difference"]["high"]
    assert row["verdict"] == "dropped"
    clear = group(list(range(10)), held, "synthetic")
    assert fidelity.compare(reader(), real, clear, "one", "LVH")["verdict"] == "kept, easier than real"
    assert fidelity.compare(reader(), real, real, "one", "LVH")["verdict"] == "kept"


def test_a_label_with_four_positives_is_shown_as_too_few() -> None:
    held = [False] * 6 + [True] * 4
    rows = fidelity.fidelity(reader(), group(list(range(10)), held), group(list(range(10)), held), "one")
    assert [(row["label"], row["verdict"]) for row in rows] == [("LVH", "too few")]
    assert rows[0]["real"]["positives"] == 4 and rows[0]["real"]["negatives"] == 6


def test_what_the_reader_never_saw_is_no_negative_on_either_side() -> None:
    plain = group(list(range(10)), [False] * 5 + [True] * 5)
    labels = (*plain.labels[:5], *[one | {"paced rhythm"} for one in plain.labels[5:8]], *plain.labels[8:])
    odd = tuple({"paced rhythm"} if i in (0, 4) else one for i, one in enumerate(labels))
    seen = fidelity.fair(replace(plain, labels=tuple(map(frozenset, odd))), reader(), "LVH")
    assert seen.spaces["one"][:, 0].tolist() == [1, 2, 3, 5, 6, 7, 8, 9]  # positives stay, whatever they carry besides


def test_kernel_distance_by_hand() -> None:
    a, b = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]])
    # k(1, 2) = 27, k(0, 1) = 1; between: 1, 8, 1, 27
    assert realism.kid_of(realism.kernel(a, a), realism.kernel(b, b), realism.kernel(a, b)) == pytest.approx(
        27 + 1 - 2 * 37 / 4
    )


def test_precision_and_recall_by_hand() -> None:
    line, point = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([[1.2], [9.0]])
    # third neighbours of the line lie 3, 2, 2 and 3 away: it covers −3 … 6
    assert realism.covered(point, line).tolist() == [True, False]
    assert realism.covered(line, np.array([[0.0], [0.1], [0.2], [0.3]]), k=1).tolist() == [True, False, False, False]


def test_two_sample_area_sees_a_shift_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    x, patients = rng.normal(size=(200, 5)), [str(i) for i in range(200)]
    alike = realism.two_sample(x[:100], x[100:], patients)
    apart = realism.two_sample(x[:100] + 3, x[100:], patients)
    assert alike["low"] < 0.55 and 0.35 < alike["value"] < 0.65
    assert apart["value"] > 0.99


def test_nearest_distance_by_hand() -> None:
    cosines = np.array([[0.5, 1.0], [0.0, -1.0]])
    distances, index = memorisation.nearest(cosines)
    assert distances.tolist() == pytest.approx([0.0, np.sqrt(2)]) and index.tolist() == [1, 0]


def test_a_copy_is_found_when_moved_by_three_pixels_and_exposed_differently() -> None:
    rng = np.random.default_rng(0)
    films = rng.integers(0, 120, (4, 70, 70)).astype(np.uint8)
    train, moved, far = films[:, 3:67, 3:67], films[:, 6:70, 0:64] * 2 + 5, np.roll(films, 9, 2)[:, 3:67, 3:67]
    near, index = memorisation.nearest(memorisation.film_cosines(moved, train))
    assert near.max() < 1e-2 and index.tolist() == [0, 1, 2, 3]
    assert memorisation.nearest(memorisation.film_cosines(far, train))[0].min() > 1


def test_limit_is_the_first_percentile_of_real_distances() -> None:
    real = np.arange(1, 102) / 100  # 1st percentile: 0.02
    found = memorisation.verdict(np.array([0.019, 0.021, 0.5]), real, np.array(["a", "b", "c"]))
    assert found["limit"] == pytest.approx(0.02) and found["which"] == ["a"] and found["below"] == 1


def test_a_copied_trace_is_found_when_cut_one_second_later() -> None:
    rng = np.random.default_rng(0)
    long = rng.normal(size=(3, 2, 1100))
    cosines = beats.wave_cosines(long[:, :, 100:], long[:, :, :1000])
    assert np.diag(cosines) == pytest.approx(0.9, abs=0.02) and cosines[0, 1] < 0.2
    assert np.diag(beats.wave_cosines(-long, -long)) == pytest.approx(1)


def test_typical_beats_match_across_a_peak_found_two_samples_off() -> None:
    trace = np.tile(np.hanning(100) ** 8, 10)[None]
    peaks = np.arange(50, 1000, 100)
    a, b = (beats.typical(trace, found, 100.0)[None] for found in (peaks, peaks + 2))
    assert beats.beat_cosines(a, b)[0, 0] == pytest.approx(1, abs=1e-4)
    assert not beats.typical(trace, peaks[:1], 100.0).any()


def test_rates_are_counted_over_the_same_beats() -> None:
    r = np.arange(0.1, 10, 0.8)
    heart, pulse, spread = agreement.rates_over_same_beats(r, r[2:-1] + 0.25)  # two pulses fewer, same rate
    assert heart == pytest.approx(75) and pulse == pytest.approx(75) and spread == pytest.approx(0)
    heart, pulse, _ = agreement.rates_over_same_beats(r, np.arange(0.3, 10, 1.0))
    assert abs(heart - pulse) > 10
    assert np.isnan(agreement.rates_over_same_beats(r, np.zeros(0))[0])


def test_unknown_rates_count_against_agreement() -> None:
    found = agreement.rate_figures([60.0, 70.0, np.nan], [61.0, 75.0, 60.0], ["a", "b", "c"])
    assert found["within"] == 1 and found["apart"] == ["b", "c"] and found["n"] == 3


def test_limb_leads_are_exact_or_not() -> None:
    i, ii = np.array([2, 4, -6]), np.array([8, 2, 10])
    leads = np.vstack([i, ii, ii - i, -(i + ii) // 2, i - ii // 2, ii - i // 2, np.zeros((6, 3), int)])
    assert agreement.limb_residual(leads) == 0
    leads[4, 1] += 1
    assert agreement.limb_residual(leads) == 1


def test_a_report_names_a_label_by_its_words_or_by_those_of_its_finding() -> None:
    assert agreement.names("Blunted costophrenic angle on the left.", "Pleural Effusion")
    assert agreement.names("Complete left bundle branch block.", "complete left bundle branch block")
    assert not agreement.names("Clear lungs.", "Pneumothorax")


def test_ranks_of_the_own_study_give_half_a_place_to_ties() -> None:
    scores = np.array([[3.0, 2.0, 1.0], [5.0, 5.0, 5.0]])
    own = np.array([[False, True, False], [False, False, True]])
    ranks = retrieval.own_ranks(scores, own)
    assert ranks.tolist() == [2.0, 2.0]
    found = retrieval.metrics(ranks, 3)
    assert found["mrr"].tolist() == [0.5, 0.5] and found["rank_percentile"].tolist() == [0.5, 0.5]
    assert found["top_1_percent"].tolist() == [0, 0] and found["r_at_10"].tolist() == [1, 1]


def test_own_studies_stand_beside_chance() -> None:
    z, names = np.eye(60), [f"e{i}" for i in range(60)]
    found = retrieval.own_study(z @ z.T, names, names, names)
    assert found["top_1_percent"]["value"] == 1 and found["top_1_percent"]["chance"]["high"] < 0.1
    assert found["rank_percentile"]["value"] == 0
    assert found["rank_percentile"]["chance"]["value"] == pytest.approx(0.5, abs=0.05)


def test_matching_takes_each_study_once_and_prefers_shared_labels() -> None:
    wanted = [frozenset({"a"}), frozenset({"a"}), frozenset({"b"})]
    offered = [frozenset({"b"}), frozenset({"a"}), frozenset({"c"}), frozenset({"a"})]
    chosen = realism.match_labels(wanted, offered, np.random.default_rng(0))
    assert sorted(chosen.tolist()) == [0, 1, 3]


def test_a_damaged_cache_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "kept.npz"
    first = cache.cached_arrays(file, lambda: {"a": np.arange(3)})
    assert cache.cached_arrays(file, lambda: {"a": np.zeros(1)})["a"].tolist() == first["a"].tolist()
    file.write_bytes(file.read_bytes()[:40])
    assert cache.cached_arrays(file, lambda: {"a": np.zeros(1)})["a"].tolist() == [0]


def test_pictures_of_real_recordings_stay_out_of_the_repository(tmp_path: Path) -> None:
    outside_repository(tmp_path)
    with pytest.raises(UsageError, match="real recordings"):
        outside_repository(DEMO / "pictures")
