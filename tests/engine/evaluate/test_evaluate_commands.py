"""Every measurement as a user asks for it, on made recordings in the published layout: a table, JSON and plots."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.workspaces import write_table

from engine import settings
from engine.cli import run
from engine.commands.evaluate import MEASURES
from engine.evaluate.recorded import recorded
from engine.intake import read_paths
from engine.model.release import load_release, releases
from engine.signals import resample

PATIENTS = 24
SPLITS = ["train"] * 12 + ["valid"] * 4 + ["test"] * 8
MADE = {
    "probes": {"probes-auroc.png"},
    "curve": {"curve.png"},
    "hashing": {"hashing-map-at-10.png", "hashing-retention.png"},
    "rerank": {"rerank-map-at-10.png"},
    "pairs": {"pairs-r-at-1.png", "pairs-r-at-10.png"},
    "text": {"text-r-at-10.png"},
    "few-shot": {"few-shot.png"},
    "calibration": {"calibration-reliability.png", "calibration-operating-points.png"},
    "region": {"region-p-at-10.png"},
    "human": {"human-agreement.png"},
    "edge": {"edge-p-at-10.png"},
    "balanced-rounds": {"balanced-rounds-p-at-10.png"},
    "space": {"space.png", "space.csv"},
}


def _common(i: int, dataset: str, labels: str) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "patient_id": f"p{i}",
        "split": SPLITS[i],
        "labels": labels,
        "licence": "CC0",
        "age": 50 + i,
        "sex": "F",
        "report": "",
    }


def _pulse(i: int) -> dict[str, Any]:
    row = {"record_id": f"b{i}", "hr": 60 + i, "hr_est": "", "array_row": i, "ecg_lead": "II"}
    if i % 2:
        return row | {"simultaneous_ecg": "True"} | _common(i, "BIDMC PPG and Respiration", "Critical care (MICU)")
    stage = "Stage 1 hypertension" if i % 4 else "Normal blood pressure"
    return row | {"simultaneous_ecg": "False"} | _common(i, "PPG-BP (Liang 2018)", stage)


@pytest.fixture(scope="module")
def made_recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films and ECGs of the shipped synthetic patients and made pulses, in the layout of the open recordings."""
    folder, demo = tmp_path_factory.mktemp("recordings"), settings.DEMO
    films, ecgs, leads, pulses, beside = [], [], [], [], []
    (folder / "cxr" / "images").mkdir(parents=True)
    pictures = sorted((demo / "cxr").glob("*.jpg"))
    for i, file in enumerate(sorted((demo / "ecg").glob("*.hea"))[:PATIENTS]):
        shutil.copy(pictures[i], folder / "cxr" / "images" / f"{i}.jpg")
        box = json.dumps([["Cardiomegaly", 0.3, 0.4, 0.4, 0.3]]) if i % 2 else ""
        film = {"file": f"images/{i}.jpg", "study_id": f"f{i}", "view": "PA", "labels_how": "made", "bboxes": box}
        films.append(film | _common(i, "nih-cxr14", "Cardiomegaly" if i % 2 else "No Finding"))
        ecg = read_paths([file]).content
        leads.append(np.round(resample(ecg.samples, ecg.fs, 100)[:, :1000] * 1000).astype(np.int16))
        row = {"record_id": f"e{i}", "hr_est": 70, "array": "ecg_mv.npz", "array_row": i}
        said = ("HYP", "left ventricular hypertrophy") if i % 2 else ("NORM", "normal ECG")
        ecgs.append(row | {"superclass": said[0]} | _common(i, "PTB-XL", said[1]))
        wave = np.exp(2 * np.sin(2 * np.pi * (1 + i / 60) * np.arange(2500) / 125)) * 1000
        pulses.append(wave.astype(np.int16))
        second = np.round(resample(ecg.samples[1:2], ecg.fs, 125)[0, :1250] * 1000).astype(np.int16)
        beside.append(np.tile(second, 2))
    write_table(folder / "cxr" / "cxr.csv", films)
    (folder / "pairs").mkdir()
    choices = [(f"f{i}", f"f{i + 2}", f"f{i + 1}", SPLITS[i + 2]) for i in range(PATIENTS - 2)]
    names = ("anchor", "chosen", "rejected", "split")
    write_table(
        folder / "pairs" / "cxr_similarity_triplets.csv", [dict(zip(names, one, strict=True)) for one in choices]
    )
    write_table(folder / "ecg" / "ecg.csv", ecgs)
    write_table(folder / "ppg" / "ppg.csv", [_pulse(i) for i in range(PATIENTS)])
    np.savez(folder / "ecg" / "ecg_mv.npz", signals=np.stack(leads), scale=0.001)
    starts = np.arange(PATIENTS) * 2500
    np.savez(
        folder / "ppg" / "ppg.npz",
        ppg=np.concatenate(pulses),
        ppg_start=starts,
        n=np.full(PATIENTS, 2500),
        fs=np.full(PATIENTS, 125.0),
        scale=np.ones(PATIENTS),
        offset=np.zeros(PATIENTS),
        ecg=np.concatenate(beside),
        ecg_start=starts,
    )
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("name", list(MEASURES))
def test_a_measurement_prints_rows_and_writes_json_and_plots(
    name: str, made_recordings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", name, "--recordings", str(made_recordings), "--cache", str(cache), "--out", str(tmp_path)]
    assert run([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert {file.name for file in tmp_path.iterdir()} >= MADE[name] | {f"{name}.json"}
    assert printed["name"] == name and printed["split"] == "test" and printed["rows"]
    assert "test of these recordings was read" in printed["notes"][-1]
    for row in printed["rows"]:
        assert row["patients"] >= 1 and row["figures"]
        assert all({"value", "low", "high", "n"} <= set(figure) for figure in row["figures"].values())


def test_folds_are_of_train_and_valid_and_leave_test_alone(
    made_recordings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (made_recordings / "cxr" / "cxr.csv").read_text(encoding="utf-8")
    folder = shutil.copytree(made_recordings, tmp_path / "untested")
    untested = "".join(line for line in table.splitlines(keepends=True) if ",test," not in line)
    (folder / "cxr" / "cxr.csv").write_text(untested, encoding="utf-8")
    printed = []
    for recordings, out in ((made_recordings, tmp_path / "one"), (folder, tmp_path / "two")):
        words = ["evaluate", "folds", "--recordings", str(recordings), "--out", str(out), "--json"]
        assert run([*words, "--cache", str(out)]) == 0
        printed.append(json.loads(capsys.readouterr().out)["rows"])
        assert (out / "folds-auroc.png").is_file() and not (out / "test-reads.jsonl").exists()
    assert len(untested) < len(table) and printed[0] == printed[1]
    assert {row["patients"] for row in printed[0]} == {16, 4}


def test_a_box_that_nobody_drew_cannot_be_asked_with(
    made_recordings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (made_recordings / "cxr" / "cxr.csv").read_text(encoding="utf-8")
    (tmp_path / "cxr").mkdir()
    (tmp_path / "cxr" / "cxr.csv").write_text(table.replace("bboxes", "boxes"), encoding="utf-8")
    assert run(["evaluate", "region", "--recordings", str(tmp_path), "--cache", str(cache)]) == 2
    assert "no query" in capsys.readouterr().err


def test_the_table_names_every_method_beside_ours(
    made_recordings: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", "pairs", "--recordings", str(made_recordings), "--cache", str(cache)]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in ("ours, float", "ours, 64 bits", "untrained twin", "heart-rate matching"))


def test_another_release_stands_beside_in_the_same_run(
    made_recordings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(releases()[-1], tmp_path / "ablation")
    words = ["--recordings", str(made_recordings), "--cache", str(cache), "--beside", str(other), "--json"]
    assert run(["evaluate", "pairs", *words]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    ours = {row["task"]: row["figures"] for row in rows if row["method"] == "ours, float"}
    beside = {row["task"]: row["figures"] for row in rows if row["method"] == "ablation: ours, float"}
    assert ours and ours == beside  # the same parts under another name


def test_recorded_figures_are_those_of_the_release_alone(
    made_recordings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, other = (shutil.copytree(releases()[-1], tmp_path / name) for name in ("own", "other"))
    words = ["--recordings", str(made_recordings), "--cache", str(cache), "--release", str(home), "--split", "valid"]
    assert run(["evaluate", "pairs", *words, "--record", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert run(["evaluate", "pairs", *words, "--record", "--beside", str(other)]) == 0
    found = recorded(load_release(home), "pairs")
    assert found is not None and found.measured == alone and found.split == "valid"
    assert "--record --beside DIR" in found.command and str(tmp_path) not in found.command
    assert recorded(load_release(other), "pairs") == recorded(load_release(), "pairs")  # as it was copied


def test_film_to_ecg_figures_say_what_they_rest_on(
    made_recordings: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("hashing", "rerank", "calibration", "text"):
        assert run(["evaluate", name, "--recordings", str(made_recordings), "--cache", str(cache)]) == 0
        assert "share no patient" in capsys.readouterr().out


def test_missing_recordings_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "probes", "--recordings", str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith(".") and "\n" not in said and "recordings" in said


def test_the_replay_of_ratings_prints_its_gain_and_what_random_needs(
    made_recordings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "evaluate",
        "active-learning",
        "--recordings",
        str(made_recordings),
        "--cache",
        str(cache),
        "--ratings",
        "6",
    ]
    few = ["--partitions", "1", "--steps", "3", "--strategy", "core_set"]
    assert run([*words, *few, "--out", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "active-learning.json").read_text(encoding="utf-8"))
    assert (tmp_path / "active-learning.png").is_file()
    assert isinstance(printed["gain_at_6"], float) and {"value", "low", "high", "n"} <= set(printed["gain"])
    assert printed["ratings_to_match_random"] in (6, None)
    assert set(printed["curves"]) == {"none", "original pairs alone", "random", printed["best"], "core_set"}
    assert all(one["ratings"] in (0, 6) for points in printed["curves"].values() for one in points)
    assert run([*words, "--strategy", "guess"]) == 2
    assert "no strategy 'guess'" in capsys.readouterr().err


def test_the_gate_is_counted_by_data_set_real_and_spoilt(
    made_recordings: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--recordings", str(made_recordings), "--cache", str(cache), "--most", "2", "--spoilt", "1"]
    assert run(["evaluate", "gates", *words, "--out", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "gates.json").read_text(encoding="utf-8"))
    rows = {(row["modality"], row["by"], row["group"], row["kind"]): row for row in printed["rows"]}
    assert rows["cxr", "data set", "nih-cxr14", "real"]["n"] == 2
    assert rows["ecg", "data set", "PTB-XL", "real"]["accepted"] == 2
    assert rows["cxr", "data set", "nih-cxr14", "spoilt"]["accepted"] == 0
    assert ("ecg", "how it was spoilt", "sensor fell off", "spoilt") in rows
    for row in printed["rows"]:
        low, high = row["interval_95"]
        assert row["accepted"] <= row["n"] <= row["n_all"] and 0 <= low <= high <= 1
