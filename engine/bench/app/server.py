"""The app as users start it, in a process of its own on a free loopback port."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CasebindError
from engine.settings import ROOT

STARTS_IN_S, ENDS_IN_S = 200.0, 20.0
TROUBLE = re.compile(r"Traceback \(most recent call last\)|Uncaught app execution")
MOST_OF_LOG = 4000  # characters


@dataclass(frozen=True)
class Server:
    """A running app: its process id and address."""

    pid: int
    url: str

    def memory_mb(self, peak: bool = False) -> float:
        """Return the memory that it holds, or the most that it has held, MB; 0 where /proc does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        lines = status.read_text().splitlines() if status.is_file() else []
        known = {name: words for name, _, words in (line.partition(":") for line in lines)}
        return round(float(known.get("VmHWM" if peak else "VmRSS", "0 kB").split()[0]) / 1024)

    def processor_ms(self) -> float:
        """Return the processor time that it has taken so far, ms; 0 where /proc does not tell."""
        return processor_ms(self.pid)


def processor_ms(pid: int | None, *, waited_for: bool = False) -> float:
    """Return the processor time that a process has taken so far, ms; 0 where there is none or /proc does not tell.

    waited_for : with that of its children which have ended
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()  # from the third on; the name before may hold spaces
    return sum(map(int, fields[11 : 15 if waited_for else 13])) * 1000 / os.sysconf("SC_CLK_TCK")


def processor_ms_of_children(pid: int | None) -> float:
    """Return the processor time so far, ms, of the processes that one has started, and those that they have started.

    Of children that have ended it is counted where they were waited for.
    """
    total = 0.0
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            total += processor_ms(int(child), waited_for=True) + processor_ms_of_children(int(child))
    return total


@contextmanager
def running(workspace: Path, log: Path) -> Iterator[Server]:
    """Run the app on a workspace; CasebindError with the end of its log where it does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "serve.py", "--server.port", str(port)]
    with log.open("wb") as out:
        environment = {**os.environ, "CASEBIND_WORKSPACE": str(workspace)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        url = f"http://127.0.0.1:{port}"
        if not _healthy(process, url):
            raise CasebindError(f"The app did not start: {log.read_text(errors='replace').strip()[-300:]}")
        yield Server(process.pid, url)
    finally:
        process.terminate()
        try:
            process.wait(ENDS_IN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def first_trouble(log: Path) -> str:
    """Return where a server's log first tells of an error, with what follows; "" where it tells of none."""
    said = log.read_text(errors="replace")
    found = TROUBLE.search(said)
    return said[found.start() :][:MOST_OF_LOG].strip() if found else ""


def _healthy(process: subprocess.Popen[bytes], url: str) -> bool:
    until = time.monotonic() + STARTS_IN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except OSError:
            time.sleep(0.3)
    return False
