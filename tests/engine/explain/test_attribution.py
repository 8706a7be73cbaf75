"""Explaining a pair: exact on a linear model; on the shipped release complete and honest about its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.map_checks import completeness_gap, randomisation_correlation
from PIL import Image
from scipy.ndimage import gaussian_filter1d

from engine.explain.attribution import explain_pair
from engine.explain.baselines import SMOOTH_S, average_film
from engine.explain.geometry import blur_film
from engine.explain.maps import PairMaps
from engine.explain.picture import draw_pair_figure, write_png
from engine.explain.sentences import CAVEAT, TEXT_SIDE
from engine.intake.paths import read_paths
from engine.intake.read import read_text
from engine.intake.upload import Answers
from engine.model.release import Release, load_release
from engine.settings import DEMO
from engine.strings import notice
from engine.study import Film, Study, Trace

QUERY = "cxr/syn-0002-e1-cxr.jpg"  # of the shipped cohort

PPG = Answers(modality="ppg", fs=125.0, units="au")


class Linear:
    """A model whose similarity is linear in x, so that its map is known: weights · (x − baseline)."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(5)
        self.weights = {
            "cxr": torch.randn(224 * 224, 256, generator=generator) / 1000,
            "ppg": torch.randn(1250, 256, generator=generator) / 100,
        }

    def inputs(self, study: Study) -> dict[str, np.ndarray]:
        if isinstance(study.content, Film):
            return {"x": study.content.pixels.astype(np.float32)[None] / 255}
        assert isinstance(study.content, Trace)
        return {"x": study.content.samples}

    def mapping(self, modality: str) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda z: z

    def module(self, modality: str) -> torch.nn.Module:
        layer = torch.nn.Linear(len(self.weights[modality]), 256, bias=False)
        layer.weight = torch.nn.Parameter(self.weights[modality].T)

        class Named(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return layer(x.flatten(1))

        return Named()


@pytest.fixture(scope="module")
def release() -> Release:
    return load_release()


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Run on one thread: on a busy machine two would wait for each other, and waiting would be counted as work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def demo(name: str, answers: Answers = Answers()) -> Study:  # noqa: B008 (frozen)
    return read_paths([DEMO / name], answers)


@pytest.fixture(scope="module")
def films(release: Release) -> list[PairMaps]:
    """Every result of explaining two demonstration films, in the order in which they came."""
    query, match = demo(QUERY), demo("cxr/syn-0011-e1-cxr.jpg")
    return list(explain_pair(release, query, match, budget=64))


def test_a_linear_model_is_explained_exactly_on_both_sides() -> None:
    model, rng = Linear(), np.random.default_rng(1)
    film = Study("cxr", Film(rng.integers(0, 255, (224, 224)).astype(np.uint8), 8), "film")
    pulse = Study("ppg", Trace(rng.standard_normal((1, 1250)).astype(np.float32), ("PPG",), 125.0, "au"), "pulse")
    *_, maps = explain_pair(model, film, pulse)
    x, samples = model.inputs(film)["x"][0], pulse.content.samples
    e_film, e_pulse = x.ravel() @ model.weights["cxr"].numpy(), samples.ravel() @ model.weights["ppg"].numpy()
    no_beats = gaussian_filter1d(samples, SMOOTH_S * 125, axis=1, mode="reflect")
    film_weights = (model.weights["cxr"].numpy() @ e_pulse).reshape(224, 224)
    pulse_weights = (model.weights["ppg"].numpy() @ e_film)[None]
    by_hand = film_weights * (x - average_film())
    assert maps.final
    assert maps.similarity == pytest.approx(float(e_film @ e_pulse), rel=1e-3)
    assert maps.query.gap < 1e-3
    assert maps.match.gap < 1e-3
    assert maps.query.values == pytest.approx(blur_film(by_hand, (224, 224), 7.0), abs=1e-4)
    assert maps.match.values.sum() == pytest.approx((pulse_weights * (samples - no_beats)).sum(), rel=1e-2)
    assert (
        np.corrcoef(maps.match.values.ravel(), (pulse_weights * (samples - no_beats)).ravel())[0, 1] > 0.3
    )  # smoothed over 20 ms


def test_a_first_pair_of_film_maps_comes_long_before_the_last(films: list[PairMaps]) -> None:
    assert len(films) >= 2
    assert films[0].query.values.shape == films[0].match.values.shape == demo(QUERY).film.pixels.shape
    assert not any(maps.final for maps in films[:-1])


def test_films_add_up_to_five_per_cent(films: list[PairMaps]) -> None:
    last = films[-1]
    assert last.final
    assert max(last.query.gap, last.match.gap) <= 0.05
    assert last.query.converged and last.match.converged


def test_the_reported_gap_is_that_of_the_map(films: list[PairMaps]) -> None:
    for one in (films[-1].query, films[-1].match):
        assert one.values.shape == demo(QUERY).film.pixels.shape
        assert one.values.dtype == np.float32
        if abs(one.rise) > 0.05:
            recomputed = completeness_gap(one.values, one.similarity, one.baseline_similarity)
            assert recomputed == pytest.approx(one.gap, abs=0.01)
        assert (one.values > 0).any()
        assert (one.values < 0).any()
        assert one.baseline
        assert one.smoothing


def test_ecg_and_ppg_are_explained_on_their_own_samples(release: Release) -> None:
    query, match = demo("ecg/syn-0001-e1-ecg.hea"), demo("ppg/syn-0001-e1-ppg.csv", PPG)
    *_, maps = explain_pair(release, query, match)
    assert maps.query.values.shape == query.content.samples.shape == (12, 5000)
    assert maps.match.values.shape == match.content.samples.shape
    assert maps.query.converged and maps.match.converged
    assert max(maps.query.gap, maps.match.gap) <= 0.02
    expected = float(np.dot(*release.embed([query, match])))
    assert maps.similarity == pytest.approx(expected, abs=1e-3)
    assert any("amplitudes" in note for note in maps.notes)


def test_a_missing_lead_carries_nothing(release: Release) -> None:
    query = demo("ecg/syn-0002-e1-ecg.hea")
    trace = query.content
    one_lead = Study("ecg", Trace(trace.samples[1:2], ("II",), trace.fs, "mV"), "one lead")
    first = next(explain_pair(release, one_lead, query))
    assert first.query.values.shape == (1, 5000)
    assert np.abs(first.query.values).max() > 0


def test_text_is_said_not_to_be_attributed(release: Release, tmp_path: Path) -> None:
    note = read_text("enlarged heart with atrial fibrillation")
    *_, maps = explain_pair(release, note, demo("ecg/syn-0003-e1-ecg.hea"))
    assert maps.query is None
    assert maps.match is not None
    assert TEXT_SIDE in maps.notes
    *_, both = explain_pair(release, note, note)
    assert both.final
    assert (both.query, both.match) == (None, None)


def test_closing_the_generator_ends_the_work(release: Release) -> None:
    heard: list[tuple[float, str]] = []
    maps = explain_pair(
        release,
        demo("cxr/syn-0004-e1-cxr.jpg"),
        demo("ecg/syn-0004-e1-ecg.hea"),
        progress=lambda share, words: heard.append((share, words)),
    )
    first = next(maps)
    maps.close()
    assert all(0 < share <= 1 for share, _ in heard)
    assert heard[-1][1].startswith(f"{first.query.steps + first.match.steps} of at most ")
    assert [int(words.split()[0]) for _, words in heard] == sorted(int(words.split()[0]) for _, words in heard)
    assert len(heard) > 2  # more than one a side
    assert first.query.steps > 0
    assert next(maps, None) is None


@pytest.fixture(scope="module")
def rough(release: Release) -> tuple[Study, Study, PairMaps]:
    """Two films and their maps after so few gradients that neither adds up."""
    query, match = demo("cxr/syn-0004-e1-cxr.jpg"), demo("cxr/syn-0005-e1-cxr.jpg")
    (maps,) = explain_pair(release, query, match, budget=0)
    return query, match, maps


def test_gradients_that_are_spent_end_the_work_the_same_every_time(
    release: Release, rough: tuple[Study, Study, PairMaps]
) -> None:
    query, match, maps = rough
    assert maps.final and not maps.query.converged
    (again,) = explain_pair(release, query, match, budget=0)
    assert np.array_equal(again.query.values, maps.query.values) and again.query.steps == maps.query.steps


def test_a_map_that_has_not_converged_has_no_colour_and_says_so(rough: tuple[Study, Study, PairMaps]) -> None:
    """Every pixel of the picture is grey, and the words stand on it."""
    query, match, maps = rough
    figure = draw_pair_figure(query, match, maps)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    on_it = [part.get_text() for axes in figure.axes for part in axes.texts]
    grey = [side for side in (maps.query, maps.match) if not side.converged]
    assert sum("Not converged: no colours." in " ".join(words.split()) for words in on_it) == len(grey) > 0
    if len(grey) == 2:
        assert (pixels.max(2) - pixels.min(2)).max() < 40  # ink is a dark grey with a breath of blue
        assert len(figure.axes) == 2  # no legend


def test_shuffling_the_weights_changes_the_map(release: Release) -> None:
    query, match = demo("ecg/syn-0006-e1-ecg.hea"), demo("ecg/syn-0007-e1-ecg.hea")
    correlation = randomisation_correlation(release, query, match, np.random.default_rng(0))
    assert abs(correlation) < 0.6


def test_the_picture_is_written_and_carries_its_words(release: Release, films: list[PairMaps], tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    query, match = demo("ecg/syn-0001-e1-ecg.hea"), demo("ppg/syn-0001-e1-ppg.csv", PPG)
    *_, maps = explain_pair(release, query, match)
    write_png(query, match, maps, out)
    picture = np.asarray(Image.open(out).convert("RGB")).astype(int)
    assert picture.shape[1] >= 1600
    blue = (picture[..., 2] - picture[..., 0] > 60).mean()
    orange = (picture[..., 0] - picture[..., 2] > 60).mean()
    assert blue + orange > 0.002
    assert maps.final
    figure = draw_pair_figure(demo(QUERY), demo("cxr/syn-0011-e1-cxr.jpg"), films[-1])
    words = " ".join(" ".join(part.get_text().split()) for part in figure.texts)
    assert f"{notice()}." in words
    assert " ".join(CAVEAT.split()) in words
    assert "Convergence gap" in words
    assert "the average chest film" in words


def test_a_wide_dicom_film_is_explained_on_its_own_pixels(release: Release, recordings: Path) -> None:
    name = next(path for path in sorted((recordings / "uploads").iterdir()) if "nih" in path.name.lower())
    query = read_paths([name])
    first = next(explain_pair(release, query, demo("ecg/syn-0001-e1-ecg.hea")))
    assert first.query.values.shape == query.content.pixels.shape
