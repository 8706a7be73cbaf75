"""Ratings are durable, correctable and never doubled."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from collection import fill

from engine.errors import UsageError
from engine.index.records import StoredQuery
from engine.index.workspace import Workspace, open_workspace
from engine.study import Note, Study


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    with open_workspace(tmp_path / "ws", create=True) as place:
        yield place


def query(place: Workspace, query_id: str = "q-1") -> None:
    study = Study("text", Note("edema"), "text", fingerprint="f")
    zero = np.zeros(256, np.float32)
    stored = StoredQuery(query_id, "ann", study, {}, "r1", np.zeros(32, np.uint8), zero)
    place.audit("ann", "search", keep=stored, query_id=query_id)


def test_latest_mark_counts_and_undo_brings_back_the_earlier(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    workspace.rate("q-1", "s0001", "relevant", "ann", release="r1")
    workspace.rate("q-1", "s0001", "irrelevant", "ann", release="r1", bits=64, at="broad")
    workspace.rate("q-1", "s0001", "partly", "bob", release="r1")

    assert [(one.who, one.mark) for one in workspace.ratings("q-1")] == [("ann", "irrelevant"), ("bob", "partly")]
    assert workspace.ratings("q-1", "ann")[0].at == "broad"
    assert workspace.undo("q-1", "s0001", "ann").mark == "relevant"
    assert workspace.undo("q-1", "s0001", "ann") is None
    assert [one.who for one in workspace.ratings()] == ["bob"]
    workspace.rate("q-1", "s0001", "relevant", "bob", release="r1")
    workspace.unrate("q-1", "s0001", "bob")
    assert workspace.ratings() == []
    assert workspace.database.read("SELECT count(*) FROM ratings") == [(4,)]


def test_ratings_of_unknown_things_are_refused(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    for words in (("q-9", "s0001", "relevant"), ("q-1", "s9", "relevant"), ("q-1", "s0001", "good")):
        with pytest.raises(UsageError):
            workspace.rate(*words, release="r1")
    with pytest.raises(UsageError, match="no patient"):
        workspace.set_consent("nobody", False)
    assert workspace.ratings() == []


def test_a_thousand_ratings_from_eight_threads_lose_none(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    seen: list[int] = []

    def rate(who: str) -> None:
        for turn in range(125):
            seen.append(workspace.rate("q-1", f"s{turn % 12:04d}", "relevant", who, release="r1").rating_id)
            assert len(workspace.ratings("q-1", who)) == min(turn + 1, 12)

    threads = [threading.Thread(target=rate, args=(f"reader {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 1000
    kept = {number for (number,) in workspace.database.read("SELECT rating_id FROM ratings")}
    assert kept == set(seen)
    assert len(workspace.ratings("q-1")) == 8 * 12


def test_ratings_survive_a_kill(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
        query(place)
    script = (
        "import sys, os, signal; from engine.index.workspace import open_workspace\n"
        "place = open_workspace(sys.argv[1])\n"
        "for turn in range(7): place.rate('q-1', f's{turn:04d}', 'partly', 'ann', release='r1')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], timeout=60, check=False)
    with open_workspace(tmp_path) as place:
        assert len(place.ratings("q-1", "ann")) == 7
