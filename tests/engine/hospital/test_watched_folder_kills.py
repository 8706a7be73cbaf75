"""Who watches a folder and who takes up are killed at random moments: every file is stored once, or aside, or refused.

CASEBIND_KILLS says how many are killed, 7 without it.
"""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

from helpers.archive_objects import changed, ecg, wait_until
from helpers.archive_processes import Killable, taking_up, watching
from helpers.recording_files import as_bytes
from pydicom.uid import generate_uid

from engine import settings
from engine.hospital.inbox import Inbox
from engine.hospital.take_up import take_up
from engine.model.release import Release
from engine.store import arrivals
from engine.workspace.workspace import open_workspace

KILLS = int(os.environ.get("CASEBIND_KILLS", 7))
LONGEST_S = 0.4
RECORD = {one.name: one.read_bytes() for one in (settings.DEMO / "ecg").glob("syn-0001-e1-ecg*")}
PULSE = (settings.DEMO / "ppg" / "syn-0001-e1-ppg.csv").read_bytes()


class Cart:
    """Puts new files into a folder until it is stopped: DICOM objects, tables, records of three files, letters."""

    def __init__(self, folder: Path) -> None:
        self.recordings, self.letters = 0, 0
        self._folder, self._ended, self._ecg = folder, threading.Event(), ecg(1)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            files = self._made(number)
            for name, content in files.items():
                (self._folder / f"{name}.part").write_bytes(content)
                (self._folder / f"{name}.part").rename(self._folder / name)
            self.letters += number % 4 == 3
            self.recordings += number % 4 != 3
            self._ended.wait(0.2)

    def _made(self, number: int) -> dict[str, bytes]:
        if number % 4 == 0:
            return {f"{number}.dcm": as_bytes(changed(self._ecg, SOPInstanceUID=generate_uid()))}
        if number % 4 == 1:
            return {f"pulse {number}.csv": b"# sampling rate: 125 Hz, number %d\n" % number + PULSE}
        if number % 4 == 2:
            own = {name.replace("syn", f"n{number}"): content for name, content in RECORD.items()}
            return {name: content.replace(b"syn", b"n%d" % number) for name, content in own.items()}
        return {f"{number}.txt": b"Dear colleague %d" % number}


def test_every_file_is_stored_once_or_refused_whoever_is_killed(tmp_path: Path, release: Release):
    draw, folder = random.Random(21), tmp_path / "cart"
    folder.mkdir(mode=0o700)
    open_workspace(tmp_path / "ws", create=True).close()
    watcher, taker = Killable(watching, tmp_path / "ws", folder), Killable(taking_up, tmp_path / "ws")
    cart = Cart(folder)
    for number in range(KILLS):
        time.sleep(draw.uniform(0, LONGEST_S))
        if number % 4 != 1:
            watcher.kill()
            watcher = Killable(watching, tmp_path / "ws", folder)
        else:
            taker.kill()
            taker = Killable(taking_up, tmp_path / "ws")
    cart.stop()
    wait_until(lambda: not [one for one in folder.iterdir() if one.is_file()])
    watcher.kill()
    taker.kill()
    with open_workspace(tmp_path / "ws") as place, Inbox(place.path) as inbox:
        take_up(place, release)
        came = arrivals.newest(place.database, 1_000_000)
        assert {one.state for one in came} == {"stored"} and inbox.waiting() == inbox.put_aside() == []
        assert sorted(one.study_id for one in came) == sorted(row.study_id for row in place.all_rows())
    letters = [one for one in (folder / "refused").iterdir() if one.read_bytes().startswith(b"Dear colleague")]
    assert len(letters) == cart.letters and len(came) == cart.recordings
    assert len({one.read_bytes() for one in letters}) == cart.letters
    print(f"{KILLS} killed, {cart.recordings} recordings stored once, {cart.letters} letters refused")
