"""Windows of simultaneous recordings: some as recorded, the others played faster or slower, both traces alike."""

from __future__ import annotations

import numpy as np
import pytest

from engine.training.data.simultaneous import AS_IS, CUTS, SPEEDS, cuts, mean_rate, time_stretched
from engine.study import Trace

FS, RATE = 125.0, 70.0


def trace(seconds: float, lead: str = "PPG") -> Trace:
    """Narrow beats at RATE per minute."""
    t = np.arange(round(seconds * FS)) / FS
    beat = np.exp(-0.5 * ((((t * RATE / 60) % 1) - 0.5) * 60 / RATE / 0.02) ** 2)
    return Trace(beat[None].astype(np.float32), (lead,), FS, "mV")


def test_windows_lie_inside_both_traces_and_some_are_as_recorded() -> None:
    found = cuts(trace(60), trace(40), np.random.default_rng(0))
    assert len(found) == CUTS
    assert found[0] == (0.0, 1.0)
    assert sum(speed == 1 for _, speed in found) == AS_IS
    assert all(start >= 0 and start + 10 * speed <= 40 + 1e-9 for start, speed in found)
    speeds = [speed for _, speed in found]
    assert SPEEDS[0] <= min(speeds) < 0.9 < 1.1 < max(speeds) <= SPEEDS[1]


def test_a_recording_that_is_hardly_long_enough_is_not_played_faster() -> None:
    assert all(speed <= 1.05 for _, speed in cuts(trace(10.5), trace(10.5), np.random.default_rng(0)))
    assert cuts(trace(9), trace(60), np.random.default_rng(0)) == []


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.5])
def test_a_window_lasts_ten_seconds_at_any_speed_and_its_rate_changes_by_it(speed: float) -> None:
    window = time_stretched(trace(60, "II"), 3.0, speed)
    assert window.duration_s == pytest.approx(10, abs=0.01)
    assert mean_rate(window) == pytest.approx(RATE * speed, rel=0.02)
