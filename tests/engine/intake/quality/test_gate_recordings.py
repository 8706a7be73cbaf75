"""The gate on real recordings: at least 97 % of a seeded sample of `test` pass; the dog and turned films do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.datasets.open_recordings import Recording, recordings
from engine.intake.quality import QualityVerdict, choose_window, judge
from engine.settings import recordings_path
from engine.study import Film, Study
from engine.training.quality_gate import one_lead

FOLDER = recordings_path()
pytestmark = [
    pytest.mark.recordings,
    pytest.mark.skipif(FOLDER is None, reason="the open recordings are not here (CASEBIND_RECORDINGS)"),
]


def sample(modality: str, n: int) -> list[Recording]:
    found = recordings(FOLDER, split="test", modality=modality)  # type: ignore[arg-type]
    return [found[i] for i in np.random.default_rng(11).permutation(len(found))[:n]]


@pytest.mark.parametrize(("modality", "n"), [("ecg", 70), ("ppg", 70), ("cxr", 34)])
def test_real_recordings_are_accepted(modality: str, n: int) -> None:
    refused = [(one.study_id, v.reasons) for one in sample(modality, n) if not (v := judge(one.study())).accepted]
    assert len(refused) <= 0.03 * n, refused


def test_lead_two_alone_is_accepted() -> None:
    found = [one.study() for one in sample("ecg", 70)]
    accepted = [judge(one_lead(study, "II")).accepted for study in found]
    assert np.mean(accepted) >= 0.97


def test_a_minute_of_pulse_is_searched_by_ten_of_its_seconds() -> None:
    minute = next(one for one in sample("ppg", 70) if one.dataset.startswith("BIDMC")).study()
    start, end = choose_window(minute).window_s or (0.0, 0.0)
    assert end - start == pytest.approx(10.0)


def uploaded(name: str) -> Film:
    from engine.intake.paths import read_paths

    film = read_paths([FOLDER / "uploads" / name]).content  # type: ignore[operator]
    assert isinstance(film, Film)
    return film


def judge_film(film: Film) -> QualityVerdict:
    return judge(Study("cxr", film, "upload"))


def test_the_real_dicom_film_is_accepted_and_says_what_is_wrong_when_turned() -> None:
    film = uploaded("nih_cxr14_google_dx_pa_covid0000.dcm")
    assert judge_film(film).accepted
    for pixels, advice in (
        (film.pixels.max() - film.pixels, "invert its greys"),
        (film.pixels[::-1, ::-1], "turn it by 180°"),
    ):
        verdict = judge_film(replace(film, pixels=np.ascontiguousarray(pixels)))
        assert not verdict.accepted
        assert advice in verdict.reasons[0], verdict.reasons


def test_the_dog_is_refused_with_its_distance() -> None:
    verdict = judge_film(uploaded("NOT_HUMAN_dog_highdicom_dx_thorax.dcm"))
    assert not verdict.accepted
    assert "(limit 1.6): upload an upright frontal chest film" in verdict.reasons[0]
    assert verdict.measures[0].value > 2.0
