"""The app as users start it: one server process on a free loopback port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from itertools import count
from pathlib import Path

from engine.settings import ROOT

STARTS_IN_S = 200
# Nobody takes a port between its choice and the server's start: each process of the tests has a hundred of its own,
# below those that the system gives to whoever asks for any, and takes none twice.
_ports = count(20_000 + os.getpid() % 100 * 100)
_running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}  # address → the server and what it writes


def free_port() -> int:
    """A loopback port that nobody listens on."""
    for port in _ports:
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def start(workspace: Path, log: Path, **settings: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start the app as `make app` does; return the process and its address once it is healthy.

    settings : further variables of its environment
    """
    process, url = _started([sys.executable, "serve.py"], workspace, log, settings)
    _running[url] = (process, log)
    return process, url


def start_script(script: Path, workspace: Path, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start one page that the tests bring, with the app's settings; return as `start` does."""
    return _started([sys.executable, "-m", "streamlit", "run", str(script)], workspace, log, {})


def _started(
    command: list[str], workspace: Path, log: Path, settings: dict[str, str]
) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    environment = {**os.environ, "CASEBIND_WORKSPACE": str(workspace), "PYTHONPATH": str(ROOT), **settings}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--server.port", str(port)], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + STARTS_IN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=10) as answer:
                if answer.status == 200:
                    return process, url
        except OSError:
            time.sleep(0.3)
    stop(process)
    raise RuntimeError(f"The app did not start: {log.read_text(errors='replace')[-2000:]}")


def standing(address: str) -> str:
    """Return the lines of code at which the threads of the server of an address stand now, and what it wrote last."""
    process, log = next((found for url, found in _running.items() if address.startswith(url)), (None, None))
    if process is None or log is None or process.poll() is not None:
        return f"no server of {address} runs"
    process.send_signal(signal.SIGUSR1)
    time.sleep(1)
    return log.read_text(errors="replace")[-12_000:]


def stop(process: subprocess.Popen[bytes]) -> None:
    """End one server by its own process id."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(20)
