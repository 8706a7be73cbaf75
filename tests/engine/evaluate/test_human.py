"""Agreement with people's choices: a film that is the anchor again is the nearer one, for every measure of distance."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.workspaces import write_table

from engine import settings
from engine.cli import run
from engine.evaluate import reads
from engine.evaluate.human import FILE, Triplets, triplets

TRAIN, VALID = 8, 8


def _folder(folder: Path, *, chosen_is_copy: bool) -> Path:
    """Real pictures in the published layout: of every triplet one film is the anchor's copy, the other another film."""
    (folder / "cxr" / "images").mkdir(parents=True)
    (folder / "pairs").mkdir()
    pictures, films, asked = sorted((settings.DEMO / "cxr").glob("*.jpg")), [], []
    for i in range(TRAIN + VALID):
        split = "train" if i < TRAIN else "valid"
        for name, picture in (("a", pictures[2 * i]), ("copy", pictures[2 * i]), ("other", pictures[2 * i + 1])):
            shutil.copy(picture, folder / "cxr" / "images" / f"{name}{i}.jpg")
            said = {"dataset": "kermany-paediatric", "labels": "No Finding" if i % 2 else "Pneumonia", "view": "AP"}
            where = {"file": f"images/{name}{i}.jpg", "study_id": f"{name}{i}", "patient_id": f"p{i}", "split": split}
            films.append({**where, **said, "licence": "CC0", "age": 4, "sex": "F", "report": "", "labels_how": "made"})
        first, second = (f"copy{i}", f"other{i}") if chosen_is_copy else (f"other{i}", f"copy{i}")
        asked.append({"anchor": f"a{i}", "chosen": first, "rejected": second, "split": split})
    write_table(folder / "cxr" / "cxr.csv", films)
    write_table(folder / FILE, asked)
    for name in ("ecg", "ppg"):
        (folder / name).mkdir()
        (folder / name / f"{name}.csv").write_text("record_id,dataset,split\n", encoding="utf-8")
    return folder


def _agreement(folder: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    words = ["evaluate", "human", "--recordings", str(folder), "--split", "valid", "--cache", str(cache), "--json"]
    assert run(words) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert not (cache / reads.FILE).exists()  # `test` was not read
    return {
        row["method"]: row["figures"]["agreement"]["value"]
        for row in rows
        if row["task"] == "all triplets" and "agreement" in row["figures"]
    }


def test_a_copy_of_the_anchor_is_nearer_by_every_distance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agreed = _agreement(_folder(tmp_path / "r", chosen_is_copy=True), tmp_path / "cache", capsys)
    labels = agreed.pop("same published labels")
    assert labels == 0.5  # all three films of a triplet have the same labels
    assert len(agreed) == 8 and set(agreed.values()) == {1.0}


def test_people_who_chose_the_other_film_are_disagreed_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agreed = _agreement(_folder(tmp_path / "r", chosen_is_copy=False), tmp_path / "cache", capsys)
    assert agreed["ours, float"] == agreed["pixels"] == agreed["frozen trunk, class token"] == 0.0


def test_a_tie_counts_half() -> None:
    one = np.array([0])
    asked = Triplets(one, one + 1, one + 2)
    same, nearer = np.array([[1.0, 0], [0, 1], [0, 1]]), np.array([[1.0, 0], [1, 1], [0, 1]])
    assert asked.agreement(same).tolist() == [0.5] and asked.agreement(nearer).tolist() == [1.0]


def test_triplets_with_a_film_that_is_not_there_are_left_out(tmp_path: Path) -> None:
    folder = _folder(tmp_path, chosen_is_copy=True)
    with (folder / FILE).open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    write_table(folder / FILE, [*rows, {**rows[-1], "chosen": "unknown"}])
    asked, films = triplets(folder, ("valid",))
    assert len(asked) == VALID and {film.study_id for film in films} == {
        f"{name}{i}" for name in ("a", "copy", "other") for i in range(TRAIN, TRAIN + VALID)
    }


def test_missing_triplets_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _folder(tmp_path / "r", chosen_is_copy=True)
    (folder / FILE).unlink()
    assert run(["evaluate", "human", "--recordings", str(folder), "--cache", str(tmp_path / "cache")]) == 2
    said = capsys.readouterr().err.strip()
    assert "cxr_similarity_triplets.csv" in said and "\n" not in said
