"""Objects of an archive from the sender into the collection, beside the encoder alone on the same studies.

A sender, `casebind listen` and the take-up work at once, each in processes of their own, as at a site; there the sender
is another machine. The encoder alone gets the same studies, read before, in batches of the same size, a thread on each
processor. Both take turns, part by part, in a store that already holds so many studies, with the states of so many
objects and their ledger.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.bench.app.fill import fill
from engine.bench.app.server import processor_ms, processor_ms_of_children
from engine.bench.ingest_rate import unseen
from engine.bench.sending_process import SENDERS, TITLE, SendingProcess
from engine.errors import CasebindError
from engine.hospital.inbox import Inbox, count_waiting
from engine.hospital.preparing import preparing
from engine.hospital.settings import FILE
from engine.hospital.take_up import take_up
from engine.intake.forked_reader import start
from engine.intake.limited import SharedReaders
from engine.intake.upload import Upload
from engine.settings import DEMO, ROOT
from engine.store import bench_rows
from engine.study import Study
from engine.synthetic.archive import as_file, cohort_objects
from engine.workspace.pipeline import BATCH
from engine.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

PART = 128  # objects between two turns
ENDS_IN_S = 20.0
WAIT_S = 0.05  # between two looks at what waits
SYSTEM = ("preparing: encoder, gate, files", "readers", "listener", "record")
SPENT = (*SYSTEM, "sender")  # processes, and what is not the system's

OnProgress = Callable[[str], None]


class Listening(NamedTuple):
    """A listener that runs: its process and its port."""

    pid: int
    port: int


def run(
    folder: Path,
    release: Release,
    *,
    objects: int,
    stored: Sequence[int],
    on_progress: OnProgress,
    part: int = PART,
    looks: bool = False,
) -> list[dict[str, Any]]:
    """Return, for each number of studies that are stored already, what objects cost and what the encoder alone does.

    looks : whether text is looked for in films on the way, which the encoder alone does not do
    """
    part = min(part, objects)
    release.load()
    start()
    studies = _studies(objects + part)
    found = []
    with SendingProcess() as sender:
        for size in stored:
            on_progress(f"{size:,} studies stored already: making them …")
            place = folder / f"stored-{size}"
            _stored(place, release, size)
            sender.make(objects + part)  # under new numbers
            on_progress(f"{size:,} studies stored already: {objects:,} objects arrive …")
            with listening(place, looks=looks) as listener, open_workspace(place) as opened:
                found.append({"stored": size, **_Arriving(opened, release, listener, sender).measured(studies, part)})
    return found


def _studies(objects: int) -> list[Study]:
    """Return what is sent as it is read."""
    readers = SharedReaders(1)
    files = map(as_file, cohort_objects(DEMO, objects))
    studies = [readers.read("bench", [Upload("object.dcm", file)], b"bench") for file in files]
    readers.close()
    return studies


@contextmanager
def listening(workspace: Path, *, looks: bool) -> Iterator[Listening]:
    """Run `casebind listen` for senders S1, S2 … on a free port of the loopback; yield its process and port.

    looks : whether text is looked for in films
    """
    senders = "".join(f'[[sender]]\ntitle = "S{number + 1}"\n' for number in range(SENDERS))
    settings = f'[listen]\ntitle = "{TITLE}"\nport = 0\nlook_for_text = {str(looks).lower()}\n{senders}'
    (workspace / FILE).write_text(settings, encoding="utf-8")
    command = [sys.executable, "-u", "-m", "engine.cli", "listen", "--workspace", str(workspace)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.getenv("PYTHONPATH"))))}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    try:
        said = process.stdout.readline() if process.stdout is not None else ""
        port = re.search(r":(\d+);", said)
        if port is None:
            raise CasebindError("The listener did not start: is the extra `pacs` installed?")
        yield Listening(process.pid, int(port[1]))
    finally:
        process.terminate()
        process.wait(ENDS_IN_S)


def _stored(place: Path, release: Release, size: int) -> None:
    """Make a workspace in which so many studies lie that came from an archive."""
    if size:
        fill(place, release, size, with_map=False)
    with open_workspace(place, create=True) as opened, Inbox(place):
        rows = opened.all_rows()
        keys = [f"{number:032x}" for number in range(len(rows))]
        with opened.database.write() as cursor:
            bench_rows.insert_arrivals(cursor, keys, [row.study_id for row in rows])
    bench_rows.insert_received(place / "inbox", keys)


class _Arriving:
    """Objects that arrive in one workspace."""

    def __init__(self, place: Workspace, release: Release, listener: Listening, sender: SendingProcess) -> None:
        self._place, self._release, self._listener, self._sender = place, release, listener, sender

    def measured(self, studies: Sequence[Study], part: int) -> dict[str, Any]:
        """Let objects arrive part by part, the encoder alone in between; the first part warms up and is left out.

        studies : of all objects, as they are read
        """
        arrived, alone, before = [], [], sum(self._place.all_counts().values())
        spent = np.zeros(len(SPENT))
        for first in range(0, len(studies), part):
            alone.append(_encoded(self._release, studies[first : first + part]))
            began = self._processor_ms()
            arrived.append(self._arrived(first, len(studies[first : first + part])))
            spent += self._processor_ms() - began if first else 0
        objects = len(studies) - part
        taken, (encoder_s, encoder_cpu_s) = sum(arrived[1:]), np.sum(alone[1:], axis=0)
        system_ms = float(spent[: len(SYSTEM)].sum()) / objects
        return {
            "objects": objects,
            "seconds": round(taken, 2),
            "encoder_only_s": round(encoder_s, 2),
            "objects_per_s": round(objects / taken, 2),
            "encoder_only_per_s": round(objects / encoder_s, 2),
            "ms_per_object": round(1000 * taken / objects, 1),
            "share_of_encoder_only": round(encoder_s / taken, 3),
            "processor_ms_per_object": {
                "encoder alone": round(1000 * encoder_cpu_s / objects, 1),
                "system": round(system_ms, 1),
                **dict(zip(SPENT, (spent / objects).round(1).tolist(), strict=True)),
            },
            "share_of_processor": round(1000 * encoder_cpu_s / objects / system_ms, 3),
            "stored_more_than_once": sum(self._place.all_counts().values()) - before - len(studies),
        }

    def _processor_ms(self) -> np.ndarray:
        """Return the processor time so far, ms, in the order of SPENT."""
        prepares = preparing(self._release).pid
        pids = (self._listener.pid, os.getpid(), self._sender.pid)
        return np.array([processor_ms(prepares), processor_ms_of_children(prepares), *map(processor_ms, pids)])

    def _arrived(self, first: int, count: int) -> float:
        """Return the seconds from the first object that is sent to the last one that is stored."""
        begun, done = time.perf_counter(), 0
        sending = self._sender.begin(self._listener.port, first=first, count=count)
        while done < count:
            over = sending.done()
            if not count_waiting(self._place.path):
                if over:
                    break
                time.sleep(WAIT_S)
                continue
            done += take_up(self._place, self._release).all
        if sending.result() != count or done != count:
            raise CasebindError(f"Of {count} objects {sending.result()} were acknowledged and {done} taken up.")
        return time.perf_counter() - begun


def _encoded(release: Release, part: Sequence[Study]) -> tuple[float, float]:
    """Return the seconds that the encoder alone takes for some studies: of the clock, and of the processor."""
    import torch

    fresh = [unseen(one) for one in part]
    batches = [fresh[first : first + BATCH] for first in range(0, len(fresh), BATCH)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for each of as many batches as there are processors: no thread waits for another one
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            begun, began = time.perf_counter(), time.process_time()
            list(pool.map(release.embed, batches))
            return time.perf_counter() - begun, time.process_time() - began
    finally:
        torch.set_num_threads(threads)


def as_lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the figures for a person."""
    return [line for one in found for line in _lines(one)]


def _lines(one: dict[str, Any]) -> list[str]:
    spent = one["processor_ms_per_object"]
    return [
        f"{one['stored']:,} studies stored already: {one['objects']:,} objects sent and stored at "
        f"{one['objects_per_s']:.1f}/s, the encoder alone at {one['encoder_only_per_s']:.1f}/s: "
        f"{one['share_of_encoder_only']:.2f} of it, with the sender on this machine; "
        f"{one['stored_more_than_once']} stored more than once.",
        f"Processor time an object: {spent['system']:.1f} ms of all processes of the system, "
        f"{spent['encoder alone']:.1f} ms of the encoder alone: {one['share_of_processor']:.2f}. "
        + ", ".join(f"{name} {spent[name]:.1f} ms" for name in SYSTEM)
        + f"; the sender, which is no part of it, {spent['sender']:.1f} ms.",
    ]
