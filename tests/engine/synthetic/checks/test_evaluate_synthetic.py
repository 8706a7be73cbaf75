"""`casebind evaluate synthetic` on small cohorts: what it prints, and that every check can fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli import run
from engine.model.release import Release, load_release
from engine.synthetic.checks import fidelity, traces
from engine.synthetic.checks.group import Group
from engine.synthetic.checks.words import full_report, rounded

pytestmark = pytest.mark.usefixtures("recordings")


def by_name(rows: list[dict[str, Any]], words: str) -> dict[str, Any]:
    return next(row for row in rows if words in row["compared"])


def test_the_record_holds_every_check_and_the_pictures_are_written(honest: dict[str, Any]) -> None:
    for modality in ("cxr", "ecg", "ppg"):
        assert honest[modality]["fidelity"] and honest[modality]["memorisation"] and honest[modality]["verdicts"]
    assert honest["studies"]["ecg"] == honest["encounters"]
    assert {"closest-cxr-pixels.png", "closest-ecg-beat.png", "closest-ppg-10s-wave.png"} <= set(honest["pictures"])


def test_rates_and_limb_leads_of_the_shipped_cohort_agree(honest: dict[str, Any]) -> None:
    agreed = honest["consistency"]
    assert agreed["rates"]["ecg and ppg"]["share"] >= 0.9
    assert agreed["limb_leads"]["exact"] == agreed["limb_leads"]["n"] > 0
    assert agreed["limb_leads"]["worst_units"] == 0


def test_every_pair_of_modalities_stands_beside_chance(honest: dict[str, Any]) -> None:
    pairs = honest["consistency"]["own_study"]
    assert {"cxr→ecg", "ecg→cxr", "ppg→ecg", "text→ecg", "text→ppg", "text→cxr"} <= set(pairs)
    for kinds in pairs.values():
        assert {"float", "256 bits"} == set(kinds)
        chance = kinds["float"]["rank_percentile"]["chance"]
        assert chance["low"] <= 0.5 <= chance["high"] or kinds["float"]["n"] < 10


def test_noise_is_told_from_real_ecgs_and_real_ones_are_not(honest: dict[str, Any]) -> None:
    rows = honest["ecg"]["realism"]["ECG, PTB-XL all (voltage hidden)"]
    noise, real = by_name(rows, "white noise"), by_name(rows, "real–real")
    assert noise["auc"]["value"] > 0.95 and real["auc"]["value"] < 0.75
    assert noise["kid"]["value"] > 10 * abs(real["kid"]["value"]) and noise["recall"] < real["recall"]


def test_copied_training_films_are_all_flagged(tampered: dict[str, Any], honest: dict[str, Any]) -> None:
    for space in ("pixels", "release"):
        found = tampered["cxr"]["memorisation"][space]
        assert found["below"] == found["n"] == len(found["which"]) and found["synthetic"]["median"] < 0.05
    assert honest["cxr"]["memorisation"]["pixels"]["below"] < honest["cxr"]["memorisation"]["pixels"]["n"]


def test_shuffled_labels_are_not_read(tampered: dict[str, Any]) -> None:
    rows = [row for row in tampered["cxr"]["fidelity"]["films, NIH adults (release)"] if row["verdict"] != "too few"]
    areas = [row["synthetic"]["auroc"] for row in rows if "real" in row]
    assert areas and 0.3 < np.mean(areas) < 0.7  # the readers learnt these very films: with their own labels, near 1


def test_another_patients_pulse_disagrees_with_the_ecg(tampered: dict[str, Any]) -> None:
    rate = tampered["consistency"]["rates"]["ecg and ppg"]
    assert rate["share"] < 0.5 and rate["worst"] > 10 and rate["apart"]


def test_real_test_ecgs_read_like_themselves_until_their_labels_are_shuffled(
    few_recordings: Path, tmp_path: Path
) -> None:
    release: Release = load_release()
    real = traces.real_ecgs(release, few_recordings, tmp_path)
    train, valid, test = (real.of_split(split) for split in ("train", "valid", "test"))
    reader = fidelity.learn(train, valid, "release", fidelity.readable(train))
    same = fidelity.compare(reader, test, test, "release", "normal ECG")
    assert same["difference"]["value"] == 0 and same["verdict"] == "kept" and same["real"]["auroc"] > 0.85
    order = np.random.default_rng(0).permutation(len(test))
    shuffled = Group(**{**vars(test), "labels": tuple(test.labels[i] for i in order)})
    told = fidelity.compare(reader, test, shuffled, "release", "normal ECG")
    assert told["verdict"] == "dropped" and 0.35 < told["synthetic"]["auroc"] < 0.65


def test_the_report_in_words_names_each_label_with_its_verdict(honest: dict[str, Any]) -> None:
    text = full_report(honest)
    for label, verdict in honest["ecg"]["verdicts"].items():
        assert label in text and verdict.split(",")[0].lower() in text.lower()
    assert "real–real" in text and "chance" in text and "white noise" in text
    assert json.loads(json.dumps(rounded({"a": float("nan"), "b": [0.123456]}))) == {"a": None, "b": [0.12346]}


def test_bad_input_is_one_sentence(few_recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["evaluate", "synthetic", "--recordings", str(few_recordings), "--cache", str(tmp_path)]
    assert run([*asked, "--cohort", str(tmp_path / "none"), "--pictures", str(tmp_path)]) == 2
    assert "manifest" in capsys.readouterr().err
    assert run([*asked, "--cohort", str(tmp_path), "--pictures", "data/demo/closest"]) == 2
    assert "repository" in capsys.readouterr().err
