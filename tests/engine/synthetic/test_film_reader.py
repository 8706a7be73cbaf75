"""The reader of drawn films: what it calls faint, what it leaves out, and that a file keeps it whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.synthetic.cxr.reader import FAINTEST, MIN_FILMS, FilmReader, learn, load_reader

WIDTH, FILMS = 12, 400


@pytest.fixture(scope="module")
def reader() -> FilmReader:
    """A reader of features in which the first number says Edema; Emphysema is too rare, Pneumonia not to be read."""
    rng = np.random.default_rng(0)
    held = pd.DataFrame({"Edema": np.arange(FILMS) % 4 == 0, "Emphysema": np.arange(FILMS) < MIN_FILMS - 1})
    held["Pneumonia"] = rng.random(FILMS) < 0.3
    x = rng.standard_normal((FILMS, WIDTH)).astype(np.float32)
    x[:, 0] += 6 * held["Edema"]
    return learn(x, held, np.array([f"p{i // 2}" for i in range(FILMS)]))


def test_findings_with_too_few_films_and_those_that_cannot_be_read_are_left_out(reader: FilmReader) -> None:
    assert reader.findings == ("Edema",)


def test_about_the_faintest_share_of_real_films_would_be_refused(reader: FilmReader) -> None:
    rng = np.random.default_rng(1)
    fresh = rng.standard_normal((400, WIDTH)).astype(np.float32)
    fresh[:, 0] += 6
    faint = float((reader.scores(fresh)[:, 0] < reader.faintest[0]).mean())
    assert FAINTEST / 3 < faint < 3 * FAINTEST
    fresh[:, 0] -= 6
    assert (reader.scores(fresh)[:, 0] < reader.faintest[0]).mean() > 0.8


def test_only_what_was_asked_for_can_be_too_faint() -> None:
    film = np.full((224, 224), 90, np.uint8)
    seen = 768  # numbers that the trunk gives a film
    parts = (np.zeros(seen), np.ones(seen), np.zeros((seen, 1)), np.zeros(1))
    strict, mild = (FilmReader(("Edema",), *parts, np.array([least])) for least in (1.0, -1.0))
    assert "Edema" in strict.too_faint(film, ("Edema", "Cardiomegaly"))
    assert strict.too_faint(film, ("Cardiomegaly",)) == ""
    assert mild.too_faint(film, ("Edema",)) == ""


def test_a_file_keeps_a_reader_whole(reader: FilmReader, tmp_path: Path) -> None:
    reader.save(tmp_path / "reader.npz")
    again = load_reader(tmp_path / "reader.npz")
    x = np.random.default_rng(2).standard_normal((3, WIDTH))
    assert again.findings == reader.findings
    assert np.array_equal(again.scores(x), reader.scores(x))
    assert np.array_equal(again.faintest, reader.faintest)
