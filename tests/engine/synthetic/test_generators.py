"""Fitted generators: found in their folder, missed in one sentence, named by their content; commands that use them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli import run
from engine.errors import UsageError
from engine.synthetic.generators import FILES, FittedGenerators, find, missing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (name for names in FILES.values() for name in names):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_a_file_is_found_where_it_lies(folder: Path) -> None:
    assert not any(missing(folder, part) for part in FILES)
    assert find(folder, "films", FILES["films"][0]) == folder / FILES["films"][0]


def test_what_was_not_fitted_is_named_with_the_command_that_fits_it(folder: Path) -> None:
    (folder / FILES["films"][1]).unlink()
    assert missing(folder, "films")
    with pytest.raises(UsageError, match="casebind train generator films"):
        find(folder, "films", FILES["films"][1])


def test_other_weights_are_another_version(folder: Path) -> None:
    files = {part: [folder / name for name in names] for part, names in FILES.items()}
    before = FittedGenerators(files).version
    assert FittedGenerators(files).version == before
    files["ecg"][0].write_bytes(b"other weights")
    assert FittedGenerators(files).version != before


def test_fitting_without_recordings_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert run(["train", "generator", "ecg", "--recordings", str(tmp_path), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "open recordings are not here" in said
    assert said.count("\n") == 1
    assert not out.exists()


def test_drawing_without_generators_is_one_sentence_and_writes_nothing(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path / "cohort"), "--generators", str(tmp_path / "none"), "--patients", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "engine.synthetic", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "casebind train generator" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
