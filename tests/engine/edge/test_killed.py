"""A week offline, then a sync, with the device and the hospital killed on the way and messages repeated."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from casebind_edge.device import open_device
from casebind_edge.outbox import Outbox
from helpers.devices import answer
from helpers.killed import holding, through_kills

from engine.actor import single_user
from engine.cli import run
from engine.settings import DEMO, ROOT
from engine.workspace.workspace import open_workspace

GONE = "syn-0003"
RECORDINGS = [DEMO / "ppg" / f"syn-000{i}-e1-ppg.csv" for i in (1, 4)]
Device = Callable[..., subprocess.CompletedProcess[str]]


def test_every_rating_comes_once_and_withdrawn_cases_go_whatever_is_killed(
    device: Device, built: Path, wheel_folder: Path, tmp_path: Path
) -> None:
    home, share, ws = tmp_path / "home", tmp_path / "share", tmp_path / "ws"
    of_device = {"PYTHONPATH": str(wheel_folder), "CASEBIND_EDGE_HOME": str(home)}
    rated = set()
    for file in RECORDINGS:
        said = answer(device("search", str(file), "--fs", "125", "--json", "--who", "ana"))
        query_id = said["query"]["query_id"]
        for one in said["neighbours"][:2]:
            words = ["rate", query_id, one["study_id"], "relevant", "--who", "ana"]
            assert through_kills("casebind_edge.cli", words, of_device, under=home) > 0
            rated.add((query_id, one["study_id"]))
    kept = Outbox(home).events()
    assert through_kills("casebind_edge.cli", ["sync", str(share)], of_device, under=tmp_path) > 0
    assert {event["key"] for event in Outbox(home).events()} == {event["key"] for event in kept}

    shutil.copytree(built / "ws", ws)
    with open_workspace(ws) as place:
        place.set_consent(GONE, False, actor=single_user())
    message = (share / "from-device" / "device.msg").read_bytes()
    words = ["edge", "receive", str(share), "--key", str(built / "key"), "--workspace", str(ws)]
    at_hospital = {"PYTHONPATH": str(ROOT)}
    assert through_kills("engine.cli", words, at_hospital, under=share, imported="engine.edge.receive") > 2
    (share / "from-device" / "device.msg").write_bytes(message)  # once more what came already
    assert run(words) == 0
    with open_workspace(ws) as place:
        ratings = [rating for query_id in {one for one, _ in rated} for rating in place.all_ratings(query_id)]
    assert sorted((one.query_id, one.study_id) for one in ratings) == sorted(rated)
    assert {(one.who, one.mark) for one in ratings} == {("ana", "relevant")}

    before = len(open_device(home).cards)
    assert holding(home / "bundle", GONE)
    assert through_kills("casebind_edge.cli", ["sync", str(share)], of_device, under=tmp_path) > 0
    device_now = open_device(home)
    assert len(device_now.cards) == len(device_now.codes) < before and Outbox(home).events() == []
    assert [name for name in holding(home, GONE) if not name.startswith("outbox.db")] == []
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == ["bundle"]
    assert answer(device("search", str(RECORDINGS[0]), "--fs", "125", "--json"))["neighbours"]
    assert json.loads((home / "bundle" / "manifest.json").read_text(encoding="utf-8"))["news"]
