"""Listener and take-up as processes that can be killed: forked from one that has imported everything already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pydicom.dataset import FileDataset
from pynetdicom import AE
from pynetdicom.association import Association

from engine.hospital.listener import Listener
from engine.hospital.preparing import preparing
from engine.hospital.settings import FolderSettings, ListenSettings, Sender
from engine.hospital.take_up import take_up
from engine.hospital.watched_folder import Pace, WatchedFolder
from engine.model.release import load_release
from engine.workspace.workspace import open_workspace

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload(["helpers.archive_processes"])
TITLE, CART = "CASEBIND", "CART"


def settings_at(port: int = 0, **more: Any) -> ListenSettings:
    """Return settings that let one cart in."""
    return ListenSettings(**{"title": TITLE, "port": port, "senders": (Sender(CART),), **more})


def associated(
    port: int, objects: Iterable[FileDataset] = (), *, title: str = CART, patience_s: float = 60, **more: Any
) -> Association:
    """Return an association with the listener for the classes of some objects, each in the syntax that it is in."""
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = patience_s
    ae.add_requested_context("1.2.840.10008.1.1")
    for sop_class, syntax in sorted({(str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in objects}):
        ae.add_requested_context(sop_class, syntax)
    return ae.associate("127.0.0.1", port, ae_title=TITLE, **more)


def sent(port: int, objects: Iterable[FileDataset], **more: Any) -> list[int | None]:
    """Send objects; return the status of each, None where none came."""
    listed = list(objects)
    association = associated(port, listed, **more)
    if not association.is_established:
        return [None] * len(listed)
    statuses: list[int | None] = []
    for one in listed:
        with suppress(RuntimeError, ValueError):  # the association ended meanwhile
            statuses.append(getattr(association.send_c_store(one), "Status", None))
    with suppress(RuntimeError):
        association.release()
    return statuses + [None] * (len(listed) - len(statuses))


class Failed(str):
    """The traceback of a process that ended before it worked."""


def _told(work: Any, *arguments: Any) -> None:
    """Do the work of a process, and say why where it cannot."""
    try:
        work(*arguments)
    except Exception:
        arguments[-1].send(Failed(traceback.format_exc()))
        raise


class Killable:
    """A process that says when it works, and can be killed."""

    def __init__(self, work: Any, *arguments: object) -> None:
        ours, theirs = forked.Pipe()
        self._said: Connection = ours
        self.process: BaseProcess = forked.Process(target=_told, args=(work, *arguments, theirs), daemon=True)
        self.process.start()
        theirs.close()  # so that the end of a process that has not said a word is noticed
        self.ready = self._said.recv()
        assert not isinstance(self.ready, Failed), self.ready

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        os.kill(self.process.pid or 0, signal.SIGKILL)
        self.process.join()


def listening(workspace: Path, port: int, said: Connection) -> None:
    """Listen until killed; say the port."""
    said.send(Listener(workspace, settings_at(port)).port)
    signal.pause()


def watching(workspace: Path, folder: Path, said: Connection) -> None:
    """Watch a folder until killed, at a pace for tests."""
    pace = Pace(look_s=0.02, unchanged_s=0.02, beside_s=0.5)
    watched = WatchedFolder(workspace, FolderSettings(str(folder)), pace)
    said.send("works")
    watched.watch(threading.Event())


def taking_up(workspace: Path, said: Connection) -> None:
    """Take up what waits until killed."""
    release = load_release()
    hands = preparing(release)
    hands.result(hands.begin([], b"", looks=False))  # it prepares objects from now on
    said.send("works")
    with open_workspace(workspace) as place:
        while True:
            take_up(place, release)
