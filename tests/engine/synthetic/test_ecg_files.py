"""Drawn ECGs as files: FLAC keeps every value, our intake reads them, and the gate accepts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from helpers.synthetic_ecgs import draw, encounter

from engine.intake.quality.judge import judge
from engine.intake.read import read
from engine.intake.upload import Answers, Upload
from engine.study import ECG_LEADS, Study, Trace
from engine.synthetic.ecg import GAIN, write_ecg


@pytest.fixture
def written(tmp_path: Path) -> tuple[np.ndarray, Path]:
    """One drawn ECG and the stem of its record."""
    samples, _ = draw(encounter("normal ECG", "sinus rhythm"), 3)
    write_ecg(samples, tmp_path / "syn-0001-e1-ecg")
    return samples, tmp_path / "syn-0001-e1-ecg"


def test_the_record_holds_exactly_the_drawn_values(written: tuple[np.ndarray, Path]) -> None:
    samples, stem = written
    record = wfdb.rdrecord(str(stem), physical=False)
    assert set(record.fmt) == {"516"} and record.fs == 500
    np.testing.assert_array_equal(record.d_signal.T, samples)


def test_intake_reads_the_record_in_millivolt(written: tuple[np.ndarray, Path]) -> None:
    samples, stem = written
    files = sorted(stem.parent.iterdir())
    assert len(files) == 3
    study = read([Upload(file.name, file.read_bytes()) for file in files], Answers())
    trace = study.content
    assert isinstance(trace, Trace)
    assert (trace.units, trace.fs, trace.leads) == ("mV", 500.0, ECG_LEADS)
    np.testing.assert_array_equal(np.round(trace.samples * GAIN).astype(int), samples)


def test_the_record_is_small_and_tells_nothing_but_the_signal(written: tuple[np.ndarray, Path]) -> None:
    _, stem = written
    assert sum(file.stat().st_size for file in stem.parent.iterdir()) < 60_000
    assert "#" not in stem.with_suffix(".hea").read_text()


@pytest.mark.parametrize(
    "label",
    [
        "normal ECG",
        "left ventricular hypertrophy",
        "complete left bundle branch block",
        "atrial fibrillation",
        "ventricular premature complex",
    ],
)
def test_the_gate_accepts_drawn_ecgs(label: str) -> None:
    for seed in range(4):
        samples, _ = draw(encounter(label, rate=60.0 + 15 * seed), seed)
        trace = Trace((samples / GAIN).astype(np.float32), ECG_LEADS, 500.0, "mV")
        verdict = judge(Study("ecg", trace, "drawn"))
        assert verdict.accepted, verdict.reasons
