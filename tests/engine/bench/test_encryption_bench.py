"""The benchmark of encryption asks a plain and an encrypted copy the same, and leaves the workspace as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.bench import encryption
from engine.cli import run
from engine.store.audit_file import AuditFile
from engine.store.key_source import make_key_file


def test_both_are_asked_and_the_workspace_gains_nothing(
    workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace_folder
    before = {path.relative_to(folder) for path in folder.rglob("*")}
    with AuditFile(folder, read_only=True) as audit:
        rows = audit.size()
    status = run(["bench", "encryption", "--rounds", "1", "--k", "3", "--json", "--workspace", str(folder)])
    found = json.loads(capsys.readouterr().out)
    assert status == (0 if found["within"] else 1)
    assert found["within"] == (found["query"]["ratio"] <= encryption.BAR)
    for part in encryption.PARTS:
        assert found[part]["plain_ms"] > 0 and found[part]["encrypted_ms"] > 0
    assert len(found["files"]) >= 3 and "encrypted" in encryption.as_lines(found)
    assert {path.relative_to(folder) for path in folder.rglob("*")} == before
    with AuditFile(folder, read_only=True) as audit:
        assert audit.size() == rows


def test_an_encrypted_workspace_has_nothing_to_compare_with(
    workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace_folder
    key = f"file:{tmp_path / 'key'}"
    make_key_file(key)
    assert run(["encrypt", key, "--workspace", str(folder)]) == 0
    assert run(["bench", "encryption", "--workspace", str(folder)]) == 2
    assert "nothing plain to compare with" in capsys.readouterr().err
