"""The tests of the monitor are right without a shift, and its alarms are as rare as is stated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from engine.monitor import statistics
from engine.monitor.rule import A_MONTH, KAPPA, SIGNALS, STOP_TIMES, evidence, level_of, limit, since
from engine.monitor.statistics import Compared
from engine.store.alarms import LOOK, STOP, SignalWindow

BEGIN = datetime(2026, 1, 1)
Comparison = Callable[[np.ndarray, np.ndarray, int], Compared]


def windows(p: np.ndarray, effect: float = 1.0, reference: str = "known", size: int = 10) -> list[SignalWindow]:
    moments = [BEGIN + timedelta(hours=at) for at in range(len(p))]
    about = ("r", "ecg", "ward", "embedding", reference)
    return [
        SignalWindow(*about, at, at + timedelta(minutes=30), size, 0.0, 0.0, 0.0, effect, float(one))
        for at, one in zip(moments, p, strict=True)
    ]


COMPARED: dict[str, Comparison] = {
    "embedding": lambda seen, usual, seed: statistics.mmd(seen, usual, seed),
    "bits": lambda seen, usual, seed: statistics.balance(seen > 0, usual > 0, seed),
    "groups": lambda seen, usual, seed: statistics.mix((seen[:, 0] > 0) * 1, (usual[:, 0] > 0) * 1, seed),
    "distance": lambda seen, usual, _: statistics.shifted(seen[:, 0], usual[:, 0], up=True),
}


@pytest.mark.parametrize("name", COMPARED)
def test_p_values_are_right_without_a_shift_and_small_with_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "PERMUTATIONS", 199)
    rng = np.random.default_rng(3)
    quiet = [COMPARED[name](rng.normal(size=(10, 8)), rng.normal(size=(60, 8)), seed).p for seed in range(150)]
    # no more than one in ten at 0.1, but for one chance in a thousand
    assert sum(p <= 0.1 for p in quiet) <= stats.binom.ppf(0.999, len(quiet), 0.1)
    moved = COMPARED[name](rng.normal(size=(20, 8)) + 3.0, rng.normal(size=(60, 8)), 0)
    assert moved.p <= 0.01 and moved.effect > SIGNALS[name].matters
    assert not moved.low <= moved.value <= moved.high


def test_a_share_is_compared_exactly() -> None:
    found = statistics.share_above(4, 20, 0.05)
    assert found.p == pytest.approx(sum(stats.binom.pmf(k, 20, 0.05) for k in range(4, 21)))
    assert found.effect == pytest.approx(0.15)


def test_what_was_stated_is_held_against_marks() -> None:
    shares = np.full(50, 0.8)
    assert statistics.stated(shares, np.arange(50) < 40).p > 0.5
    assert statistics.stated(shares, np.arange(50) < 20).p < 0.001


def test_the_nearest_is_the_nearest_of_another_patient() -> None:
    codes = np.random.default_rng(0).integers(0, 2**63, (30, 4), dtype=np.uint64)
    plain = [[sum(int(a ^ b).bit_count() for a, b in zip(one, other, strict=True)) for other in codes] for one in codes]
    expected = [min(far for at, far in enumerate(row) if at != number) for number, row in enumerate(plain)]
    assert statistics.nearest(codes, codes, np.eye(30, dtype=bool)).tolist() == expected


def test_all_signals_together_may_spend_one_false_alarm_a_month() -> None:
    spent = sum(A_MONTH / signal.size / limit(signal) for signal in SIGNALS.values())
    assert spent == pytest.approx(1.0)
    assert limit(SIGNALS["embedding"], STOP) == STOP_TIMES * limit(SIGNALS["embedding"])
    mean = np.mean([KAPPA * p ** (KAPPA - 1) for p in np.arange(1, 2001) / 2000])
    assert mean <= 1.0, "an e-value is at most 1 on average"


def test_without_a_shift_alarms_are_rarer_than_stated() -> None:
    signal, rng = SIGNALS["embedding"], np.random.default_rng(11)
    alarms, months = 0, 40
    for _ in range(months):
        p = rng.integers(1, 2001, A_MONTH // signal.size) / 2000
        value = 0.0
        for one in windows(p):
            found = evidence(signal, [one])
            assert found is not None
            value = max(value, 1.0) * found.value
            alarms += value >= limit(signal)
            value = 0.0 if value >= limit(signal) else value
    assert alarms <= months / len(SIGNALS)


def test_evidence_grows_from_effects_that_matter_and_begins_anew() -> None:
    signal = SIGNALS["embedding"]
    grown = evidence(signal, windows(np.array([0.9, 0.0005, 0.0005, 0.002])))
    assert grown is not None and level_of(signal, grown) == LOOK and grown.queries == 30
    more = evidence(signal, windows(np.full(4, 0.0005)))
    assert more is not None and level_of(signal, more) == STOP
    small = evidence(signal, windows(np.full(50, 0.0005), effect=signal.matters / 2))
    assert small is not None and level_of(signal, small) is None, "a difference that does not matter is no alarm"
    assert level_of(SIGNALS["latency"], more) == LOOK, "how long answers take stops no promotion"
    assert since(windows(np.full(4, 0.5)), BEGIN + timedelta(hours=2)) == windows(np.full(4, 0.5))[3:]


def test_a_stream_that_is_like_one_of_the_references_is_none_of_the_new() -> None:
    far, like = windows(np.full(6, 0.0005), reference="far"), windows(np.full(6, 0.6), reference="like")
    found = evidence(SIGNALS["embedding"], [*far, *like])
    assert found is not None and found.reference == "like" and found.value < 1
