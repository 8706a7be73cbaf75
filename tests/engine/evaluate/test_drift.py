"""A shift simulated on open recordings is noticed, by the command that prints how soon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import run


def test_an_inverted_pulse_wave_is_noticed_within_fifty_queries(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--streams", "3", "--months", "0", "--cache", str(tmp_path), "--recordings", str(recordings), "--json"]
    assert run(["monitor", "simulate", "--shift", "polarity", *asked]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["delay"]["within_50"] == 3 and found["delay"]["missed"] == 0
    assert 20 <= found["delay"]["median"] <= 50
    assert found["without"]["months"] == 0


def test_an_unknown_shift_is_one_sentence(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["monitor", "simulate", "--shift", "moon", "--recordings", str(recordings)]) == 2
    assert capsys.readouterr().err.strip() == (
        "There is no shift 'moon': use electrodes, polarity, detector, lead-lost, hospital, children."
    )
