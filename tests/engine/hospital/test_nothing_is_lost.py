"""Listener and take-up are killed at random moments: what was acknowledged is stored once, or aside with its reason.

CASEBIND_KILLS says how many are killed, 6 without it.
"""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

from helpers.archive_objects import beside, changed, ecg
from helpers.archive_processes import Killable, listening, sent, taking_up
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from engine.hospital.inbox import Inbox
from engine.hospital.take_up import take_up
from engine.model.release import Release
from engine.store import arrivals
from engine.store.arrivals import LAST
from engine.workspace.workspace import open_workspace

KILLS = int(os.environ.get("CASEBIND_KILLS", 6))
LONGEST_S = 0.6
PATIENCE_S = 8.0  # for an answer: one that was killed after it had read an object gives none


class SendingCart:
    """Sends new objects one after the other until it is stopped; keeps the numbers of those that were acknowledged."""

    def __init__(self, port: int, recordings: list[FileDataset], draw: random.Random) -> None:
        self.port, self.acknowledged = port, []  # type: ignore[var-annotated]
        self._recordings, self._draw, self._ended = recordings, draw, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            some = [changed(self._draw.choice(self._recordings), SOPInstanceUID=generate_uid()) for _ in range(2)]
            for one, status in zip(some, sent(self.port, some, patience_s=PATIENCE_S), strict=True):
                if status == 0:
                    self.acknowledged.append(one)
            self._ended.wait(0.05)


def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_stored_twice(tmp_path: Path, release: Release):
    draw = random.Random(20)
    open_workspace(tmp_path / "ws", create=True).close()
    listener, taker = Killable(listening, tmp_path / "ws", 0), Killable(taking_up, tmp_path / "ws")
    cart = SendingCart(listener.ready, [ecg(1), ecg(2), beside(1)], draw)
    for number in range(KILLS):
        time.sleep(draw.uniform(0, LONGEST_S))
        if number % 3:
            listener.kill()
            listener = Killable(listening, tmp_path / "ws", cart.port)
        else:
            taker.kill()
            taker = Killable(taking_up, tmp_path / "ws")
    cart.stop()
    listener.kill()
    taker.kill()
    assert len(cart.acknowledged) > KILLS / 2
    with open_workspace(tmp_path / "ws") as place, Inbox(place.path) as inbox:
        take_up(place, release)
        last = {one.object: one for one in arrivals.newest(place.database, 1_000_000)}
        for one in cart.acknowledged:
            assert last[inbox.key_of(str(one.SOPInstanceUID))].state in LAST
        stored = [one.study_id for one in last.values() if one.state == "stored"]
        assert sorted(stored) == sorted(row.study_id for row in place.all_rows())
        kept = {one.object for one in inbox.put_aside()}
        assert kept == {one.object for one in last.values() if one.state == "set aside"} and inbox.waiting() == []
        assert {one.state for one in last.values()} == {"stored", "set aside"}
    print(f"{KILLS} killed, {len(cart.acknowledged)} acknowledged, 0 lost, {len(stored)} stored once")
