"""Checks of maps: of curves, shuffled weights, noise and known places; what a release carries of them decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import wfdb
from click.testing import CliRunner

from engine.commands import evaluate_explanations
from engine.datasets.ludb import marks
from engine.errors import IntakeError
from engine.evaluate import explanations, map_checks
from engine.evaluate.explained_regions import painted_films
from engine.evaluate.explanation_verdicts import Verdicts, verdicts
from engine.evaluate.map_checks import Curves, NoisyRelease, ShuffledRelease, located, order_alike, randomised
from engine.evaluate.recorded import record
from engine.explain.maps import GRADIENTS, OCCLUSION, SHAP
from engine.intake.paths import read_paths
from engine.intake.upload import Answers
from engine.model.release import Release, load_release
from engine.settings import DEMO

PULSE = Answers(modality="ppg", fs=125.0, units="au")
TASK_ROW = {"patients": 3, "chance": {}}


def figure(value: float, n: int = 6) -> dict[str, float]:
    return {"value": value, "low": value, "high": value, "n": n}


def measured(**passes: str) -> list[dict[str, object]]:
    """Rows as a measurement records them; passes : method → of faithfulness on ECGs."""
    rows = [
        {
            "task": "ecg faithfulness",
            "method": method,
            "figures": {"over random": figure(0.1)},
            "passes": said,
            **TASK_ROW,
        }
        for method, said in passes.items()
    ]
    hits = {"hit": figure(0.17), "middle": figure(0.33), "energy": figure(0.08)}
    boxes = {"task": "boxes localisation", "method": GRADIENTS, "figures": hits, "passes": "no", **TASK_ROW}
    return [*rows, {**boxes, "chance": {"hit": 0.07, "energy": 0.07}}]


def test_areas_tell_the_true_order_from_its_reverse_and_from_chance() -> None:
    weights = np.array([5.0, 3.0, 1.0, 0.5, 0.3, 0.2])
    score = Curves(6, lambda sets: sets @ weights / weights.sum(), lambda values: values)
    best, worst = score.areas(np.argsort(-weights)), score.areas(np.argsort(weights))
    middle = np.mean([score.areas(np.random.default_rng(i).permutation(6)) for i in range(200)], axis=0)
    assert best[0] < middle[0] < worst[0] and best[1] > middle[1] > worst[1]
    assert middle == pytest.approx([0.5, 0.5], abs=0.03)


def test_where_a_map_lies_is_of_what_raises_similarity() -> None:
    values, region = np.zeros((10, 10), np.float32), np.zeros((10, 10), bool)
    region[2:4, 2:4] = True
    values[2, 2], values[8, 8], values[3, 7] = 3.0, 1.0, -9.0
    found = located(values, region)
    assert (found.hit, found.energy, found.area, found.middle) == (1.0, 0.75, 0.04, 0.0)
    region[5, 5] = True
    blank = located(np.zeros_like(values), region)
    assert (blank.hit, blank.energy, blank.middle) == (0.0, 0.0, 1.0)


def test_shuffling_spares_the_encoder_at_first_and_nothing_in_the_end(release: Release) -> None:
    rng = np.random.default_rng(0)
    before = dict(release.module("ppg").named_parameters())
    for level in map_checks.LEVELS:
        after = dict(ShuffledRelease(release, rng, level).module("ppg").named_parameters())
        changed = {name for name, values in after.items() if not torch.equal(values, before[name])}
        assert changed
        assert any(name.startswith("encoder.") for name in changed) == (level == map_checks.LEVELS[-1])


def test_a_map_of_the_pulse_depends_on_what_was_learnt_and_hardly_on_noise(release: Release) -> None:
    query, match = (read_paths([DEMO / "ppg" / f"syn-0001-e{i}-ppg.csv"], PULSE) for i in (1, 2))
    other = torch.from_numpy(release.embed([match])[0])

    def drawn(one: object) -> np.ndarray:
        return map_checks.shown(query, map_checks.side_map(GRADIENTS, one, query, other))  # type: ignore[arg-type]

    trained = drawn(release)
    assert order_alike(trained, trained) == pytest.approx(1)
    assert order_alike(trained, drawn(NoisyRelease(release, 1))) > 0.9
    untaught = randomised(GRADIENTS, release, query, other, level=map_checks.LEVELS[-1], seed=0)
    assert abs(order_alike(trained, untaught)) < 0.6
    assert order_alike(trained, np.zeros_like(trained)) == 0.0


def test_the_command_goes_on_where_it_stopped_and_records(
    release: Release, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On pulse recordings alone, whose maps are quick; the second time nothing is computed anew."""
    monkeypatch.setattr(explanations, "KINDS", ("ppg",))
    monkeypatch.setattr(explanations, "POOL", {"ppg": 6})
    asked = ["--pairs", "1", "--films", "0", "--cache", str(tmp_path), "--json"]
    found = CliRunner().invoke(evaluate_explanations.command, asked)
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)["rows"]
    assert {(row["task"], row["method"]) for row in rows} >= {
        ("ppg sanity", method) for method in (GRADIENTS, SHAP, OCCLUSION)
    }
    assert all(row["passes"] in ("yes", "no") and row["patients"] == 1 for row in rows)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.json")}
    assert len(kept) == 3

    def never(*_: object) -> Callable[[], None]:
        raise AssertionError("a pair was looked at again")

    monkeypatch.setattr(explanations, "_of_pair", never)
    again = CliRunner().invoke(evaluate_explanations.command, asked)
    assert again.exit_code == 0 and json.loads(again.stdout)["rows"] == rows


