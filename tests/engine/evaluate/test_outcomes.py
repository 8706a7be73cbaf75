"""A language model with embeddings behind its text: what it reads and learns, and how a stopped training goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.once import Once
from safetensors.torch import load_file

from engine.cli import run
from engine.datasets.adapters import collect
from engine.evaluate.outcomes.arms import ReaderFolders, arms
from engine.evaluate.outcomes.embedded import SPACE, UNBOUND, Embedded, EmbeddingReader, embed
from engine.evaluate.outcomes.fit import CHECKPOINT, MODEL, OutcomeFitPlan, batches, fit, scores
from engine.evaluate.outcomes.prompted import PromptedModel, PromptInputs, load_language_model
from engine.evaluate.outcomes.recorded import recorded
from engine.evaluate.outcomes.run import exchanged
from engine.model.release import load_release, releases
from engine.settings import DEMO
from engine.synthetic.admissions.write import write_hospital

WORDS = ("the heart is large", "no pain", "short of breath since a week", "fell at home and is well")


@pytest.fixture(scope="module")
def hospital(once: Once) -> Path:
    """Admissions drawn with the shipped cohort's films and ECGs."""
    return once.made("admissions", lambda place: write_hospital(DEMO, place, 26, lambda done, of: None))


def rows(count: int, seed: int = 0) -> tuple[PromptInputs, np.ndarray]:
    """Rows whose outcome is the sign of the film's first number, with texts that do not tell it."""
    rng = np.random.default_rng(seed)
    language = load_language_model(None)
    values = rng.standard_normal((count, 12)).astype(np.float32)
    film = Embedded(values, np.arange(count) % 5 != 4)
    ecg = Embedded(rng.standard_normal((count, 7)).astype(np.float32), np.arange(count) % 3 != 2)
    ids = language.ids([WORDS[number % len(WORDS)] for number in range(count)], 16)
    return PromptInputs(ids, {"cxr": film, "ecg": ecg}), values[:, 0] > 0


def prompted(inputs: PromptInputs, folder: Path | None = None) -> PromptedModel:
    torch.manual_seed(3)
    return PromptedModel(load_language_model(folder), inputs)


def test_a_stopped_training_ends_with_the_weights_it_would_have_had(tmp_path: Path) -> None:
    inputs, truth = rows(24)
    plan = OutcomeFitPlan(epochs=2, batch=8)
    (tmp_path / "whole").mkdir()
    (tmp_path / "stopped").mkdir()
    fit(prompted(inputs), inputs, truth, plan, seed=1, folder=tmp_path / "whole", every=2)

    def stop(step: int, steps: int, loss: float) -> None:
        assert steps == 6
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(prompted(inputs), inputs, truth, plan, seed=1, folder=tmp_path / "stopped", every=2, progress=stop)
    seen: list[int] = []
    fit(
        prompted(inputs),
        inputs,
        truth,
        plan,
        seed=1,
        folder=tmp_path / "stopped",
        every=2,
        progress=lambda step, steps, loss: seen.append(step),
    )
    assert seen == [5, 6]  # it went on from the checkpoint after the fourth step
    whole, stopped = (load_file(tmp_path / name / MODEL) for name in ("whole", "stopped"))
    assert whole.keys() == stopped.keys()
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


def test_a_damaged_checkpoint_is_begun_anew(tmp_path: Path) -> None:
    inputs, truth = rows(8)
    (tmp_path / CHECKPOINT).write_bytes(b"not safetensors")
    seen: list[int] = []
    plan = OutcomeFitPlan(epochs=1, batch=8)
    fit(prompted(inputs), inputs, truth, plan, seed=0, folder=tmp_path, progress=lambda step, *_: seen.append(step))
    assert seen == [1] and (tmp_path / MODEL).is_file()


def test_embeddings_are_read_where_there_is_a_recording_alone() -> None:
    inputs, _ = rows(10)
    model = prompted(inputs)
    before = scores(model, inputs)
    film = inputs.embedded["cxr"]
    moved = PromptInputs(inputs.ids, {**inputs.embedded, "cxr": Embedded(film.values + 1, film.has)})
    assert ((scores(model, moved) != before) == film.has).all()
    learnt = {name.split(".")[0] for name in model.learnt()}
    assert learnt == {"language", "projections", "head"}
    assert all("lora_" in name for name in model.learnt() if name.startswith("language."))


def test_what_only_the_embeddings_tell_is_learnt(tmp_path: Path) -> None:
    inputs, truth = rows(160)
    model = fit(prompted(inputs), inputs, truth, OutcomeFitPlan(epochs=6), seed=0, folder=tmp_path)
    other, told = rows(120, seed=1)
    right = (scores(model, other) > 0) == told
    has = other.embedded["cxr"].has
    assert right[has].mean() > 0.7 > right[~has].mean() + 0.1


