"""Attacks stay inside their size and do what they say; the command measures, records and writes the limits."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.workspaces import write_table

from engine import settings
from engine.cli import run
from engine.evaluate.robustness.attacks import Budget, Encoder, PreparedInputs, attacked, noise, plain
from engine.evaluate.robustness.defences import defences, prepared_again, squeezed
from engine.evaluate.robustness.sample import inputs_of
from engine.evaluate.robustness.through_file import studies_through_files
from engine.intake.paths import read_paths
from engine.intake.upload import Answers
from engine.model.release import Release
from engine.model.steadiness import FILE
from engine.study import Study, Trace

PATIENTS = 8


def _pulses(n: int) -> list[Study]:
    files = sorted((settings.DEMO / "ppg").glob("*.csv"))[:n]
    return [read_paths([file], Answers(fs=125.0)) for file in files]


@pytest.fixture(scope="module")
def encoder(release: Release) -> Encoder:
    return Encoder(release, "ppg")


@pytest.fixture(scope="module")
def pulses(release: Release) -> PreparedInputs:
    return inputs_of(release, _pulses(4))


def test_an_attack_of_no_size_changes_nothing(encoder: Encoder, pulses: PreparedInputs) -> None:
    wanted = ~encoder.bits(pulses)
    assert torch.equal(attacked(encoder, pulses, wanted, Budget(0.0, 3, 1)), pulses.x)


def test_an_attack_stays_inside_its_size_and_moves_codes_farther_than_noise(
    encoder: Encoder, pulses: PreparedInputs
) -> None:
    clean, steps = encoder.bits(pulses), []
    made = attacked(encoder, pulses, ~clean, Budget(0.05, 6, 2), progress=steps.append)
    assert sum(steps) == 4 * 6 * 2
    assert (made - pulses.x).abs().max() <= 0.05 + 1e-5
    assert pulses.mask is not None and torch.equal(made[~pulses.mask], pulses.x[~pulses.mask])
    flipped = (encoder.bits(pulses.holding(made)) != clean).sum(1)
    by_noise = (encoder.bits(pulses.holding(noise(pulses, 0.05))) != clean).sum(1)
    assert (flipped > 2 * by_noise).all()


def test_a_targeted_attack_comes_nearer_to_its_target(encoder: Encoder, pulses: PreparedInputs) -> None:
    clean = encoder.bits(pulses)
    wanted = np.roll(clean, 1, axis=0)
    made = pulses.holding(attacked(encoder, pulses, wanted, Budget(0.1, 6, 1)))
    assert ((encoder.bits(made) != wanted).sum(1) < (clean != wanted).sum(1)).all()


def test_absent_leads_are_not_attacked(release: Release) -> None:
    ecg = read_paths([settings.DEMO / "ecg" / "syn-0003-e1-ecg.hea"])
    two = Trace(ecg.trace.samples[:2], ecg.trace.leads[:2], ecg.trace.fs, ecg.trace.units)
    inputs, encoder = inputs_of(release, [Study("ecg", two, "")]), Encoder(release, "ecg")
    made = attacked(encoder, inputs, ~encoder.bits(inputs), Budget(0.05, 2, 1))
    assert made[0, 2:].abs().max() == 0 and not torch.equal(made[0, :2], inputs.x[0, :2])


def test_a_view_of_the_file_is_what_the_intake_and_the_release_make_of_the_file(
    release: Release, encoder: Encoder, pulses: PreparedInputs
) -> None:
    made = pulses.holding(attacked(encoder, pulses, ~encoder.bits(pulses), Budget(0.05, 2, 1)))
    read = inputs_of(release, studies_through_files("ppg", made))
    foreseen = prepared_again("ppg")(made, torch.Generator())
    assert (read.x - foreseen.x).abs().max() < 0.01
    assert (read.x - made.x).abs().max() > 0.05  # a view that foresees nothing would not do


def test_films_and_ecgs_go_through_files(release: Release) -> None:
    film = read_paths([sorted((settings.DEMO / "cxr").glob("*.jpg"))[0]])
    ecg = read_paths([settings.DEMO / "ecg" / "syn-0003-e1-ecg.hea"])
    for study in (film, ecg):
        inputs, encoder = inputs_of(release, [study]), Encoder(release, study.modality)
        again = inputs_of(release, studies_through_files(study.modality, inputs))
        assert again.x.shape == inputs.x.shape
        assert (encoder.bits(again) != encoder.bits(inputs)).sum() < 30
        if study.modality == "ecg":
            assert torch.allclose(again.others["amplitude"], inputs.others["amplitude"], atol=0.05)


def test_a_defence_answers_alike_for_equal_draws_and_its_copies_differ(
    encoder: Encoder, pulses: PreparedInputs
) -> None:
    for defence in defences("ppg"):
        once = encoder.bits(pulses, defence.view, defence.draws, seed=1)
        assert np.array_equal(once, encoder.bits(pulses, defence.view, defence.draws, seed=1))
        differs = not np.array_equal(once, encoder.bits(pulses, defence.view, defence.draws, seed=2))
        assert differs == (defence.draws > 1), defence.name
    assert np.array_equal(encoder.bits(pulses), encoder.bits(pulses, plain))
    assert (encoder.bits(pulses, squeezed("ppg")) != encoder.bits(pulses)).sum(1).max() < 10


@pytest.fixture(scope="module")
def recordings_of_pulses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic cohort's pulses, as the open recordings list theirs."""
    folder, traces = tmp_path_factory.mktemp("recordings"), [study.trace for study in _pulses(PATIENTS)]
    n = [min(trace.samples.shape[1], 1250) for trace in traces]
    samples = [np.round(trace.samples[0, :m] * 1000).astype(np.int16) for trace, m in zip(traces, n, strict=True)]
    rows = [
        {
            "record_id": f"b{i}",
            "dataset": "PPG-BP (Liang 2018)",
            "patient_id": f"p{i}",
            "split": "valid",
            "labels": "Stage 1 hypertension" if i % 2 else "Normal blood pressure",
            "licence": "CC0",
            "age": 50,
            "sex": "F",
            "hr": 70,
            "hr_est": "",
            "array_row": i,
            "ecg_lead": "",
            "simultaneous_ecg": "False",
        }
        for i in range(PATIENTS)
    ]
    write_table(folder / "ppg" / "ppg.csv", rows)
    for name in ("cxr", "ecg"):
        (folder / name).mkdir()
        (folder / name / f"{name}.csv").write_text("record_id,dataset,split\n", encoding="utf-8")
    np.savez(
        folder / "ppg" / "ppg.npz",
        ppg=np.concatenate(samples),
        ppg_start=np.concatenate([[0], np.cumsum(n)[:-1]]),
        n=np.array(n),
        fs=np.full(PATIENTS, 125.0),
        scale=np.full(PATIENTS, 0.001),
        offset=np.zeros(PATIENTS),
    )
    return folder