def test_painted_films_come_with_their_outline_and_another_patients_film(release: Release) -> None:
    (one,) = painted_films(release, 1)
    assert one.region.shape == one.study.film.pixels.shape[:2]
    assert 0 < one.region.mean() <= 0.25 and one.other.shape == (256,)


def test_marks_of_ludb_are_read_as_they_are_published(tmp_path: Path) -> None:
    samples, symbols = (
        [100, 110, 120, 150, 160, 170, 200, 230, 260, 300],
        ["(", "p", ")", "(", "N", ")", "(", "t", ")", ")"],
    )
    wfdb.wrann("1", "ii", np.array(samples), symbols, fs=500, write_dir=str(tmp_path))
    assert marks(tmp_path / "1.hea", "II") == [("P", 100, 120), ("QRS", 150, 170), ("T", 200, 260)]
    with pytest.raises(IntakeError, match=r"1\.v1"):
        marks(tmp_path / "1.hea", "V1")


def test_a_method_that_failed_is_not_shown_first() -> None:
    known = Verdicts("r2", measured(gradients="yes", shap="no", occlusion="yes"))
    assert known.first(["ecg"], SHAP) == GRADIENTS and known.failed("ecg", SHAP) == ("faithfulness",)
    assert known.first(["cxr"], SHAP) == SHAP
    assert Verdicts("r2", measured(gradients="no", shap="no", occlusion="no")).first(["cxr", "ecg"], SHAP) is None
    assert Verdicts("", ()).first(["ecg"], SHAP) == SHAP
    pointing = known.pointing(GRADIENTS)
    assert pointing is not None and (pointing.n, pointing.hit, pointing.middle, pointing.area) == (6, 0.17, 0.33, 0.07)
    assert known.pointing(SHAP) is None and known.figure("ecg", "faithfulness", SHAP, "over random") == 0.1


def test_verdicts_are_those_that_the_release_carries(tmp_path: Path) -> None:
    copied = tmp_path / "r9"
    copied.mkdir()
    shipped = load_release()
    (copied / "manifest.json").write_text(json.dumps({**shipped.manifest, "name": "r9"}))
    release = load_release(copied)
    assert verdicts(release).pointing(GRADIENTS) is None
    record(release, "explanations", {"rows": measured(shap="no")}, command="casebind", split="valid", seconds=1.0)
    assert verdicts(release).failed("ecg", SHAP) == ("faithfulness",) and verdicts(release).release == "r9"