def test_a_causal_model_of_a_directory_is_read_by_its_last_token(tmp_path: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import GPT2Config, GPT2Model, PreTrainedTokenizerFast

    known = {word: place for place, word in enumerate(["?", *sorted({w for text in WORDS for w in text.split()})])}
    words = Tokenizer(WordLevel(known, unk_token="?"))
    words.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?").save_pretrained(tmp_path / "model")
    small = GPT2Config(vocab_size=len(known), n_layer=1, n_head=2, n_embd=16, n_positions=32)
    GPT2Model(small).save_pretrained(tmp_path / "model")

    language = load_language_model(tmp_path / "model")
    assert language.causal and language.name == "model" and language.width == 16
    ids = language.ids(WORDS, 3)
    assert [len(one) for one in ids] == [3, 2, 3, 3]
    film = Embedded(np.eye(4, dtype=np.float32), np.array([True, True, False, False]))
    inputs = PromptInputs(ids, {"cxr": film})
    model = fit(
        PromptedModel(language, inputs),
        inputs,
        np.array([True, False, True, False]),
        OutcomeFitPlan(epochs=2, batch=2),
        seed=0,
        folder=tmp_path,
    )
    alone, together = scores(model, inputs.take(np.array([1]))), scores(model, inputs)
    np.testing.assert_allclose(alone, together[1:2], rtol=1e-2, atol=1e-3)  # what pads a batch is not read


def test_a_folder_that_is_no_language_model_is_refused(
    hospital: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--mimic", str(hospital), "--run", str(tmp_path / "run"), "--model", str(tmp_path)]
    assert run(["train", "outcomes", *options]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path.name} is no directory of a language model (it has no config.json)" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--arm", "normal"), "There is no row 'normal' with these releases: use text, reports, zoo, bound"),
        (("--zoo-film", "data/models/r2"), "name both --zoo-film and --zoo-ecg."),
        (("--most", "6"), "Only"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(
    hospital: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], sentence: str
) -> None:
    assert run(["train", "outcomes", "--mimic", str(hospital), "--run", str(tmp_path / "run"), *options]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_others_embeddings_come_as_a_pair_and_only_where_there_were_any() -> None:
    has = np.arange(40) % 4 != 3
    film = Embedded(np.arange(40, dtype=np.float32)[:, None] * has[:, None], has)
    ecg = Embedded(np.arange(40, dtype=np.float32)[:, None], np.ones(40, bool))
    dealt = exchanged({"cxr": film, "ecg": ecg}, seed=0)
    assert (dealt["cxr"].has == has).all() and sorted(dealt["ecg"].values[:, 0]) == list(range(40))
    assert (dealt["cxr"].values[has] == dealt["ecg"].values[has]).all()
    assert (dealt["ecg"].values[:, 0] != np.arange(40)).mean() > 0.8


def test_a_pass_has_every_row_once_in_batches_of_like_length() -> None:
    lengths = np.random.default_rng(0).integers(5, 80, 200)
    made = batches(lengths, 16, np.random.default_rng(1))
    assert sorted(np.concatenate(made).tolist()) == list(range(200))
    assert np.mean([np.ptp(lengths[one]) for one in made]) < 0.5 * np.ptp(lengths)


def test_rows_follow_from_the_releases_that_are_named() -> None:
    r2 = releases()[-1]
    assert [arm.name for arm in arms(ReaderFolders())] == ["text", "reports", "zoo", "bound"]
    more = {arm.name: arm for arm in arms(ReaderFolders(normal=r2, zoo_film=r2, zoo_ecg=r2))}
    assert list(more) == ["text", "reports", "zoo", "normal", "bound"]
    assert more["zoo"].readers["cxr"].view == SPACE
    alone = {arm.name: arm for arm in arms(ReaderFolders())}["zoo"]
    assert {reader.view for reader in alone.readers.values()} == {UNBOUND}


def test_a_recording_that_cannot_be_read_is_left_out_and_the_others_are_kept(hospital: Path, tmp_path: Path) -> None:
    ecgs = [one for one in collect([hospital]) if one.modality == "ecg"][:3]
    gone = replace(ecgs[1], source={"files": [tmp_path / "gone.hea"]})
    asked, release = [ecgs[0], None, gone, ecgs[2]], load_release()
    told: list[tuple[str, int, int]] = []
    found = embed(EmbeddingReader(release), "ecg", asked, tmp_path, lambda *one: told.append(one))
    assert found.has.tolist() == [True, False, False, True] and told == [("encode ecg", 3, 3)]
    direct = release.embed([ecgs[0].study(), ecgs[2].study()])
    np.testing.assert_allclose(found.values[found.has], direct, atol=1e-5)
    for file in ecgs[0].source["files"]:
        assert file.is_file()
    parts = sorted(tmp_path.rglob("*.npz"))
    before = [part.stat().st_mtime_ns for part in parts]
    under = embed(EmbeddingReader(release, UNBOUND), "ecg", asked, tmp_path, lambda *one: None)
    assert under.values.shape[1] > 256 and (under.has == found.has).all()
    assert [part.stat().st_mtime_ns for part in parts] == before and len(parts) == 1  # encoded once for both views


def test_a_table_says_of_which_release_it_is_and_a_damaged_one_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.json"
    assert recorded(file) is None
    figure = {"balanced accuracy": {"value": 0.7, "low": 0.6, "high": 0.8, "n": 50}}
    rows = [{"task": "mortality", "arm": "text", "seeds": 3, "figures": figure}, {"task": "mortality", "figures": {}}]
    file.write_text(json.dumps({"release": "r2", "rows": rows}), encoding="utf-8")
    found = recorded(file)
    assert found is not None and found.release == "r2" and found.asked == {"mortality": 50}
    assert found.rows["text"]["mortality"].high == 0.8
    file.write_text(json.dumps({"release": "r2", "rows": [{"arm": "text"}]}), encoding="utf-8")
    assert recorded(file) is None
