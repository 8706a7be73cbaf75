"""The bench of burned-in text: what it draws is there, what it counts adds up, and its status follows the bars."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from helpers.burned_in import NEEDS_OCR

from engine.bench.burned_in import as_lines
from engine.bench.drawn_text import PLACES, SIDE_PX, enlarged, with_text
from engine.cli import run
from engine.study import Film


def test_drawn_text_has_its_contrast_and_lies_on_the_film() -> None:
    chance = random.Random(1)
    film = enlarged(Film(np.full((50, 60), 100, np.uint8), 8))
    assert min(film.pixels.shape) == SIDE_PX
    seen = set()
    for _ in range(60):
        one = with_text(film, 14, 80, chance)
        inked = one.ink == 1
        assert inked.any() and set(np.unique(one.film.pixels[inked])) <= {20, 180}
        assert (one.film.pixels[one.ink == 0] == film.pixels[one.ink == 0]).all()
        seen.add(one.place)
    assert seen == set(PLACES)


@NEEDS_OCR
def test_the_whole_bench_in_short(recordings: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["bench", "burned-in", "--recordings", str(recordings), "--split", "valid", "--drawn", "16", "--clean", "2"]
    status = run([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == (0 if found["within"] else 1)
    assert [row["n"] for row in found["strata"]] == [1] * 16 and found["bar"]["n"] == 9 and found["stopped"]["n"] == 2
    assert found["bar"]["found"] == sum(
        row["found"] for row in found["strata"] if row["px"] >= 14 and row["contrast"] >= 80
    )
    assert found["bar"]["share"] > 0.6 and found["covered"] > 0.8
    assert "95 % interval" in as_lines(found)
    assert run([*words[:-4], "--drawn", "5000"]) == 2
