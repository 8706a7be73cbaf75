"""MEDBind's tables on the published layouts of its data sets, as somebody who has them would ask for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.published_layouts import mimic_cxr, mimic_ecg, mimic_iv, ptbxl

from engine.cli import run

PATIENTS = range(12)
NORMAL, LARGE = ("Sinus rhythm", "Normal ECG"), ("Sinus rhythm", "Left ventricular hypertrophy")


def subject(i: int) -> int:
    return 10000100 + i


@pytest.fixture(scope="module")
def mimic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve patients with a film and an ECG of one day, half of each split with a large heart in both."""
    folder = tmp_path_factory.mktemp("mimic")
    splits = ["train" if i < 6 else "test" for i in PATIENTS]
    films = [(f"d{i}", subject(i), 50000000 + i, "PA", 21800506, 120000, splits[i]) for i in PATIENTS]
    large = {50000000 + i: {"Cardiomegaly": "1.0"} for i in PATIENTS if i % 2}
    ecgs = [(subject(i), 40000000 + i, "2180-05-06 10:00:00", LARGE if i % 2 else NORMAL, 800) for i in PATIENTS]
    mimic_cxr(folder / "mimic-cxr-jpg", films, present=large)
    mimic_ecg(folder / "mimic-iv-ecg", ecgs)
    mimic_iv(folder / "mimiciv")
    return folder


def test_every_table_and_figure_has_rows_where_its_data_are_on_disk(
    mimic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [(i, f"{i}.0", 60.0, 0, "{'LVH': 50.0}" if i % 2 else "{'NORM': 100.0}", 10) for i in range(1, 13)]
    ptb = ptbxl(tmp_path / "ptbxl", records)
    words = ["evaluate", "published", "--recordings", str(mimic), "--recordings", str(ptb), "--cache", str(tmp_path)]
    assert run([*words, "--out", str(tmp_path / "out"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    by_task = {row["task"]: row for row in rows if row["method"] == "ours, 256 bits"}
    assert {
        "Table 2, film (MIMIC-CXR)→text",
        "Table 2, ECG (MIMIC-IV-ECG)→text",
        "Table 2, ECG (PTB-XL)→text",
        "Fig. 2, film→ECG (MIMIC-PAIR)",
        "Fig. 2, ECG→film (MIMIC-PAIR)",
        "Table 3, zero-shot across, hypertrophy from film",
        "Table 3, zero-shot across, cardiomegaly from ECG",
        "Fig. 3, zero-shot, ECG, 5 classes, PTB-XL",
    } <= set(by_task)
    pair = by_task["Fig. 2, film→ECG (MIMIC-PAIR)"]
    assert (
        pair["gallery"] == 6
        and pair["figures"]["R@10"]["value"] == 1
        and pair["chance"]["R@1"] == pytest.approx(1 / 6, abs=1e-3)
    )
    assert (tmp_path / "out" / "published-r-at-1.png").is_file()


def test_fewer_studies_are_whole_patients_and_unknown_folders_one_sentence(
    mimic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "published", "--cache", str(tmp_path), "--json"]
    assert run([*words, "--recordings", str(mimic), "--most", "4"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert next(row for row in rows if row["task"].startswith("Fig. 2"))["gallery"] == 4
    assert run([*words, "--recordings", str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith(".") and "\n" not in said
    assert run([*words, "--recordings", str(mimic), "--split", "valid"]) == 2  # nobody is in it
    assert "MIMIC-CXR-JPG" in capsys.readouterr().err
