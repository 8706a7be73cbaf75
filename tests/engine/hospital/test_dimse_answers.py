"""A C-STORE whose answer does not come is sent once more: the same object again changes nothing in the archive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.archive_objects import chest_film
from helpers.dimse_peers import peer
from pydicom.dataset import Dataset, FileDataset
from pynetdicom import evt

from engine.errors import UsageError
from engine.hospital import dimse
from engine.hospital.archive import AbsentError
from engine.hospital.classes import FIND
from engine.hospital.dimse import DUPLICATE, DimseArchive
from engine.hospital.settings import ArchiveSettings, DimseSettings

Answers = Callable[[str, int], int | None]  # SOP instance UID, which time it comes → status; None for no answer


class Archive:
    """What an archive keeps, and in which way it answers."""

    def __init__(self, answers: Answers) -> None:
        self.kept: dict[str, int] = {}  # how often each object came
        self.over = threading.Event()
        self._answers = answers

    def handlers(self) -> list[tuple[Any, Callable[..., Any]]]:
        return [(evt.EVT_C_STORE, self._store), (evt.EVT_C_FIND, self._find)]

    def _store(self, event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        self.kept[uid] = self.kept.get(uid, 0) + 1
        status = self._answers(uid, self.kept[uid])
        if status is None:
            self.over.wait(60)  # nothing is said on this association any more
            return 0
        return status

    def _find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        wanted = str(event.identifier.SOPInstanceUID)
        if wanted in self.kept:
            one = Dataset()
            one.SOPInstanceUID = wanted
            yield 0xFF00, one
        yield 0, None


def stored(objects: list[FileDataset], answers: Answers) -> tuple[dict[str, int], UsageError | None]:
    """Store objects into an archive; return how often each came, and the sentence with which it failed."""
    there = Archive(answers)
    with peer(there.handlers(), classes=(FIND, str(objects[0].SOPClassUID))) as port:
        at = DimseSettings("PACS", "127.0.0.1", port)
        try:
            DimseArchive(ArchiveSettings(dimse=at), at, in_job=True).store(str(objects[0].StudyInstanceUID), objects)
        except UsageError as error:
            return there.kept, error
        finally:
            there.over.set()
    return there.kept, None


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job sends again sooner than it would, and waits as long for the second answer."""
    monkeypatch.setattr(dimse, "STORES_IN_JOBS_S", (1.0, 60.0))


def films(count: int) -> list[FileDataset]:
    made = [chest_film(number) for number in range(1, count + 1)]
    for one in made:
        one.StudyInstanceUID = made[0].StudyInstanceUID
    return made


def test_an_answer_that_is_swallowed_is_asked_for_by_sending_the_object_again() -> None:
    some = films(3)
    lost = {str(some[0].SOPInstanceUID), str(some[2].SOPInstanceUID)}
    came, failed = stored(some, lambda uid, time: None if uid in lost and time == 1 else 0)
    assert failed is None
    assert set(came) == {str(one.SOPInstanceUID) for one in some}
    assert all(came[uid] > 1 for uid in lost)  # a busy machine may have another one sent again, too


def test_an_archive_that_says_then_that_it_has_the_object_has_it() -> None:
    came, failed = stored(films(1), lambda uid, time: None if time == 1 else DUPLICATE)
    assert failed is None and list(came.values()) == [2]
    _, failed = stored(films(1), lambda uid, time: DUPLICATE)  # before it was sent by us
    assert "refuses" in str(failed)


@pytest.mark.parametrize("silent_from", [0, 1])
def test_an_archive_that_never_answers_is_slow_and_gets_each_object_twice_at_most(
    silent_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dimse, "STORES_IN_JOBS_S", (1.0, 1.0))
    some = films(2)
    silent = {str(one.SOPInstanceUID) for one in some[silent_from:]}
    came, failed = stored(some, lambda uid, time: None if uid in silent else 0)
    assert isinstance(failed, AbsentError) and "slow" in str(failed)
    assert len(came) == silent_from + 1 and list(came.values())[-1] == 2
