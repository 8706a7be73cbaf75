"""A release can be trained and measured by the commands alone, from recordings in the published layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.workspaces import write_table
from PIL import Image
from safetensors.torch import load_file

from engine import settings
from engine.cli import run
from engine.intake import read_paths
from engine.model.release import load_release, releases
from engine.signals import resample
from engine.study import Film, Note, Study
from engine.training.data import prepared
from engine.training.encoders.film_views import COUNT

PATIENTS = 14
SPLITS = ["train"] * 6 + ["valid"] * 5 + ["test"] * 3
SHORT = ("--epochs", "0.01")  # the least of every plan
COMMON = ("dataset", "patient_id", "split", "labels", "licence", "age", "sex", "report")


def common(number: int, dataset: str, labels: str) -> dict[str, object]:
    values = (dataset, f"p{number}", SPLITS[number], labels, "CC0", 50 + number, "F", "")
    return dict(zip(COMMON, values, strict=True))


@pytest.fixture(scope="module")
def made_recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped synthetic patients, written in the layout of the open recordings."""
    folder, demo = tmp_path_factory.mktemp("recordings"), settings.DEMO
    films, ecgs, ppgs, leads, pulses, beside = [], [], [], [], [], []
    (folder / "cxr" / "images").mkdir(parents=True)
    for i in range(PATIENTS):
        name = f"syn-{i + 1:04d}-e1-cxr"
        shutil.copy(demo / "cxr" / f"{name}.jpg", folder / "cxr" / "images")
        label = "Cardiomegaly" if i % 2 else "No Finding"
        films.append(
            {"file": f"images/{name}.jpg", "study_id": name, "view": "PA", "labels_how": "made"}
            | common(i, "nih-cxr14", label)
        )
        ecg = read_paths([demo / "ecg" / f"syn-{i + 1:04d}-e1-ecg.hea"]).content
        leads.append(np.round(resample(ecg.samples, ecg.fs, 100)[:, :1000] * 1000).astype(np.int16))
        label = "left ventricular hypertrophy" if i % 2 else "normal ECG"
        ecgs.append(
            {"record_id": f"e{i}", "hr_est": 80 + 5 * i, "array": "ecg_mv.npz", "array_row": i}
            | common(i, "PTB-XL", label)
        )
        rng = np.random.default_rng(i)
        pulse = np.sin(2 * np.pi * (1 + i / 20) * np.arange(1250) / 125 + rng.random()) * 1000
        pulses.append(pulse.astype(np.int16))
        beside.append(np.round(resample(ecg.samples[1:2], ecg.fs, 125)[0, :1250] * 1000).astype(np.int16))
        row = {
            "record_id": f"b{i}",
            "hr": 80 + 5 * i,
            "hr_est": "",
            "array_row": i,
            "simultaneous_ecg": "True",
            "ecg_lead": "II",
        }
        ppgs.append(row | common(i, "BIDMC PPG and Respiration", "Critical care (MICU)"))
    write_table(folder / "cxr" / "cxr.csv", films)
    write_table(folder / "ecg" / "ecg.csv", ecgs)
    write_table(folder / "ppg" / "ppg.csv", ppgs)
    np.savez(folder / "ecg" / "ecg_mv.npz", signals=np.stack(leads), scale=0.001)
    starts, n = np.arange(PATIENTS) * 1250, np.full(PATIENTS, 1250)
    np.savez(
        folder / "ppg" / "ppg.npz",
        ppg=np.concatenate(pulses),
        ppg_start=starts,
        n=n,
        fs=np.full(PATIENTS, 125.0),
        scale=np.ones(PATIENTS),
        offset=np.zeros(PATIENTS),
        ecg=np.concatenate(beside),
        ecg_start=starts,
    )
    return folder


