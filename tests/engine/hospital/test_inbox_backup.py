"""What was acknowledged and is in no study yet is in a backup too, and who was erased does not come back by it."""

from __future__ import annotations

from pathlib import Path

from helpers.archive_objects import beside, ecg, put

from engine.actor import single_user
from engine.cli import run
from engine.hospital.inbox import SUFFIXES, Inbox
from engine.hospital.take_up import take_up
from engine.model.release import Release
from engine.store.received import Origin
from engine.upkeep.backup import OBJECTS, back_up, copy_database
from engine.workspace.erasure import erase
from engine.workspace.workspace import Workspace, open_workspace

ME = single_user()


def backed_up(place: Workspace, store: Path) -> Path:
    return back_up(place.path, store, lambda: copy_database(place), actor=ME).path


def test_what_waits_and_what_is_kept_aside_comes_back_with_its_origin(
    workspace: Workspace, release: Release, tmp_path: Path
) -> None:
    with Inbox(workspace.path) as inbox:
        put(inbox, [beside(1)])
        take_up(workspace, release)
        put(inbox, [ecg(2)])
        (waits,) = inbox.waiting()
        origin, sent = inbox.origin(waits), waits.file.read_bytes()
        inbox.received.happened("echo", "CART")
        store = tmp_path / "backups"
        first = backed_up(workspace, store)
    assert {one.parent.name for one in first.rglob("*.dcm")} == {"new", "aside"} and set(OBJECTS) == set(SUFFIXES)
    assert run(["restore", str(store), str(tmp_path / "new")]) == 0
    with open_workspace(tmp_path / "new") as place, Inbox(place.path) as inbox:
        (waits,) = inbox.waiting()
        assert (inbox.origin(waits), waits.file.read_bytes()) == (origin, sent) and origin != Origin("", "", "")
        assert len(inbox.put_aside()) == 1 and inbox.received.lasts()["echo"].sender == "CART"
        assert take_up(place, release).states == {"stored": 1}
    second = backed_up(workspace, store)  # files that did not change are shared with the backup before
    (name,) = (one.relative_to(first) for one in first.glob("inbox/new/*.dcm"))
    assert (first / name).samefile(second / name)
    assert run(["backup", str(store), "--check"]) == 0


def test_what_is_aside_of_who_was_erased_since_does_not_come_back(
    workspace: Workspace, release: Release, tmp_path: Path
) -> None:
    with Inbox(workspace.path) as inbox:
        put(inbox, [ecg(), beside(1), beside(2)])
        take_up(workspace, release)
        patients = {one.file.name.partition("~")[0] for one in inbox.put_aside()}
        (patient,) = {row.patient_id for row in workspace.all_rows() if row.cohort == "Archive"}
        assert patient in patients and len(patients) == 2
        with_them = backed_up(workspace, tmp_path / "backups")
        erase(workspace.storage, [patient], actor=ME)
    listed = str(workspace.path / "erased.json")
    assert run(["restore", str(with_them), str(tmp_path / "new"), "--erased", listed]) == 0
    left = [one.name for one in (tmp_path / "new" / "inbox" / "aside").iterdir()]
    assert len(left) == 1 and not left[0].startswith(patient)
