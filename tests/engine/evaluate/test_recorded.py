"""What was measured of a release stays with it: whole, named, of its digest, and without patients."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli import run
from engine.commands.measuring import _shown_word
from engine.errors import ReleaseError, UsageError
from engine.evaluate.recorded import all_recorded, evaluations_folder, record, recorded
from engine.learning.round_release import releases_folder
from engine.model.release import Release, installed, load_release, releases
from engine.settings import MODELS

ROW = {"rows": [{"task": "cxr→cxr", "figures": {"P@5": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 12}}}]}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A copy of the shipped release, in a folder that may be written to."""
    shipped = releases()[-1]
    home = tmp_path / "models" / shipped.name
    home.mkdir(parents=True)
    for file in shipped.iterdir():
        if file.suffix == ".safetensors":
            (home / file.name).symlink_to(file)
        elif file.is_file():
            shutil.copyfile(file, home / file.name)
    return load_release(home)


def test_what_was_recorded_is_read_back_with_command_date_split_and_seconds(release: Release) -> None:
    path = record(release, "few-shot", ROW, command="casebind evaluate few-shot", split="valid", seconds=12.34)
    content = json.loads(path.read_text("utf-8"))
    assert path == release.path / "evaluations" / "few-shot.json"
    assert set(content) >= {"name", "command", "date", "release", "split", "seconds", "measured"}
    found = recorded(release, "few-shot")
    assert found is not None and found.measured == ROW
    assert (found.command, found.split, found.seconds) == ("casebind evaluate few-shot", "valid", 12.3)
    assert len(found.date) == len("2026-01-01") and found.digest == release.digest
    record(release, "few-shot", {"rows": []}, command="c", split="valid", seconds=1)
    assert [one.measured for one in all_recorded(release)] == [{"rows": []}]
    assert recorded(release, "probes") is None


def test_a_release_with_evaluations_is_the_same_release(release: Release) -> None:
    before = release.digest
    record(release, "few-shot", ROW, command="c", split="valid", seconds=1)
    assert load_release(release.path).digest == before
    assert installed(release.name, before, release.path.parent) is not None


def test_another_release_in_the_same_folder_carries_nothing_along(release: Release) -> None:
    record(release, "few-shot", ROW, command="c", split="valid", seconds=1)
    manifest = json.loads((release.path / "manifest.json").read_text())
    manifest["name"] = "r9"
    (release.path / "manifest.json").write_text(json.dumps(manifest))
    assert recorded(load_release(release.path), "few-shot") is None and all_recorded(load_release(release.path)) == []


def test_a_rounds_release_has_its_own_and_says_which_are_its_bases(release: Release, tmp_path: Path) -> None:
    home = releases_folder(tmp_path) / "r2.1"
    home.mkdir(parents=True)
    base = load_release(MODELS / "r2")
    (home / "manifest.json").write_text(json.dumps({**base.manifest, "name": "r2.1", "base": "r2"}))
    made = load_release(home)
    assert recorded(made, "few-shot") is None and all_recorded(made) == []
    record(made, "few-shot", ROW, command="c", split="valid", seconds=1)
    found = recorded(made, "few-shot", or_of_base=True)
    assert found is not None and found.release == "r2.1"
    for one in all_recorded(base):
        theirs = recorded(made, one.name, or_of_base=True)
        assert theirs is not None and theirs.release == ("r2.1" if one.name == "few-shot" else "r2")


@pytest.mark.parametrize("name", ["", "../r2", "Few", "a/b", ".hidden", "a b"])
def test_other_names_than_words_are_refused(name: str, release: Release) -> None:
    with pytest.raises(UsageError, match="no name of an evaluation"):
        record(release, name, ROW, command="c", split="valid", seconds=1)
    with pytest.raises(UsageError, match="no name of an evaluation"):
        recorded(release, name)


@pytest.mark.parametrize(
    "measured", [{"rows": [{"patient_id": "p1"}]}, {"a": float("nan")}, {"a": object()}, {"a": "x" * 3_000_000}]
)
def test_patients_and_what_is_no_json_are_not_recorded(measured: dict[str, object], release: Release) -> None:
    record(release, "few-shot", ROW, command="c", split="valid", seconds=1)
    with pytest.raises(UsageError, match="few-shot"):
        record(release, "few-shot", measured, command="c", split="valid", seconds=1)
    found = recorded(release, "few-shot")
    assert found is not None and found.measured == ROW
    assert [file.name for file in evaluations_folder(release).iterdir()] == ["few-shot.json"]


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "few-shot"}'])
def test_a_damaged_file_is_one_sentence(content: str, release: Release) -> None:
    path = record(release, "few-shot", ROW, command="c", split="valid", seconds=1)
    path.write_text(content)
    with pytest.raises(ReleaseError, match="few-shot cannot be read"):
        recorded(release, "few-shot")
    path.rename(path.with_name("probes.json"))
    with pytest.raises(ReleaseError, match="probes"):
        recorded(release, "probes")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_takes_no_file_is_one_sentence(release: Release) -> None:
    release.path.chmod(0o500)
    with pytest.raises(ReleaseError, match="could not be recorded"):
        record(release, "few-shot", ROW, command="c", split="valid", seconds=1)
    release.path.chmod(0o700)


KILLED = """
import sys
from pathlib import Path
from engine.evaluate.recorded import record
from engine.model.release import load_release
release = load_release(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(10**6):
    record(release, "few-shot", {"filling": [number] * 20_000}, command="c", split="valid", seconds=1)
    print(number, flush=True)
"""


def test_a_killed_process_leaves_a_whole_file(release: Release) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(release.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while process.stdout.readline().strip() != "2":
        assert process.poll() is None
    process.kill()
    process.wait()
    found = recorded(release, "few-shot")
    assert found is not None and len(set(found.measured["filling"])) == 1 and len(found.measured["filling"]) == 20_000
    assert [one.name for one in all_recorded(release)] == ["few-shot"]


def test_a_command_records_what_it_prints(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "free-text", "--release", str(release.path), "--record", "--json"]
    assert run(words) == 0
    printed, found = json.loads(capsys.readouterr().out), recorded(release, "free-text")
    assert found is not None and found.measured == printed
    assert found.command == "casebind evaluate free-text --release DIR --record --json"
    assert run(["evaluate", "calibration", "--workspace", str(release.path), "--record"]) == 2
    assert "leave out" in capsys.readouterr().err


def test_folders_of_the_machine_are_not_recorded(tmp_path: Path) -> None:
    typed = ["evaluate", "few-shot", "--recordings", str(tmp_path / "data"), f"--cache={tmp_path}", "--split", "valid"]
    shown = [_shown_word(word) for word in typed]
    assert shown == ["evaluate", "few-shot", "--recordings", "DIR", "--cache=DIR", "--split", "valid"]
