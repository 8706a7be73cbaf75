"""The rhythm of an encounter: its rate, its regularity by age and label, fibrillation, premature beats."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.synthetic_ecgs import encounter

from engine.synthetic.rhythm import DURATION_S, Rhythm, draw_rhythm


def rhythms(*labels: str, n: int = 40, rate: float = 70.0, age: int = 62) -> list[Rhythm]:
    """Several rhythms of one encounter."""
    one = encounter(*labels, rate=rate, age=age)
    return [draw_rhythm(one, np.random.default_rng(seed)) for seed in range(n)]


def rr_inside(rhythm: Rhythm) -> np.ndarray:
    """RR intervals (s) inside the recording."""
    return np.diff(rhythm.r_s[(rhythm.r_s >= 0) & (rhythm.r_s < DURATION_S)])


def spread(rhythm: Rhythm) -> float:
    """Standard deviation of RR over its mean."""
    rr = rr_inside(rhythm)
    return float(rr.std() / rr.mean())


@pytest.mark.parametrize("rate", [42.0, 60.0, 75.5, 98.0, 131.0])
def test_the_mean_rate_over_the_recording_is_the_encounters(rate: float) -> None:
    for rhythm in rhythms("sinus rhythm", rate=rate):
        assert abs(60 / rr_inside(rhythm).mean() - rate) < 1.0


@pytest.mark.parametrize("label", ["sinus rhythm", "atrial fibrillation", "ventricular premature complex"])
def test_beats_cover_the_time_around_the_recording_in_order(label: str) -> None:
    for rhythm in rhythms(label):
        assert rhythm.r_s[0] <= -3.0 and rhythm.r_s[-1] >= DURATION_S + 2
        assert (np.diff(rhythm.r_s) > 0.25).all() and rhythm.kind.size == rhythm.r_s.size


def test_the_heart_of_the_young_varies_more() -> None:
    young, old = (np.median([spread(r) for r in rhythms("sinus rhythm", age=age)]) for age in (22, 78))
    assert young > 1.4 * old


def test_sinus_arrhythmia_differs_by_more_than_120_ms_between_beats_of_one_breath() -> None:
    for rhythm in rhythms("sinus arrhythmia"):
        assert np.ptp(rr_inside(rhythm)) > 0.12


def test_fibrillation_is_irregular_without_memory_and_has_a_shortest_interval() -> None:
    made = rhythms("atrial fibrillation", rate=95.0, n=80)
    assert np.median([spread(r) for r in made]) > 0.15
    rr = [rr_inside(r) for r in made]
    assert min(part.min() for part in rr) > 0.27
    lag = [np.corrcoef(np.diff(r.r_s)[1:], np.diff(r.r_s)[:-1])[0, 1] for r in made]
    assert abs(np.mean(lag)) < 0.15  # a little below 0, as any short independent series
    assert all(set(r.kind) == {"fibrillation"} for r in made)
    assert all(abs(60 / part.mean() - 95.0) < 4 for part in rr)


def test_a_premature_beat_is_early_and_the_pause_after_it_compensates() -> None:
    for rhythm in rhythms("ventricular premature complex", "sinus rhythm"):
        at = np.flatnonzero(rhythm.kind == "ventricular")
        assert 1 <= at.size <= 4 and ((rhythm.r_s[at] > 0) & (rhythm.r_s[at] < DURATION_S)).all()
        rr = np.diff(rhythm.r_s)
        for i in at:
            usual = np.median(rr)
            assert rr[i - 1] < 0.85 * usual < 1.1 * usual < rr[i]
            assert rr[i - 1] + rr[i] == pytest.approx(2 * usual, rel=0.2)


def test_a_rhythm_repeats_with_its_seed() -> None:
    first, again, other = (draw_rhythm(encounter("sinus rhythm"), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.r_s, again.r_s)
    assert not np.array_equal(first.r_s[:8], other.r_s[:8])
