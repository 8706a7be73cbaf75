"""Objects of an archive from the sender into the collection, beside the encoder alone on the same studies.

A sender, `casebind listen` in a process of its own and the take-up work at once, as at a site; the encoder alone gets
the same studies, read before, in batches of the same size. Both take turns, part by part, in a store that already holds
so many studies, with the states of so many objects and their ledger.
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
from engine.bench.app.server import processor_ms
from engine.bench.ingest_rate import unseen
from engine.errors import CasebindError
from engine.hospital.inbox import Inbox, count_waiting
from engine.hospital.preparing import preparing
from engine.hospital.settings import FILE
from engine.hospital.take_up import take_up
from engine.intake.forked_reader import start
from engine.intake.limited import read_limited
from engine.intake.upload import Upload
from engine.settings import DEMO, ROOT
from engine.store import bench_rows
from engine.store.folder import read_key
from engine.synthetic.archive import as_file, cohort_objects, send
from engine.workspace.pipeline import BATCH
from engine.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

    from engine.model.release import Release

PART = 128  # objects between two turns
TITLE, SENDERS = "CASEBIND", 8
BAR = 0.8  # of the encoder's own throughput
ENDS_IN_S = 20.0
WAIT_S = 0.05  # between two looks at what waits
SPENT = ("encoder alone", "preparing, without its readers", "listener", "sender and record")

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
    release.load()
    start()
    sent = list(cohort_objects(DEMO, objects + part))
    found = []
    for size in stored:
        on_progress(f"{size:,} studies stored already: making them …")
        place = folder / f"stored-{size}"
        _stored(place, release, size)
        on_progress(f"{size:,} studies stored already: {objects:,} objects arrive …")
        with listening(place, looks=looks) as listener, open_workspace(place) as opened:
            found.append({"stored": size, **_measured(opened, release, listener, sent, part)})
        sent = list(cohort_objects(DEMO, objects + part))  # under new numbers
    return found


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


def _measured(
    place: Workspace, release: Release, listener: Listening, sent: Sequence[FileDataset], part: int
) -> dict[str, Any]:
    """Let objects arrive part by part, the encoder alone in between; the first part, which warms up, is left out."""
    key = read_key(place.path)
    arrived, alone, before = [], [], sum(place.all_counts().values())
    spent = np.zeros(4)
    for first in range(0, len(sent), part):
        some = sent[first : first + part]
        alone.append(_encoded(release, some, key))
        began = _processor_ms(release, listener)
        arrived.append(_arrived(place, release, listener.port, some))
        spent += [1000 * alone[-1][1], *(_processor_ms(release, listener) - began)] if first else 0
    objects = len(sent) - part
    taken, encoder = sum(arrived[1:]), sum(one for one, _ in alone[1:])
    return {
        "objects": objects,
        "seconds": round(taken, 2),
        "encoder_only_s": round(encoder, 2),
        "objects_per_s": round(objects / taken, 2),
        "ms_per_object": round(1000 * taken / objects, 1),
        "share_of_encoder_only": round(encoder / taken, 3),
        "processor_ms_per_object": dict(zip(SPENT, (spent / objects).round(1).tolist(), strict=True)),
        "stored_more_than_once": sum(place.all_counts().values()) - before - len(sent),
    }


def _processor_ms(release: Release, listener: Listening) -> np.ndarray:
    """Return the processor time so far, ms, of preparing, of the listener, and of this process."""
    pids = (preparing(release).pid, listener.pid, os.getpid())
    return np.array([processor_ms(pid) for pid in pids])


def _encoded(release: Release, part: Sequence[FileDataset], key: bytes) -> tuple[float, float]:
    """Return the seconds that the encoder alone takes for some objects: of the clock, and of the processor."""
    studies = [read_limited([Upload("object.dcm", as_file(one))], key=key) for one in part]
    fresh = [unseen(one) for one in studies]
    begun, began = time.perf_counter(), time.process_time()
    for first in range(0, len(fresh), BATCH):
        release.embed(fresh[first : first + BATCH])
    return time.perf_counter() - begun, time.process_time() - began


def _arrived(place: Workspace, release: Release, port: int, part: Sequence[FileDataset]) -> float:
    """Return the seconds from the first object that is sent to the last one that is stored."""
    begun, done = time.perf_counter(), 0
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, part, ("127.0.0.1", port), title="S1", called=TITLE)
        while done < len(part):
            over = sending.done()
            if not count_waiting(place.path):
                if over:
                    break
                time.sleep(WAIT_S)
                continue
            done += take_up(place, release).all
        if sending.result() != len(part) or done != len(part):
            raise CasebindError(f"Of {len(part)} objects {sending.result()} were acknowledged and {done} taken up.")
    return time.perf_counter() - begun


def as_lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the figures for a person."""
    return [
        f"{one['stored']:,} studies stored already: {one['objects']:,} objects sent and stored at "
        f"{one['objects_per_s']:.1f}/s, {one['ms_per_object']:.0f} ms each; {one['share_of_encoder_only']:.2f} of what "
        f"the encoder alone does ({one['encoder_only_s']:.1f} s of {one['seconds']:.1f} s). Processor time an object: "
        + ", ".join(f"{name} {ms:.0f} ms" for name, ms in one["processor_ms_per_object"].items())
        + f"; {one['stored_more_than_once']} stored more than once."
        for one in found
    ]
