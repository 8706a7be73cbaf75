"""What a defence costs clean films is counted on all of them; what is random is attacked for longer, with momentum."""

from __future__ import annotations

import pytest
import torch
from helpers.workspaces import write_table

from engine import settings
from engine.evaluate.robustness.all_films import GAIN_LOST, LOST, clean_films
from engine.evaluate.robustness.attacks import Budget, Encoder, attacked
from engine.evaluate.robustness.defences import Defence, squeezed
from engine.evaluate.robustness.measure import Judge
from engine.evaluate.robustness.run import AttackPlan, judge_of
from engine.evaluate.robustness.sample import inputs_of
from engine.intake.paths import read_paths
from engine.intake.upload import Answers
from engine.metrics.rows import ResultRow
from engine.model.release import Release

PATIENTS = 8


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> AttackPlan:
    """A few films of the synthetic cohort, as the open recordings list theirs."""
    folder = tmp_path_factory.mktemp("recordings")
    rows = [
        {
            "file": str(file),
            "dataset": "nih-cxr14",
            "patient_id": f"p{i}",
            "study_id": f"f{i}",
            "split": "valid",
            "view": "PA",
            "age": 50,
            "sex": "F",
            "labels": "Cardiomegaly" if i % 2 else "Effusion",
            "bboxes": "",
            "report": "",
            "licence": "CC0",
        }
        for i, file in enumerate(sorted((settings.DEMO / "cxr").glob("*.jpg"))[:PATIENTS])
    ]
    for name in ("cxr", "ecg", "ppg"):
        (folder / name).mkdir()
        (folder / name / f"{name}.csv").write_text("record_id,dataset,split\n", encoding="utf-8")
    write_table(folder / "cxr" / "cxr.csv", rows)
    return AttackPlan(folder, "valid", folder / "cache", n=2)


@pytest.fixture(scope="module")
def judge(release: Release, plan: AttackPlan) -> Judge:
    return judge_of(release, "cxr", plan)


def _value(row: ResultRow, name: str) -> float:
    return row.figures[name].value


def test_a_defence_is_measured_on_every_film_and_none_costs_nothing(judge: Judge, plan: AttackPlan) -> None:
    assert len(judge.sample.places) == 2
    none = clean_films(judge, Defence("itself"), plan.cache)
    assert none.method == "clean, all, answered by itself" and none.patients == PATIENTS
    assert none.figures["P@5"].n == PATIENTS and none.figures["P@5"] == none.figures["P@5 by itself"]
    assert (_value(none, LOST), _value(none, "first 5 kept"), _value(none, "bits moved")) == (0, 1, 0)
    assert _value(none, "nearest, bits") == _value(none, "nearest by itself")
    copied = clean_films(judge, Defence("squeezed copy", squeezed("cxr")), plan.cache)
    assert 0 < _value(copied, "bits moved") < 128 and {LOST, GAIN_LOST} <= set(copied.figures)
    assert _value(copied, "P@5 by itself") == _value(none, "P@5")
    kept = {file: file.stat().st_mtime_ns for file in plan.cache.glob("answered-cxr-*.npz")}
    assert len(kept) == 2
    assert clean_films(judge, Defence("squeezed copy", squeezed("cxr")), plan.cache).as_dict() == copied.as_dict()
    assert {file: file.stat().st_mtime_ns for file in plan.cache.glob("answered-cxr-*.npz")} == kept


def test_momentum_stays_inside_the_size_and_goes_another_way(release: Release) -> None:
    pulses = [read_paths([file], Answers(fs=125.0)) for file in sorted((settings.DEMO / "ppg").glob("*.csv"))[:2]]
    inputs, encoder = inputs_of(release, pulses), Encoder(release, "ppg")
    wanted = ~encoder.bits(inputs)
    without, with_it = (attacked(encoder, inputs, wanted, Budget(0.05, 5, 1, momentum)) for momentum in (0.0, 0.9))
    assert (with_it - inputs.x).abs().max() <= 0.05 + 1e-5
    assert not torch.equal(without, with_it)
    flipped = (encoder.bits(inputs.holding(with_it)) == wanted).sum(1)
    assert (flipped > 0).all()
