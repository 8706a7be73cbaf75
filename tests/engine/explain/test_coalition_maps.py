"""SHAP and occlusion of a pair: on its own samples, pixels and words, adding up, the planted part first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from engine.commands import explain as explain_command
from engine.explain.agreement import agreement
from engine.explain.attribution import explain_pair, tensors
from engine.explain.baselines import baseline
from engine.explain.coalition_maps import explain_by_coalitions
from engine.explain.maps import GRADIENTS, OCCLUSION, SHAP, PairMaps
from engine.explain.methods import default_method, explain_by
from engine.explain.picture import draw_pair_figure, strongest_words
from engine.explain.players import Players, players_of, words_of
from engine.explain.waves import ECG_WAVES, ecg_waves, pulse_beats
from engine.intake.paths import read_paths
from engine.intake.read import read_text
from engine.intake.upload import Answers
from engine.model.release import Release
from engine.settings import DEMO
from engine.study import ECG_LEADS, Film, Note, Study

PPG = Answers(modality="ppg", fs=125.0, units="au")
ECG = "ecg/syn-0001-e1-ecg.hea"


def demo(name: str, answers: Answers = Answers()) -> Study:  # noqa: B008 (frozen)
    return read_paths([DEMO / name], answers)


class OneLead:
    """A model that looks at the steepness of lead V3 alone, and at one corner of a film."""

    def inputs(self, study: Study) -> dict[str, np.ndarray]:
        if isinstance(study.content, Film):
            return {"x": study.content.pixels.astype(np.float32)[None] / 255}
        from engine.model.ecg import prepare

        return {"x": prepare(study.searched_trace)["x"]}

    def mapping(self, modality: str) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda z: z

    def module(self, modality: str) -> torch.nn.Module:
        class Reader(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                if x.shape[-1] == x.shape[-2]:
                    seen = x[:, 0, 180:, 20:60].mean((1, 2))
                else:
                    seen = x[:, ECG_LEADS.index("V3")].diff(dim=1).abs().mean(1)
                return torch.stack([seen, torch.ones_like(seen)], 1)

        return Reader()


def last(*args: object, **kwargs: object) -> PairMaps:
    *_, maps = explain_by_coalitions(*args, **kwargs)  # type: ignore[arg-type]
    return maps


def test_waves_of_a_drawn_ecg_lie_where_they_are(release: Release) -> None:
    """The QRS holds the steepest samples; P comes before it and T after, in most beats."""
    x = release.inputs(demo(ECG))["x"]
    waves = ecg_waves(x, 100.0)
    assert waves is not None
    assert {1, 2, 3} <= set(waves.tolist())
    steep = np.abs(np.gradient(x[1]))
    assert (waves[steep > np.quantile(steep, 0.97)] == 2).mean() > 0.8
    order = [int(w) for w, before in zip(waves[1:], waves[:-1], strict=True) if w and w != before]
    follows = [b for a, b in pairwise(order) if a == 2]
    assert np.mean([one == 3 for one in follows]) > 0.6
    assert ecg_waves(np.zeros((12, 1000), np.float32), 100.0) is None


def test_a_pulse_is_cut_into_beats_at_its_notch(release: Release) -> None:
    x = release.inputs(demo("ppg/syn-0001-e1-ppg.csv", PPG))["x"][0]
    beats = pulse_beats(x, 125.0)
    assert len(beats) >= 5
    for start, notch, end in beats:
        assert start < notch < end
        assert int(np.argmax(x[start:end])) < notch - start  # the systolic peak is in the first part


@pytest.mark.parametrize("method", [SHAP, OCCLUSION])
def test_the_lead_that_the_model_looks_at_is_found_first(method: str) -> None:
    maps = last(OneLead(), demo(ECG), demo("ecg/syn-0003-e1-ecg.hea"), method)
    parts = maps.query.parts
    assert parts.method == method and maps.final
    order = np.argsort(-np.abs(parts.values))
    assert parts.names[order[0]] == ("V3", "QRS")
    others = [v for v, (lead, _) in zip(parts.values, parts.names, strict=True) if lead not in ("V3", "")]
    assert np.abs(others).max() < 0.05 * np.abs(parts.values).max()


def test_the_corner_of_a_film_that_the_model_looks_at_is_found() -> None:
    film = Study("cxr", Film(np.random.default_rng(0).integers(90, 255, (224, 224)).astype(np.uint8), 8), "film")
    maps = last(OneLead(), film, demo(ECG))
    assert maps.query.converged and maps.query.values.shape == (224, 224)
    inside = np.abs(maps.query.values[166:, 6:74]).sum() / np.abs(maps.query.values).sum()
    assert inside > 0.7


def test_shap_shares_out_what_gradients_do_and_adds_up(release: Release) -> None:
    query, match = demo("ppg/syn-0001-e2-ppg.csv", PPG), demo("ppg/syn-0001-e1-ppg.csv", PPG)
    first, *_, maps = explain_by_coalitions(release, query, match)
    *_, by_gradients = explain_pair(release, query, match, budget=0)
    assert not first.final and maps.final and maps.query.steps > first.query.steps
    for one, study, raw, other in (
        (maps.query, query, maps.raw.query, by_gradients.query),
        (maps.match, match, maps.raw.match, by_gradients.match),
    ):
        assert one.values.shape == study.content.samples.shape
        assert one.rise == pytest.approx(other.rise, abs=1e-5)
        assert one.gap < 1e-6 and one.converged
        assert raw.values.sum() == pytest.approx(one.rise, abs=1e-4)
        blank = ~raw.parts.clear
        assert np.abs(raw.parts.values[blank]).max(initial=0) <= 2 * raw.parts.errors.max()
    assert maps.similarity == pytest.approx(float(np.dot(*release.embed([query, match]))), abs=1e-3)


def test_a_part_within_twice_its_error_is_not_drawn(release: Release) -> None:
    maps = next(explain_by_coalitions(release, demo(ECG), demo("ecg/syn-0003-e1-ecg.hea")))
    parts = maps.query.parts
    assert 0 < parts.clear.sum() < len(parts.names)
    players = Players(parts.names, parts.labels)
    unclear = next(name for name, clear in zip(parts.names, parts.clear, strict=True) if not clear and name[0])
    row, middle = ECG_LEADS.index(unclear[0]), 5  # samples at the model's rate; colours are smoothed over two
    at = np.flatnonzero(
        np.convolve(parts.labels[row] == parts.names.index(unclear), np.ones(2 * middle + 1), "same") > 2 * middle
    )
    drawn = maps.query.values[row]
    assert all(drawn[5 * place] == 0 for place in at)
    assert players.sums(maps.raw.query.values)[parts.names.index(unclear)] == pytest.approx(
        parts.values[parts.names.index(unclear)], abs=1e-4
    )


def test_words_of_a_text_are_shares_too(release: Release) -> None:
    note = read_text("atrial fibrillation with a rapid response")
    pulse = demo("ppg/syn-0001-e1-ppg.csv", PPG)
    maps = last(release, note, pulse)
    assert [name[1] for name in maps.query.parts.names] == note.note.text.split()
    assert maps.raw.query.values.sum() == pytest.approx(maps.query.rise, abs=1e-4)
    assert not any("Text is not attributed" in one for one in maps.notes)
    assert strongest_words(maps.query).split()[0] in note.note.text
    figure = draw_pair_figure(note, pulse, maps)
    said = " ".join(part.get_text() for axes in figure.axes for part in axes.texts)
    assert "%" in said and any("SHAP" in part.get_text() for part in figure.texts)
    long = Note("; ".join(f"the lung field number {i} is clear" for i in range(12)))
    assert 1 < len(words_of(long)) <= 40 and all(part.startswith("the lung") for part in words_of(long)[:-1])


def test_margins_of_a_film_are_nobodys(release: Release) -> None:
    film = Study("cxr", Film(np.zeros((100, 200), np.uint8), 8), "wide")
    x = tensors(release, film)["x"]
    players = players_of(film, x.numpy())
    assert players.grid == (8, 16) and len(players.names) == 128
    changed = x != baseline(x, film)
    assert set(players.labels[changed.numpy()].tolist()) == set(range(128))


def test_traces_have_shap_and_films_gradients_where_nobody_chose(release: Release) -> None:
    ecg, film, note = demo(ECG), demo("cxr/syn-0002-e1-cxr.jpg"), read_text("oedema")
    assert default_method(ecg, ecg) == default_method(note, ecg) == SHAP
    assert default_method(film, ecg) == default_method(film, film) == default_method(ecg, film) == GRADIENTS
    with pytest.raises(ValueError, match="no method 'lime'"):
        explain_by("lime", release, ecg, ecg)


def test_agreement_is_one_with_itself_and_low_with_another_map(release: Release) -> None:
    maps = next(explain_by_coalitions(release, demo(ECG), demo("ecg/syn-0003-e1-ecg.hea")))
    raw = maps.raw.query
    players = Players(raw.parts.names, raw.parts.labels)
    itself = agreement(raw, raw, players)
    assert itself.order == pytest.approx(1) and itself.same_place
    turned = raw._replace(values=-raw.values)
    assert agreement(raw, turned, players).order == pytest.approx(-1)
    assert agreement(raw, raw._replace(values=np.zeros_like(raw.values)), players) is None


def test_stopping_ends_the_work(release: Release) -> None:
    def stop(share: float, words: str) -> None:
        assert 0 < share <= 1 and "comparisons" in words
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(explain_by_coalitions(release, demo(ECG), demo(ECG), progress=stop))


def test_the_command_takes_a_method_and_refuses_another(workspace_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    pulse, case = str(DEMO / "ppg/syn-0001-e1-ppg.csv"), "syn-0003-e1-ppg"
    asked = [
        pulse,
        case,
        "--modality",
        "ppg",
        "--fs",
        "125",
        "--units",
        "au",
        "--out",
        str(out),
        "--workspace",
        str(workspace_folder),
    ]
    found = CliRunner().invoke(explain_command.command, [*asked, "--method", "occlusion"])
    assert found.exit_code == 0, found.output
    assert out.is_file() and "By occlusion." in found.output
    assert "By SHAP." in CliRunner().invoke(explain_command.command, asked).output
    assert CliRunner().invoke(explain_command.command, [*asked, "--method", "lime"]).exit_code == 2
    assert ECG_WAVES == ("P", "QRS", "T")
