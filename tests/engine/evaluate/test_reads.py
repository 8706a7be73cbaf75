"""Looks at `test` are counted by recordings and by release, and a line that was cut short costs no other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from engine.evaluate import reads
from engine.model.release import Release, load_release, releases


def _recordings(folder: Path, text: str) -> Path:
    (folder / "cxr").mkdir(parents=True)
    (folder / "cxr" / "cxr.csv").write_text(text, encoding="utf-8")
    return folder


def _renamed(folder: Path) -> Release:
    """Return a release of another name, which has another digest."""
    folder.mkdir()
    manifest = json.loads((releases()[-1] / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"name": "r9"}), encoding="utf-8")
    return load_release(folder)


def test_looks_are_counted_by_release_and_by_recordings(tmp_path: Path) -> None:
    shipped, other = load_release(), _renamed(tmp_path / "r9")
    first, second = (_recordings(tmp_path / name, f"file\n{name}\n") for name in ("one", "two"))
    cache = tmp_path / "new" / "cache"
    reads.record(cache, "probes", shipped, first)
    reads.record(cache, "hashing", shipped, first)
    reads.record(cache, "probes", shipped, second)
    last = reads.record(cache, "probes", other, first)
    assert (last.times, last.of_release, last.releases) == (3, 1, 2)
    assert "read 3 times here, 1 of them with this release (2 releases in all)" in last.sentence()


def test_recordings_are_known_wherever_they_lie(tmp_path: Path) -> None:
    here = _recordings(tmp_path / "here", "file\na\n")
    there = shutil.copytree(here, tmp_path / "there")
    reads.record(tmp_path, "probes", load_release(), here)
    assert reads.record(tmp_path, "probes", load_release(), there).times == 2


def test_a_line_that_was_cut_short_costs_no_other(tmp_path: Path) -> None:
    here = _recordings(tmp_path / "here", "file\na\n")
    reads.record(tmp_path, "probes", load_release(), here)
    with (tmp_path / reads.FILE).open("a", encoding="utf-8") as out:
        out.write('{"at": "2026\n')
    assert reads.record(tmp_path, "probes", load_release(), here).times == 2