def test_the_command_attacks_certifies_records_and_goes_on_where_it_was(
    recordings_of_pulses: Path, release: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / release.name
    own.mkdir()
    for file in release.path.iterdir():
        if file.is_file() and file.name != FILE:
            os.symlink(file, own / file.name)
    words = ["evaluate", "robustness", "--recordings", str(recordings_of_pulses), "--release", str(own), "--json"]
    words += ["--modality", "ppg", "--n", "6", "--steps", "2", "--restarts", "1", "--budget", "5", "--certify"]
    words += ["--draws", "100", "--tries", "2", "--beside", str(release.path), "--cache", str(tmp_path / "cache")]
    words += ["--record"]
    assert run(words) == 0
    found = json.loads(capsys.readouterr().out)
    methods = {row["method"] for row in found["rows"]}
    assert {"noise of that size", "untargeted", "targeted, knows the file, in a file"} <= methods
    assert {"targeted, knows the check", f"targeted, on {release.name}"} <= methods
    by_method = {row["method"]: row["figures"] for row in found["rows"]}
    assert by_method["targeted"] == by_method[f"targeted, on {release.name}"]  # the same release gets the same attack
    certified = [row for row in found["rows"] if "certified" in row["task"]]
    assert len(certified) == 3 and sum(row["broken"] for row in certified) == 0
    told = json.loads((own / FILE).read_text("utf-8"))
    assert told["limits"]["ppg"] == found["limits"]["ppg"] and found["limits"]["ppg"]["n"] == PATIENTS
    kept = json.loads((own / "evaluations" / "robustness-ppg.json").read_text("utf-8"))
    assert kept["split"] == "valid" and kept["measured"]["rows"] == found["rows"]

    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.npz")}
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*.npz")} == files


def test_too_few_patients_and_a_size_without_a_modality_are_sentences(
    recordings_of_pulses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "robustness", "--recordings", str(recordings_of_pulses), "--cache", str(tmp_path)]
    assert run([*words, "--modality", "ecg"]) == 2
    assert "attacks are measured on six patients and more" in capsys.readouterr().err
    assert run([*words, "--budget", "5"]) == 2
    assert "name one --modality" in capsys.readouterr().err
