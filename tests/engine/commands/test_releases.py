"""`casebind round`, `releases` and `reindex` as a user types them: tables are shown, everything is on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.rounds import BAD, rate, written
from helpers.shipped import SHIPPED

from engine.cli import run
from engine.learning import promotion
from engine.model.release import Release
from engine.workspace.workspace import open_workspace


def casebind(capsys: pytest.CaptureFixture, place: Path, *words: str) -> tuple[int, str, str]:
    """Run a command on a workspace; return its status and what it said."""
    capsys.readouterr()
    status = run([*words, "--workspace", str(place)])
    said = capsys.readouterr()
    return status, said.out, said.err


def codes(place: Path) -> list[tuple]:
    with open_workspace(place) as workspace:
        return workspace.database.read("SELECT study_id, w0, w1, w2, w3 FROM codes ORDER BY study_id")


def test_a_round_shows_its_table_and_serves_only_when_promoted(
    workspace_folder: Path, capsys: pytest.CaptureFixture
) -> None:
    status, _, why = casebind(capsys, workspace_folder, "round")
    assert status == 2 and "0 new ratings and 1 are asked for" in why
    with open_workspace(workspace_folder) as place:
        rate(place, 40)
    before = codes(workspace_folder)
    status, said, _ = casebind(capsys, workspace_folder, "round", "--who", "Ada")
    assert status == 0 and "P@10 overall" in said and "95 % interval" in said
    assert "It passes" in said or "It does not pass" in said
    assert codes(workspace_folder) == before
    status, said, _ = casebind(capsys, workspace_folder, "releases", "--json")
    made, shipped = json.loads(said)
    assert (made["release"], made["serves"], shipped["release"], shipped["serves"]) == (
        f"{SHIPPED}.1",
        False,
        SHIPPED,
        True,
    )
    assert made["ratings"] > 0 and made["raters"] == 1


def test_promotion_shows_the_table_first_and_asks_for_a_reason(
    workspace_folder: Path, release: Release, capsys: pytest.CaptureFixture
) -> None:
    written(workspace_folder, release, rows=BAD)
    before = codes(workspace_folder)
    status, said, why = casebind(capsys, workspace_folder, "releases", "promote", f"{SHIPPED}.1")
    assert status == 2 and "ecg>cxr" in said and "falls" in said
    assert "give a reason of at least 10 characters" in why and codes(workspace_folder) == before
    status, _, why = casebind(capsys, workspace_folder, "releases", "promote", f"{SHIPPED}.9")
    assert status == 2 and f"choose from {SHIPPED}.1" in why
    reason = ("--despite", "films are few here", "--who", "Ada")
    status, said, _ = casebind(capsys, workspace_folder, "releases", "promote", f"{SHIPPED}.1", *reason)
    assert status == 0 and f"Release {SHIPPED}.1 serves." in said and codes(workspace_folder) != before
    status, said, _ = casebind(capsys, workspace_folder, "releases", "rollback")
    assert status == 0 and f"Release {SHIPPED} serves again" in said and codes(workspace_folder) == before
    with open_workspace(workspace_folder) as place:
        assert [(one.kind, one.who, one.reason) for one in promotion.history(place)] == [
            ("promotion", "Ada", "films are few here"),
            ("rollback", "local", ""),
        ]


def test_a_reindex_that_leaves_a_round_is_on_record_and_leads_back(
    workspace_folder: Path, release: Release, capsys: pytest.CaptureFixture
) -> None:
    written(workspace_folder, release)
    before = codes(workspace_folder)
    assert casebind(capsys, workspace_folder, "releases", "promote", f"{SHIPPED}.1")[0] == 0
    of_round = codes(workspace_folder)
    status, said, _ = casebind(capsys, workspace_folder, "reindex")
    assert status == 0 and f"0 studies encoded with release {SHIPPED}.1" in said and codes(workspace_folder) == of_round
    status, said, _ = casebind(capsys, workspace_folder, "reindex", "--shipped", "--who", "Bo")
    assert status == 0 and f"with release {SHIPPED};" in said and codes(workspace_folder) == before
    with open_workspace(workspace_folder) as place:
        last = promotion.history(place)[-1]
        assert (last.kind, last.who, last.from_release, last.to_release) == ("reindex", "Bo", f"{SHIPPED}.1", SHIPPED)
    assert casebind(capsys, workspace_folder, "releases", "rollback")[0] == 0
    assert codes(workspace_folder) == of_round
