"""Ratings are durable, correctable and never doubled.

CASEBIND_RATINGS_EACH=125 makes it a thousand ratings of eight threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from helpers.studies import fill

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.store.database import Database, migrations
from engine.store.records import MARKS, StoredQuery
from engine.study import Note, Study
from engine.workspace.workspace import Workspace, open_workspace

EACH = int(os.environ.get("CASEBIND_RATINGS_EACH", "40"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    with open_workspace(tmp_path / "ws", create=True) as place:
        yield place


def query(place: Workspace, query_id: str = "q-1") -> None:
    study = Study("text", Note("edema"), "text", fingerprint="f")
    zero = np.zeros(256, np.float32)
    stored = StoredQuery(query_id, "ann", study, {}, "r1", np.zeros(32, np.uint8), zero)
    place.audit("search", actor=Actor("ann"), stored_query=stored, query_id=query_id)


def test_latest_mark_counts_and_undo_brings_back_the_earlier(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    workspace.rate("q-1", "s0001", "relevant", actor=Actor("ann"), release="r1")
    workspace.rate("q-1", "s0001", "irrelevant", actor=Actor("ann"), release="r1", bits=64, operating_point="broad")
    workspace.rate("q-1", "s0001", "partly", actor=Actor("bob"), release="r1")

    assert [(one.who, one.mark) for one in workspace.all_ratings("q-1")] == [("ann", "irrelevant"), ("bob", "partly")]
    assert workspace.ratings("q-1", actor=Actor("ann"))[0].operating_point == "broad"
    assert workspace.undo("q-1", "s0001", actor=Actor("ann")).mark == "relevant"
    assert workspace.undo("q-1", "s0001", actor=Actor("ann")) is None
    assert [one.who for one in workspace.all_ratings()] == ["bob"]
    workspace.rate("q-1", "s0001", "relevant", actor=Actor("bob"), release="r1")
    workspace.unrate("q-1", "s0001", actor=Actor("bob"))
    assert workspace.all_ratings() == []
    assert workspace.database.read("SELECT count(*) FROM ratings") == [(4,)]


def test_ratings_of_unknown_things_are_refused(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    for words in (("q-9", "s0001", "relevant"), ("q-1", "s9", "relevant"), ("q-1", "s0001", "good")):
        with pytest.raises(UsageError):
            workspace.rate(*words, actor=single_user(), release="r1")
    with pytest.raises(UsageError, match="no patient"):
        workspace.set_consent("nobody", False, actor=single_user())
    assert workspace.all_ratings() == []


def test_ratings_from_eight_threads_lose_none(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    seen: list[int] = []

    def rate(who: str) -> None:
        for turn in range(EACH):
            mark = MARKS[turn // 12 % 3]  # another one than on the lap before
            seen.append(workspace.rate("q-1", f"s{turn % 12:04d}", mark, actor=Actor(who), release="r1").rating_id)
            assert len(workspace.ratings("q-1", actor=Actor(who))) == min(turn + 1, 12)

    threads = [threading.Thread(target=rate, args=(f"reader {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(seen)) == 8 * EACH
    kept = {number for (number,) in workspace.database.read("SELECT rating_id FROM ratings")}
    assert kept == set(seen)
    assert len(workspace.all_ratings("q-1")) == 8 * 12


def test_ratings_survive_a_kill(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
        query(place)
    script = (
        "import sys, os, signal\nfrom engine.actor import Actor\n"
        "from engine.workspace.workspace import open_workspace\n"
        "place = open_workspace(sys.argv[1])\n"
        "for turn in range(7): place.rate('q-1', f's{turn:04d}', 'partly', actor=Actor('ann'), release='r1')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], timeout=240, check=False)
    with open_workspace(tmp_path) as place:
        assert len(place.ratings("q-1", actor=Actor("ann"))) == 7


def test_the_same_again_writes_nothing_and_any_other_content_does(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    said = {"why": ("side",), "comment": "left, not right", "finding": "pleural_effusion"}
    first = workspace.rate("q-1", "s0001", "partly", actor=Actor("ann"), release="r1", strategy="bits", **said)
    assert workspace.rate("q-1", "s0001", "partly", actor=Actor("ann"), release="r1", **said) == first
    assert workspace.rate("q-1", "s0001", "partly", actor=Actor("bob"), release="r1", **said).uid != first.uid
    for change in ({"why": ()}, {"comment": "right"}, {"finding": ""}, {"release": "r2"}):
        changed = workspace.rate("q-1", "s0001", "partly", actor=Actor("ann"), **{"release": "r1", **said, **change})
        assert changed.rating_id > first.rating_id
        first = workspace.rate("q-1", "s0001", "partly", actor=Actor("ann"), release="r1", **said)
    kept = workspace.history("q-1", "s0001", actor=Actor("ann"))
    assert len(kept) == 9 and len({one.uid for one in kept}) == 9
    assert kept[-1] == workspace.ratings("q-1", actor=Actor("ann"))[0] == first


def test_eight_threads_pressing_the_same_button_make_one_rating(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    numbers: list[int] = []

    def press() -> None:
        rated = workspace.rate("q-1", "s0001", "relevant", actor=Actor("ann"), release="r1")
        numbers.append(rated.rating_id)

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 8 and len(set(numbers)) == 1
    assert workspace.database.read("SELECT count(*) FROM ratings") == [(1,)]


def test_a_skip_is_kept_but_is_no_judgement(workspace: Workspace) -> None:
    fill(workspace)
    query(workspace)
    workspace.rate("q-1", "s0001", "relevant", actor=Actor("ann"), release="r1")
    workspace.rate("q-1", "s0001", "skip", actor=Actor("ann"), release="r1")
    workspace.rate("q-1", "s0002", "skip", actor=Actor("ann"), release="r1")
    assert workspace.all_ratings() == []
    assert [one.mark for one in workspace.all_ratings(skips=True)] == ["skip", "skip"]
    assert workspace.undo("q-1", "s0001", actor=Actor("ann")).mark == "relevant"
    assert [one.pair for one in workspace.all_ratings()] == [("q-1", "s0001")]
    undone = workspace.history("q-1", "s0001", actor=Actor("ann"))
    assert [(one.mark, one.undone_at is None) for one in undone] == [("relevant", True), ("skip", False)]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"why": ("ugly",)}, "no reason 'ugly'"),
        ({"comment": "x" * 501}, "501 characters"),
        ({"finding": "gout"}, "no finding 'gout'"),
        ({"actor": Actor("  ")}, "no name"),
        ({"actor": Actor("a\x1b[2J")}, "control"),
        ({"actor": Actor("a" * 61)}, "61 characters"),
    ],
)
def test_what_cannot_stand_in_a_rating_is_refused(workspace: Workspace, said: dict, words: str) -> None:
    fill(workspace)
    with pytest.raises(UsageError, match=words):
        workspace.rate("s0000", "s0001", "partly", **{"actor": Actor("ann"), "release": "r1", **said})
    assert workspace.all_ratings(skips=True) == []


def test_comments_lose_what_no_screen_shows_and_tags_their_order(workspace: Workspace) -> None:
    fill(workspace)
    kept = workspace.rate(
        "s0000",
        "s0001",
        "partly",
        actor=single_user(),
        release="r1",
        comment=" a\nb\x00\x1b\u202ec ",
        why=("other", "side", "side"),
    )
    assert (kept.comment, kept.why) == ("a bc", ("side", "other"))


def test_a_workspace_of_the_version_before_keeps_its_ratings(tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "old.duckdb"
    with duckdb.connect(str(file)) as old:
        old.execute("CREATE TABLE schema_version (version INTEGER, applied_at TIMESTAMP)")
        for version, sql in migrations():
            if version < 6:
                old.execute(sql)
                old.execute("INSERT INTO schema_version VALUES (?, now()::TIMESTAMP)", [version])
        for number in (1, 2):
            old.execute(
                "INSERT INTO ratings VALUES (?, 'q', 's', 'partly', 'ann', 'r1', 64, NULL, now()::TIMESTAMP, NULL)",
                [number],
            )
    from engine.store.ratings import history

    opened = Database(file)
    kept = history(opened, "q", "s", "ann")
    opened.close()
    assert [(one.rating_id, one.mark, one.bits, one.why, one.source) for one in kept] == [
        (1, "partly", 64, (), ""),
        (2, "partly", 64, (), ""),
    ]
    assert len({one.uid for one in kept}) == 2 and all(one.uid for one in kept)
