"""A device is offline, its owner rates, patients withdraw; after a sync every event is at the hospital once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from casebind_edge.device import BUNDLE, install, open_device
from casebind_edge.outbox import Outbox, keep
from casebind_edge.search import missing_sentences, search
from casebind_edge.sync import sync

from engine.actor import single_user
from engine.edge.messages import FROM_DEVICE, NEWS, TO_DEVICE, read_message, unpacked_study, write_message
from engine.edge.receive import TakenFromDevice, receive
from engine.edge.signed import device_key
from engine.errors import UsageError
from engine.intake.upload import Answers
from engine.model.release import Release
from engine.settings import DEMO
from engine.workspace.workspace import Workspace, open_workspace

PPG = DEMO / "ppg" / "syn-0001-e1-ppg.csv"


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    install(built / "bundle", built / "key", tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the device and the hospital share."""
    return tmp_path / "share"


def worked(home: Path, tmp_path: Path, marks: int) -> tuple[str, list[str]]:
    """Ask, rate neighbours and be refused on the device; return the query's number and the rated studies."""
    noise = tmp_path / "noise.csv"
    samples = np.random.default_rng(0).standard_normal(1250)
    noise.write_text("PPG\n" + "\n".join(f"{x:.5f}" for x in samples), encoding="utf-8")
    device = open_device(home)
    found = search(device, [PPG], Answers(fs=125), 5)
    query_id = keep(home, found, "ana")
    rated = [one["study_id"] for one in found.said["neighbours"]][:marks]
    for study_id in rated:
        Outbox(home).rate(query_id, study_id, "relevant", "ana")
    refused = search(device, [noise], Answers(fs=125), 5)
    keep(home, refused, "ana")
    assert refused.refused
    return query_id, rated


def taken(place: Workspace, release: Release, folder: Path, key: bytes) -> TakenFromDevice:
    return receive(place, release, folder, key, actor=single_user(), valid_days=7)


def test_every_event_is_there_once_however_often_it_comes(
    built: Path, home: Path, folder: Path, release: Release, tmp_path: Path
) -> None:
    key = device_key(built / "key")
    query_id, rated = worked(home, tmp_path, 4)
    assert sync(home, folder).waiting == 6
    message = folder / FROM_DEVICE / "device.msg"
    whole, said = message.read_bytes(), read_message(message, key)
    with open_workspace(shutil.copytree(built / "ws", tmp_path / "ws")) as place:
        write_message(message, {**said, "events": said["events"][:3]}, key)  # as if the hospital's process was killed
        taken(place, release, folder, key)
        (folder / TO_DEVICE / NEWS).unlink()
        for _ in range(2):  # the whole again, and once more as if the answer was lost
            message.write_bytes(whole)
            done = taken(place, release, folder, key)
            assert done.left_out == () and not message.exists()
        ratings = place.all_ratings(query_id)
        assert sorted(one.study_id for one in ratings) == sorted(rated) and {one.who for one in ratings} == {"ana"}
        assert {one.uid for one in ratings} == {e["key"] for e in said["events"] if e["kind"] == "rating"}
        rows = place.audit_rows(50)
        assert sum(row.kind == "refused" for row in rows) == 1
        assert sum(row.kind == "search" and row.query_id == query_id for row in rows) == 1
    synced = sync(home, folder)
    assert (synced.arrived, synced.waiting) == (6, 0)
    assert sync(home, folder).arrived == 0


def test_a_withdrawn_case_leaves_the_device_at_the_next_contact(
    built: Path, home: Path, folder: Path, release: Release, tmp_path: Path
) -> None:
    key, before = device_key(built / "key"), open_device(home)
    assert len(before.cards) == len(before.codes)  # read before they change
    sync(home, folder)
    with open_workspace(shutil.copytree(built / "ws", tmp_path / "ws")) as place:
        place.set_consent("syn-0003", False, actor=single_user())
        assert taken(place, release, folder, key).gone > 0
    gone = sync(home, folder).gone
    device = open_device(home)
    assert len(device.cards) == len(before.cards) - gone == len(device.codes) and gone > 0
    left = [card["study_id"] for card in device.cards]
    assert not any("syn-0003" in study_id for study_id in left)
    with np.load(device.folder / "pictures.npz") as pictures:
        assert set(pictures.files) == set(left)
    kept = {card["study_id"]: place for place, card in enumerate(before.cards)}
    np.testing.assert_array_equal(device.codes, before.codes[[kept[study_id] for study_id in left]])
    assert "syn-0003" not in (device.folder / "cards.json").read_text(encoding="utf-8")
    assert min(c["valid_until"] for c in device.cards) >= max(c["valid_until"] for c in before.cards)


def test_a_rating_of_what_is_gone_is_left_out_with_its_reason_and_does_not_wait(
    built: Path, home: Path, folder: Path, release: Release, tmp_path: Path
) -> None:
    key = device_key(built / "key")
    _, (study_id,) = worked(home, tmp_path, 1)
    sync(home, folder)
    with open_workspace(shutil.copytree(built / "ws", tmp_path / "ws")) as place:
        place.set_consent(place.row(study_id, actor=single_user()).patient_id, False, actor=single_user())
        assert len(taken(place, release, folder, key).left_out) == 1
    done = sync(home, folder)
    assert done.waiting == 0 and study_id in done.left_out[0]


def test_news_of_another_key_or_an_older_moment_changes_nothing(built: Path, home: Path, folder: Path) -> None:
    key = device_key(built / "key")
    made = open_device(home).manifest["made_at"]
    news = {"as_of": made, "valid_until": "2999-01-01T00:00:00", "received": {}, "gone": ["syn-0001-e1-ppg"]}
    serving = {"release": "r99", "digest": "0"}
    write_message(folder / TO_DEVICE / NEWS, {**news, "serving": serving}, bytes(32))
    with pytest.raises(UsageError, match="not signed with this device's key"):
        sync(home, folder)
    write_message(folder / TO_DEVICE / NEWS, {**news, "serving": serving}, key)
    assert sync(home, folder).gone == 0
    write_message(folder / TO_DEVICE / NEWS, {**news, "as_of": "2998-01-01T00:00:00", "serving": serving}, key)
    assert sync(home, folder).gone == 1
    assert any("searches by release r99 now" in line for line in missing_sentences(open_device(home)))


def test_an_exchange_that_was_interrupted_leaves_a_whole_bundle(home: Path) -> None:
    (home / BUNDLE).rename(home / f".{BUNDLE}.before")
    (home / f".{BUNDLE}.part").mkdir()
    assert open_device(home).cards


def test_only_what_was_shown_is_rated_and_the_recording_comes_whole(home: Path, tmp_path: Path) -> None:
    query_id, _ = worked(home, tmp_path, 0)
    with pytest.raises(UsageError, match="showed syn-9999"):
        Outbox(home).rate(query_id, "syn-9999", "relevant", "")
    event = Outbox(home).events()[0]
    study, wanted = unpacked_study(event["study"]), search(open_device(home), [PPG], Answers(fs=125), 1).study
    np.testing.assert_array_equal(study.trace.samples, wanted.searched_trace.samples)
    assert json.dumps(event).find("syn-0001-e1-ppg.csv") == -1
    with pytest.raises(UsageError, match="damaged"):
        unpacked_study({**event["study"], "samples": "xx"})
