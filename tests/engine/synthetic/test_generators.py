"""Fitted generators: found in their folder, missed in one sentence, named by their content; commands that use them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.cli import run
from engine.errors import UsageError
from engine.synthetic.draw import draw_patients
from engine.synthetic.generators import FILES, SHIPPED, FittedGenerators, find, load, missing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (name for names in FILES.values() for name in names):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_a_file_is_found_where_it_lies(folder: Path) -> None:
    assert not any(missing(folder, part) for part in FILES)
    assert find(folder, "films", FILES["films"][0]) == folder / FILES["films"][0]


def test_what_was_not_fitted_is_named_with_the_command_that_fits_it(folder: Path) -> None:
    with pytest.raises(UsageError, match="casebind train generator films"):
        find(folder, "films", "another-look.safetensors")


def test_what_is_shipped_serves_where_a_folder_has_none(folder: Path) -> None:
    (folder / FILES["films"][0]).unlink()
    assert find(folder, "films", FILES["films"][0]) == SHIPPED / FILES["films"][0]
    assert not missing(folder, "films")


def test_other_weights_are_another_version(folder: Path) -> None:
    files = {part: [folder / name for name in names] for part, names in FILES.items()}
    before = FittedGenerators(files).version
    assert FittedGenerators(files).version == before
    files["ecg"][0].write_bytes(b"other weights")
    assert FittedGenerators(files).version != before


def test_films_need_no_file_beyond_those_shipped() -> None:
    one = draw_patients(1, 5, couplings="on")[0].encounters[0]
    drawn = load(SHIPPED).film(one, *map(np.random.default_rng, (1, 2)))
    assert drawn.pixels.shape == (512, 512)
    assert drawn.pixels.std() > 30


def test_fitting_without_recordings_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert run(["train", "generator", "ecg", "--recordings", str(tmp_path), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "open recordings are not here" in said
    assert said.count("\n") == 1
    assert not out.exists()