@pytest.fixture(scope="module")
def cache(made_recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recordings, prepared once."""
    folder = tmp_path_factory.mktemp("prepared")
    assert run(["train", "prepare", "--recordings", str(made_recordings), "--cache", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def trained(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose encoders are trained; tests go on from a copy."""
    folder = tmp_path_factory.mktemp("run")
    assert run(["train", "encoders", "--cache", str(cache), "--run", str(folder), *SHORT]) == 0
    return folder


@pytest.fixture
def stages(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained run."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_a_data_set_is_left_out_by_its_name(
    made_recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (name,) = {one.dataset for one in prepared.listed([made_recordings]) if one.modality == "ppg"}
    kept = prepared.listed([made_recordings], [name])
    assert kept and {one.modality for one in kept} == {"cxr", "ecg"} and name not in {one.dataset for one in kept}
    words = ["--recordings", str(made_recordings), "--cache", str(tmp_path)]
    assert run(["train", "prepare", *words, "--without", "no such set"]) == 2
    assert f"name one of {kept[0].dataset}" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_stage_without_prepared_recordings_is_refused(tmp_path: Path) -> None:
    assert run(["train", "binding", "--cache", str(tmp_path / "prepared"), "--run", str(tmp_path / "run"), *SHORT]) == 2


def test_the_stages_make_a_release_that_encodes(
    made_recordings: Path, cache: Path, stages: Path, tmp_path: Path
) -> None:
    common, out = ["--cache", str(cache), "--run", str(stages), *SHORT], tmp_path / "r9"
    assert run(["train", "binding", *common]) == 0
    assert run(["train", "hashing", *common, "--out", str(out)]) == 0
    assert run(["train", "hashing", *common, "--out", str(out)]) == 2  # a release is never written over
    release = load_release(out)
    with Image.open(next((made_recordings / "cxr" / "images").glob("*.jpg"))) as image:
        film = Study("cxr", Film(np.asarray(image.convert("L")), 8), "film")
    ecg = read_paths([settings.DEMO / "ecg" / "syn-0001-e1-ecg.hea"])
    z = release.embed([film, ecg, Study("text", Note("enlarged heart"), "text")])
    assert np.allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)
    assert {entry["dataset"] for entry in release.manifest["data"]} == {
        "nih-cxr14",
        "PTB-XL",
        "BIDMC PPG and Respiration",
    }
    assert release.manifest["training"]["energy"]["wh"] > 0
    assert any("share no patient" in limit for limit in release.manifest["limits"])
    assert release.manifest["figures"] == {} and 0 <= release.relevance("cxr", "ecg", 64, 20) <= 1


def test_a_release_is_tuned_further_and_bound_without_some_losses(cache: Path, stages: Path) -> None:
    common = ["--cache", str(cache), "--run", str(stages), *SHORT]
    newest = settings.MODELS / load_release().name
    assert run(["train", "encoders", "ecg", "ppg", *common, "--from", str(newest)]) == 0
    ours = load_file(stages / "encoders" / "ppg.safetensors")
    theirs = load_file(newest / "ppg.safetensors")
    known = [name for name in theirs if name.startswith("encoder.")]
    gaps = [float((ours[k.removeprefix("encoder.")].float() - theirs[k].float()).abs().max()) for k in known]
    assert 0 < max(gaps) < 0.05, "one step from where the release stood"
    assert run(["train", "binding", *common, "--only", "ecg", "--without", "emcl", "--without", "cycle"]) == 0
    log = [json.loads(line) for line in (stages / "log.jsonl").read_text().splitlines()]
    assert {line["release"] for line in log if line["stage"] == "continue"} == {newest.name}
    bound = next(line for line in log if line["stage"] == "bind")
    assert {"text_ecg"} <= {name for name in bound if name.endswith(("cxr", "ecg", "ppg"))} <= {"ecg", "text_ecg"}


def test_heads_of_a_release_hold_the_space_while_one_learns(cache: Path, stages: Path, tmp_path: Path) -> None:
    common, newest = ["--cache", str(cache), "--run", str(stages)], settings.MODELS / load_release().name
    begun, kept = ["--from", str(newest)], ["--keep", str(newest)]
    assert run(["train", "encoders", "ecg", "ppg", *common, *begun, *kept]) == 2
    assert run(["train", "binding", *common, *SHORT, "--learn", "cxr"]) == 2
    assert run(["train", "encoders", "ecg", "ppg", *common, *kept]) == 0
    assert run(["train", "binding", *common, *SHORT, "--learn", "cxr", *begun]) == 0
    for modality in ("cxr", "ecg", "ppg", "text"):
        ours, theirs = (load_file(folder / f"{modality}.safetensors") for folder in (stages / "bound", newest))
        assert ours.keys() == theirs.keys()
        same = all(torch.equal(ours[name].half(), theirs[name].half()) for name in ours)
        assert same is (modality != "cxr")
    made = tmp_path / "r9"
    assert run(["train", "hashing", *common, "--out", str(made), "--learn", "cxr"]) == 2
    assert run(["train", "hashing", *common, "--out", str(made), "--learn", "cxr", *kept]) == 0
    ecg = read_paths([settings.DEMO / "ecg" / "syn-0001-e1-ecg.hea"])
    z = load_release(newest).embed([ecg])
    for modality in ("ecg", "cxr"):
        ours, theirs = (load_release(folder).codes(z, modality) for folder in (made, newest))
        assert np.array_equal(ours, theirs) is (modality == "ecg"), "codes of films alone have other thresholds"


def test_a_release_s_hash_layer_learns_on_with_its_directions_evened(cache: Path, stages: Path, tmp_path: Path) -> None:
    common, newest = ["--cache", str(cache), "--run", str(stages), *SHORT], settings.MODELS / load_release().name
    begun, made = ["--from", str(newest)], tmp_path / "r9"
    assert run(["train", "encoders", "ecg", "ppg", *common, "--keep", str(newest)]) == 0
    assert run(["train", "binding", *common, "--learn", "cxr", *begun]) == 0
    assert run(["train", "hashing", *common, "--out", str(made), *begun, "--keep", str(newest)]) == 2
    assert run(["train", "hashing", *common, "--out", str(made), *begun]) == 0
    layers = [load_file(folder / "hash.safetensors")["weight"].float() for folder in (made, newest)]
    spread = [float(values[0] / values[-1]) for values in map(torch.linalg.svdvals, layers)]
    assert spread[0] < spread[1] / 2
    assert load_release(made).manifest["training"]["hashing"]["from"] == newest.name


def test_films_of_test_are_not_learnt_from(cache: Path, stages: Path) -> None:
    counts = {"cxr-tokens.npy": (11,), "cxr-views.npy": (COUNT, 6)}
    for name, shape in counts.items():
        assert np.load(cache / name, mmap_mode="r").shape[: len(shape)] == shape
    assert SPLITS.count("train") == 6 and SPLITS.count("valid") == 5


def test_pair_search_in_folds_finds_every_patient_once(
    cache: Path, stages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--cache", str(cache), "--run", str(stages), *SHORT]
    assert run(["train", "folds", *common, "--out", str(tmp_path / "out")]) == 0
    assert "heart-rate matching" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "pairs-folds.json").read_text())
    rows = [row for row in found["rows"] if row["task"] == "PPG→ECG, all windows"]
    assert {row["method"] for row in rows} == {"ours, float", "heart-rate matching"}
    assert {row["figures"]["R@1"]["n"] for row in rows} == {PATIENTS}
    assert list((tmp_path / "out").glob("*.png"))
    assert run(["train", "folds", *common, "--adapt"]) == 2
    assert "no bound" in capsys.readouterr().err
    assert run(["train", "binding", *common, "--only", "ecg", "--only", "ppg"]) == 0
    assert run(["train", "folds", *common, "--adapt", "--out", str(tmp_path / "out")]) == 0
    adapted = json.loads((tmp_path / "out" / "pairs-adapted.json").read_text())["rows"]
    assert {row["task"] for row in rows} <= {row["task"] for row in adapted}
    assert {row["method"] for row in adapted} == {"ours, float", "adapted, float", "heart-rate matching"}
    by_fold = [row for row in adapted if row["task"].startswith("PPG→ECG") and "fold" in row["task"]]
    assert len(by_fold) == 2 * 5
    assert sum(row["figures"]["R@1"]["n"] for row in by_fold) == 2 * PATIENTS
    assert run(["train", "starts", "ppg", *common, "--share", "0.5", "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "starts-ppg.json").read_text())["split"] == "valid"
    log = [json.loads(line) for line in (stages / "starts.jsonl").read_text().splitlines()]
    assert [line["start"] for line in log if line["stage"] == "start"] == ["pre-trained", "random"]
    losses = [line["loss"] for line in log if line["stage"] == "tune"]
    assert len(losses) == 2 and losses[0] != losses[1]


def test_evaluate_prints_every_row_beside_chance(
    made_recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(releases()[-1], tmp_path / "copy")
    words = ["--recordings", str(made_recordings), "--release", str(copy), "--cache", str(tmp_path), "--record"]
    assert run(["evaluate", "release", *words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    figures = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))["figures"]
    assert figures == {name: printed[name] for name in ("split", "reads", "rows")}
    assert figures["reads"]["times"] == 1 and figures["reads"]["at"]
    tasks = {row["task"] for row in printed["rows"]}
    assert printed["split"] == "test"
    assert {"cxr→ecg by finding", "ecg→cxr by finding", "ppg→ecg same moment"} <= tasks
    for row in printed["rows"]:
        figure = row.get("p_at_5") or row["r_at_10"]
        assert figure["low"] <= figure["value"] <= figure["high"] and figure["n"] > 0
        assert row.get("chance_p_at_5", row.get("chance_r_at_10")) >= 0


def test_evaluate_without_recordings_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "release", "--recordings", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
