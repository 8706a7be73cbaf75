"""The gate on real recordings: at least 97 % of a seeded sample of `test` pass; the dog and turned films do not.

The sample is of the data sets that the gate's provenance lists, since its limits were chosen on those.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.datasets import open_recordings
from engine.datasets.open_recordings import Recording
from engine.intake.quality.judge import choose_window, judge
from engine.intake.quality.verdict import PROVENANCE, QualityVerdict
from engine.study import Film, Study
from engine.training.quality_gate import one_lead

Sample = Callable[[str, int], list[Recording]]


def fitted_on(recording: Recording) -> bool:
    """Whether the gate was fitted on the data set, in either scale of its traces."""
    judged = json.loads(PROVENANCE.read_text("utf-8"))["accepted"]["test"]
    name = f"{recording.modality} · {recording.dataset}"
    return name in judged or f"{name}, z-scored" in judged


@pytest.fixture
def sample(recordings: Path) -> Sample:
    def drawn(modality: str, n: int) -> list[Recording]:
        listed = open_recordings.recordings(recordings, split="test", modality=modality)
        fitted = [recording for recording in listed if fitted_on(recording)]
        return [fitted[i] for i in np.random.default_rng(11).permutation(len(fitted))[:n]]

    return drawn


@pytest.mark.parametrize(("modality", "n"), [("ecg", 70), ("ppg", 70), ("cxr", 34)])
def test_real_recordings_are_accepted(sample: Sample, modality: str, n: int) -> None:
    refused = [(one.study_id, v.reasons) for one in sample(modality, n) if not (v := judge(one.study())).accepted]
    assert len(refused) <= 0.03 * n, refused


def test_lead_two_alone_is_accepted(sample: Sample) -> None:
    found = [one.study() for one in sample("ecg", 70)]
    accepted = [judge(one_lead(study, "II")).accepted for study in found]
    assert np.mean(accepted) >= 0.97


def test_a_minute_of_pulse_is_searched_by_ten_of_its_seconds(sample: Sample) -> None:
    minute = next(one for one in sample("ppg", 70) if one.dataset.startswith("BIDMC")).study()
    start, end = choose_window(minute).window_s or (0.0, 0.0)
    assert end - start == pytest.approx(10.0)


def uploaded(recordings: Path, name: str) -> Film:
    from engine.intake.paths import read_paths

    film = read_paths([recordings / "uploads" / name]).content
    assert isinstance(film, Film)
    return film


def judge_film(film: Film) -> QualityVerdict:
    return judge(Study("cxr", film, "upload"))


def test_the_real_dicom_film_is_accepted_and_says_what_is_wrong_when_turned(recordings: Path) -> None:
    film = uploaded(recordings, "nih_cxr14_google_dx_pa_covid0000.dcm")
    assert judge_film(film).accepted
    for pixels, advice in (
        (film.pixels.max() - film.pixels, "invert its greys"),
        (film.pixels[::-1, ::-1], "turn it by 180°"),
    ):
        verdict = judge_film(replace(film, pixels=np.ascontiguousarray(pixels)))
        assert not verdict.accepted
        assert advice in verdict.reasons[0], verdict.reasons


def test_the_dog_is_refused_with_its_distance(recordings: Path) -> None:
    verdict = judge_film(uploaded(recordings, "NOT_HUMAN_dog_highdicom_dx_thorax.dcm"))
    assert not verdict.accepted
    assert "(limit 2.25): it is not an upright frontal chest film" in verdict.reasons[0]
    assert verdict.measures[0].value > 2.0
