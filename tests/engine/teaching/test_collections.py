"""Collections: ordered, durable, undone by one step, without whoever withdrew, and safe with two editors."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.studies import fill

from engine.actor import single_user
from engine.errors import UsageError
from engine.settings import ROOT
from engine.store.collections import TeachingCollection
from engine.teaching import collections
from engine.workspace.workspace import Workspace, open_workspace

HOSTILE = "<img src=x onerror=alert(1)> **bold** [link](javascript:alert(1)) `;DROP TABLE studies;--` 🫀 größer"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(tmp_path / "ws", create=True) as place:
        fill(place)
        yield place


@pytest.fixture
def rounds(workspace: Workspace) -> TeachingCollection:
    one = collections.create(workspace, "Monday rounds", "for the second year", actor=single_user())
    for number in range(4):
        collections.add(workspace, one.collection_id, f"s{number:04d}", note=f"note {number}", actor=single_user())
    return collections.load(workspace, one.collection_id, actor=single_user())


def ids(workspace: Workspace, one: TeachingCollection) -> list[str]:
    return [item.study_id for item in collections.items(workspace, one.collection_id, actor=single_user())]


def test_cases_keep_the_order_they_are_moved_into(workspace: Workspace, rounds: TeachingCollection) -> None:
    collections.move(workspace, rounds.collection_id, "s0003", -1, actor=single_user())
    collections.move(workspace, rounds.collection_id, "s0000", 1, actor=single_user())
    collections.move(workspace, rounds.collection_id, "s0001", -1, actor=single_user())  # the first stays the first
    assert ids(workspace, rounds) == ["s0001", "s0000", "s0003", "s0002"]
    assert [item.note for item in collections.items(workspace, rounds.collection_id, actor=single_user())] == [
        f"note {i}" for i in (1, 0, 3, 2)
    ]
    assert (rounds.cases, rounds.hidden) == (4, 0)


def test_a_case_is_there_once_and_comes_back_with_its_note(workspace: Workspace, rounds: TeachingCollection) -> None:
    assert not collections.add(workspace, rounds.collection_id, "s0001", actor=single_user())
    collections.remove(workspace, rounds.collection_id, "s0001", actor=single_user())
    assert ids(workspace, rounds) == ["s0000", "s0002", "s0003"]
    collections.restore(workspace, rounds.collection_id, "s0001", actor=single_user())
    assert ids(workspace, rounds) == ["s0000", "s0001", "s0002", "s0003"]
    collections.remove(workspace, rounds.collection_id, "s0001", actor=single_user())
    assert collections.add(workspace, rounds.collection_id, "s0001", actor=single_user())
    assert collections.items(workspace, rounds.collection_id, actor=single_user())[-1].note == "note 1"


def test_many_cases_are_added_at_once_or_none_and_taken_out_again(
    workspace: Workspace, rounds: TeachingCollection
) -> None:
    chosen = ["s0006", "s0001", "s0005", "s0006"]
    added = collections.add_many(workspace, rounds.collection_id, chosen, actor=single_user())
    assert (added.new, added.present) == (("s0006", "s0005"), ("s0001",))
    assert ids(workspace, rounds) == ["s0000", "s0001", "s0002", "s0003", "s0006", "s0005"]
    with pytest.raises(UsageError, match="no study no-such"):
        collections.add_many(workspace, rounds.collection_id, ["s0007", "no-such"], actor=single_user())
    with pytest.raises(UsageError, match="at once"):
        collections.add_many(workspace, rounds.collection_id, [], actor=single_user())
    assert ids(workspace, rounds)[-1] == "s0005"
    collections.remove_many(workspace, rounds.collection_id, added.new, actor=single_user())
    assert ids(workspace, rounds) == ["s0000", "s0001", "s0002", "s0003"]
    collections.remove(workspace, rounds.collection_id, "s0001", actor=single_user())
    assert collections.add_many(workspace, rounds.collection_id, ["s0001"], actor=single_user()).new == ("s0001",)
    assert collections.items(workspace, rounds.collection_id, actor=single_user())[-1].note == "note 1"


def test_deleting_is_undone_whole_and_a_copy_is_of_its_own(workspace: Workspace, rounds: TeachingCollection) -> None:
    copy = collections.duplicate(workspace, rounds.collection_id, "Copy", actor=single_user())
    collections.note(workspace, copy.collection_id, "s0000", "other", actor=single_user())
    collections.delete(workspace, rounds.collection_id, actor=single_user())
    assert [one.title for one in collections.listed(workspace, actor=single_user())] == ["Copy"]
    with pytest.raises(UsageError, match="no such collection"):
        collections.load(workspace, rounds.collection_id, actor=single_user())
    with pytest.raises(UsageError, match="deleted"):
        collections.add(workspace, rounds.collection_id, "s0005", actor=single_user())
    collections.undelete(workspace, rounds.collection_id, actor=single_user())
    assert collections.items(workspace, rounds.collection_id, actor=single_user())[0].note == "note 0"
    assert collections.load(workspace, copy.collection_id, actor=single_user()).description == "for the second year"


def test_who_withdraws_disappears_and_returns(workspace: Workspace, rounds: TeachingCollection) -> None:
    workspace.set_consent("p1", False, actor=single_user())
    now = collections.load(workspace, rounds.collection_id, actor=single_user())
    assert (now.cases, now.hidden) == (3, 1)
    assert "s0001" not in ids(workspace, rounds)
    collections.move(workspace, rounds.collection_id, "s0002", -1, actor=single_user())  # past the hidden one
    assert ids(workspace, rounds) == ["s0002", "s0000", "s0003"]
    with pytest.raises(UsageError, match="may be shown"):
        collections.add(
            workspace,
            collections.create(workspace, "new", actor=single_user()).collection_id,
            "s0001",
            actor=single_user(),
        )
    workspace.set_consent("p1", True, actor=single_user())
    assert set(ids(workspace, rounds)) == {"s0000", "s0001", "s0002", "s0003"}
    workspace.remove(["s0003"])
    now = collections.load(workspace, rounds.collection_id, actor=single_user())
    assert (now.cases, now.hidden) == (3, 1)


def test_text_that_another_changed_is_not_overwritten(workspace: Workspace, rounds: TeachingCollection) -> None:
    one = rounds.collection_id
    collections.note(workspace, one, "s0000", "first", expected_text="note 0", actor=single_user())
    with pytest.raises(UsageError, match="Someone else"):
        collections.note(workspace, one, "s0000", "second", expected_text="note 0", actor=single_user())
    collections.rename(workspace, one, "Tuesday", expected_text="Monday rounds", actor=single_user())
    with pytest.raises(UsageError, match="Someone else"):
        collections.rename(workspace, one, "Friday", expected_text="Monday rounds", actor=single_user())
    collections.describe(workspace, one, HOSTILE, expected_text="for the second year", actor=single_user())
    kept = collections.load(workspace, one, actor=single_user())
    assert (kept.title, kept.description) == ("Tuesday", HOSTILE)
    assert collections.items(workspace, one, actor=single_user())[0].note == "first"


@pytest.mark.parametrize("title", ["", "  \n ", "x" * 121])
def test_a_title_that_cannot_be_is_refused_and_nothing_changes(workspace, rounds, title) -> None:
    with pytest.raises(UsageError, match="nothing was changed"):
        collections.rename(workspace, rounds.collection_id, title, actor=single_user())
    with pytest.raises(UsageError, match="nothing was changed"):
        collections.note(workspace, rounds.collection_id, "s0000", "x" * 4001, actor=single_user())
    assert collections.load(workspace, rounds.collection_id, actor=single_user()).title == "Monday rounds"


def test_two_editors_lose_nothing_of_each_other(workspace: Workspace) -> None:
    one = collections.create(workspace, "shared", actor=single_user()).collection_id
    failed: list[BaseException] = []

    def edit(numbers: range) -> None:
        try:
            for number in numbers:
                collections.add(workspace, one, f"s{number:04d}", actor=single_user())
                collections.note(workspace, one, f"s{number:04d}", f"by {numbers.start}", actor=single_user())
                collections.move(workspace, one, f"s{number:04d}", -1, actor=single_user())
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=edit, args=(numbers,)) for numbers in (range(6), range(6, 12))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = collections.items(workspace, one, actor=single_user())
    assert failed == []
    assert {item.study_id: item.note for item in found} == {
        f"s{number:04d}": f"by {0 if number < 6 else 6}" for number in range(12)
    }


def test_what_was_said_to_be_stored_survives_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "sys.path.insert(0, 'tests')\n"
        "from helpers.studies import fill\n"
        "from engine.actor import single_user\n"
        "from engine.workspace.workspace import open_workspace\n"
        "from engine.teaching import collections as made\n"
        "place = open_workspace(sys.argv[1], create=True)\n"
        "fill(place)\n"
        "one = made.create(place, 'kept', actor=single_user())\n"
        "made.add(place, one.collection_id, 's0002', note='a note', actor=single_user())\n"
        "print(one.collection_id, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "ws")], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == -9, done.stderr
    with open_workspace(tmp_path / "ws") as place:
        kept = collections.items(place, done.stdout.strip(), actor=single_user())
        assert [(item.study_id, item.note) for item in kept] == [("s0002", "a note")]
