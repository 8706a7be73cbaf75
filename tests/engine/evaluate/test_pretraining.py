"""Two starts of one tuning: which patients take part, and how their figures are put beside one another."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluate.pretraining import MIN_HOLDERS, rows_of, share_of
from engine.training.data.prepared import Example, Prepared
from engine.training.probe import ProbeResult


def _row(patient: str, split: str, number: int) -> Example:
    return Example(f"s{number}", "ppg", "set", patient, split, "normal", "", "", "", "", "")


def test_a_share_of_patients_keeps_all_studies_of_those_kept() -> None:
    rows = [_row(f"p{i // 2}", "train" if i < 20 else "valid", i) for i in range(24)]
    part = share_of(Prepared(rows, {}), 0.3)
    kept = [part.rows[i].patient_id for i in part.where("train")]
    assert len(set(kept)) == 3 and len(kept) == 6 and len(part.where("valid")) == 4
    assert len(share_of(Prepared(rows, {}), 1.0).where("train")) == 20


def test_only_findings_with_enough_studies_count_and_the_difference_is_paired() -> None:
    held = np.zeros((4 * MIN_HOLDERS, 2), bool)
    held[:MIN_HOLDERS, 0] = True
    held[: MIN_HOLDERS - 1, 1] = True  # too few
    patients = np.array([f"p{i}" for i in range(len(held))])
    right, wrong = (ProbeResult(sign * held.astype(float), held, patients) for sign in (1, -1))
    rows = rows_of("task", {"pre-trained": right, "random": wrong})
    assert [row.figures["AUROC"].value for row in rows[:2]] == [1.0, 0.0] and rows[0].more == {"findings": 1}
    assert rows[2].figures["difference"].value == pytest.approx(1.0) and rows[2].method == "pre-trained − random"
    assert rows_of("task", {"a": ProbeResult(right.scores[:, 1:], held[:, 1:], patients), "b": wrong}) == []
