"""The benchmark of uploads says how long they take alone and beside a bomb, and whether that is within the bar."""

from __future__ import annotations

import json

import pytest

from engine.bench import uploads
from engine.cli import run
from engine.errors import IntakeError
from engine.intake.limited import read_limited


def test_the_whole_bench_in_short(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEBIND_READ_SECONDS", "1")
    status = run(["bench", "uploads", "--others", "3", "--rounds", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == (0 if found["within"] else 1)
    assert found["within"] == (found["ratio_p95"] <= uploads.BAR)
    assert found["bomb_kb"] < 500
    assert 0 < found["alone_ms"]["median"] <= found["alone_ms"]["p95"]
    assert "times as long" in uploads.as_lines(found)


def test_the_others_can_be_read() -> None:
    assert [read_limited(one).modality for one in uploads.examples(3)] == ["ppg", "cxr", "ecg"]


def test_the_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEBIND_READ_MEMORY_MB", "500")
    with pytest.raises(IntakeError, match="needs more memory than one may take"):
        read_limited([uploads.bomb()])
