"""Groups compared as `casebind evaluate fairness` does: simulated groups with a known gap, recordings, a workspace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli import run
from engine.evaluate import fairness, fairness_recordings
from engine.evaluate.fairness import FOUND, LET_IN, LIFT, ODDS, PRECISION, PairRule, Population
from engine.evaluate.recording_facts import skin_tone
from engine.findings import vocabulary

N = 160


def simulated(blurred: int, seed: int = 0) -> Population:
    """Return studies of four findings around a code each; group B's have `blurred` more bits at random than A's."""
    rng = np.random.default_rng(seed)
    finding = rng.integers(0, 4, N)
    group = np.where(np.arange(N) % 2, "B", "A")
    bits = (rng.random((4, 256)) < 0.5)[finding]
    for row, name in zip(bits, group, strict=True):
        changed = rng.permutation(256)[: 70 + (blurred if name == "B" else 0)]
        row[changed] = rng.random(len(changed)) < 0.5
    codes = np.packbits(bits, axis=1, bitorder="little")
    held = np.zeros((N, len(vocabulary())), bool)
    shareable = [at for at, name in enumerate(vocabulary()) if name != "normal"]
    held[np.arange(N), np.array(shareable)[finding]] = True
    patients = np.array([f"p{i:03d}" for i in range(N)])
    return Population("cxr", "cxr", "made", codes, codes, held, patients, {"sex": group.tolist()})


def one_section(of: Population, radius: int = 70) -> dict[str, Any]:
    """Return what the groups of a population show."""
    (found,) = fairness.sections(of, PairRule(radius, np.linspace(1, 0, 257)), ("sex", "view"))
    return found


def test_a_known_gap_is_reproduced_and_is_beyond_its_band() -> None:
    of = simulated(60)
    inside, allowed = (of.distance <= 70) & of.allowed, of.allowed
    member = np.array(of.facts["sex"])
    rates = {g: (inside & of.relevant)[member == g].sum() / (of.relevant & allowed)[member == g].sum() for g in "AB"}
    found = one_section(of)
    assert found["gaps"][FOUND]["value"] == pytest.approx(rates["A"] - rates["B"], abs=1e-4)
    assert found["gaps"][ODDS]["beyond"] and found["gaps"][ODDS]["most"] == "A"
    assert [one["figures"][FOUND]["value"] for one in found["groups"]] == pytest.approx([*rates.values()], abs=1e-4)


def test_groups_that_are_alike_show_no_gap() -> None:
    found = one_section(simulated(0))
    assert not found["gaps"][ODDS]["beyond"] and not found["gaps"][PRECISION]["beyond"]
    assert found["explained"] == ""


def test_a_gap_that_base_rates_make_is_said_to_be_one() -> None:
    """A finding that everybody of one group has is found by chance already."""
    of = simulated(0)
    rng = np.random.default_rng(3)
    shareable = np.flatnonzero(of.has_finding.any(0))
    held = np.zeros_like(of.has_finding)
    common = np.array(of.facts["sex"]) == "A"
    held[common, shareable[0]] = True
    held[~common, shareable[rng.integers(1, 4, (~common).sum())]] = True
    noise = np.packbits(rng.random((N, 256)) < 0.5, axis=1, bitorder="little")
    alike = Population("cxr", "cxr", "made", noise, noise, held, of.patients, of.facts)
    found = one_section(alike, 128)
    assert found["gaps"][PRECISION]["beyond"] and not found["gaps"][LIFT]["beyond"]
    assert found["explained"] == fairness.BASE_RATES


def test_few_people_are_printed_as_few_and_nothing_is_claimed(recordings: Path, tmp_path: Path) -> None:
    known = fairness_recordings.known_facts(recordings)
    (said,) = fairness_recordings.few_people(recordings, "valid", known)
    assert said["by"] == "skin tone" and said["patients"] == 4


def test_a_colour_of_skin_is_named_by_its_angle() -> None:
    assert [skin_tone(one) for one in ("#ffffff", "#8d5524", "#1a0f0a")] == ["very light", "brown", "dark"]


@pytest.fixture(scope="module")
def collection(few_patients: Callable[[int, int], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 40 synthetic patients with an ECG each."""
    return Path(shutil.copytree(few_patients(40, 0), tmp_path_factory.mktemp("fair") / "ws"))


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Return exit status, output and errors of a command."""
    status = run(["evaluate", "fairness", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_workspace_compares_the_groups_that_its_record_knows(
    collection: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = asked(capsys, "--workspace", str(collection), "--json")
    assert status == 0
    found = json.loads(out)
    by_sex = next(one for one in found["sections"] if one["query"] == "ecg" and one["by"] == "sex")
    assert {one["name"] for one in by_sex["groups"]} == {"F", "M"} and by_sex["synthetic"]
    assert sum(one["patients"] for one in by_sex["groups"]) <= 40
    assert all(one["few"] == (one["patients"] < 30) for one in by_sex["groups"])
    assert LET_IN in by_sex["groups"][0]["figures"] and "patient_id" not in out


def test_a_table_says_that_few_people_allow_no_claim(collection: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = asked(capsys, "--workspace", str(collection))
    assert status == 0 and "ecg→ecg" in out and "by sex (synthetic)" in out
    assert "fewer than two groups have 30 patients: no gap is claimed" in out
    assert "[F]" in out and "Kleinberg" in out


def test_a_release_keeps_no_figures_of_a_workspace(collection: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = asked(capsys, "--workspace", str(collection), "--record")
    assert status == 2 and "leave out --record or --workspace" in err
