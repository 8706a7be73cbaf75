"""What the fit reads from a recording: beats, their limits, and what a z-scored lead is in millivolt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.synthetic_ecgs import draw, encounter, shipped
from scipy import signal

from engine.datasets import open_recordings
from engine.synthetic.ecg import GAIN
from engine.synthetic.ecg.beats import BEFORE, FS, median_beat
from engine.synthetic.ecg.fit import sample
from engine.synthetic.ecg.gains import fit_gains, limb_ratio
from engine.synthetic.ecg.segments import landmarks


def recorded(label: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A drawn ECG as the open recordings are, (12, 1000) mV at 100 Hz, and its R peaks inside, s."""
    samples, rhythm = draw(encounter(label), seed)
    inside = rhythm.r_s[(rhythm.r_s > 0.3) & (rhythm.r_s < 9.6)]
    return signal.resample_poly(samples / GAIN, 1, 5, axis=1), inside


@pytest.mark.parametrize("label", ["normal ECG", "complete left bundle branch block", "inferior myocardial infarction"])
def test_beats_are_found_where_the_rhythm_put_them(label: str) -> None:
    mv, wanted = recorded(label, 11)
    beat = median_beat(mv, 100.0)
    assert beat is not None
    found = beat.r / FS
    gaps = np.array([found[np.argmin(np.abs(found - at))] - at for at in wanted])
    assert np.abs(gaps - np.median(gaps)).max() < 0.02  # one fixed point of the beat
    assert abs(float(np.median(gaps))) < 0.05


def test_landmarks_follow_the_waves_in_order_and_tell_broad_from_narrow() -> None:
    widths = []
    for label in ("normal ECG", "complete left bundle branch block"):
        beat = median_beat(recorded(label, 12)[0], 100.0)
        assert beat is not None
        at = landmarks(beat.eight, BEFORE, beat.rr_s)
        assert at.p < at.onset < 0 < at.end < at.t < at.t_end
        widths.append(at.end - at.onset)
    assert widths[1] > widths[0] + 0.03


def test_einthovens_law_gives_the_limb_gains_of_z_scored_leads() -> None:
    mv, _ = recorded("left anterior fascicular block", 13)
    scored = (mv - mv.mean(axis=1, keepdims=True)) / mv.std(axis=1, keepdims=True)
    assert np.exp(limb_ratio(scored)) == pytest.approx(mv[0].std() / mv[1].std(), rel=0.02)


def test_gains_are_predicted_where_features_tell_them_and_scatter_where_not() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((400, 5))
    log = features @ (0.2 * rng.standard_normal((5, 8))) + 0.1 * rng.standard_normal((400, 8))
    gains = fit_gains(features[:300], log[:300])
    drawn = np.stack([gains.draw(f, row[0] - row[1], rng) for f, row in zip(features[300:], log[300:], strict=True)])
    assert np.sqrt(((drawn - log[300:]) ** 2).mean()) < 0.3
    np.testing.assert_allclose(drawn[:, 0] - drawn[:, 1], np.clip(log[300:, 0] - log[300:, 1], -1.5, 1.5))


def test_the_shipped_generator_is_small_and_holds_no_recording() -> None:
    """Fewer numbers than a hundred ten-second recordings, none of them as long as the training set."""
    arrays = shipped().arrays
    assert sum(array.size for array in arrays.values()) < 100 * 12 * 1000 / 4
    assert max(max(array.shape) for array in arrays.values()) < 1000


def test_recordings_with_left_bundle_branch_block_are_cut_broader_than_normal_ones(recordings: Path) -> None:
    own = [r for r in open_recordings.recordings(recordings, "train", "ecg") if r.source.get("units") == "sd"]
    middle = {}
    for label in ("normal ECG", "complete left bundle branch block"):
        cut = [found for r in [r for r in own if label in r.labels][:15] if (found := sample(r)) is not None]
        middle[label] = float(np.median([s.landmarks.end - s.landmarks.onset for s in cut]))
    assert middle["normal ECG"] < 0.10 < 0.13 < middle["complete left bundle branch block"]
