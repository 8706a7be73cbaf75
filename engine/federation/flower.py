"""Flower in an environment of its own, and its processes: flwr wants other versions of packages that Casebind has.

The environment is named by CASEBIND_FLOWER, or is `.venv-federation` beside Casebind (`make federation`). Processes end
with the one that started them, since their standard input is a pipe from it. Nothing is reported to Flower's makers.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import CasebindError, UsageError
from engine.settings import ROOT

APP = ROOT / "federation"
VARIABLE, USUAL = "CASEBIND_FLOWER", ".venv-federation"
NO_FLOWER = (
    "Flower is not here: make its environment by `make federation`, or name one that has flwr 1.42 in CASEBIND_FLOWER."
)
CONTROL_S = 60.0  # for the run to be started
LET_GO_S = 10.0  # for a process that is asked to end


@dataclass(frozen=True)
class Flower:
    """An environment that has flwr; bin : the folder of its programs."""

    bin: Path

    def start(
        self, module: str, words: Sequence[str], home: Path, more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a module of the app, apart; what it says is appended to a log in `home`, where Flower keeps its files.

        more : further variables of its environment
        """
        home.mkdir(parents=True, exist_ok=True)
        with (home / f"{module}.log").open("ab") as said:
            return subprocess.Popen(
                [str(self.bin / "python"), "-m", f"casebind_flower.{module}", *words],
                cwd=home,
                env={**self._environment(home), **(more or {})},
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def start_run(self, address: str, authority: Path, folder: Path, keys: Mapping[str, str]) -> None:
        """Register the keys, site → public key, with a SuperLink and start the run that works by files in `folder`."""
        words = [address, str(authority), str(APP), str(folder)]
        done = subprocess.run(
            [str(self.bin / "python"), "-m", "casebind_flower.control", *words],
            cwd=folder,
            env=self._environment(folder.parent / "flower"),
            input=json.dumps(dict(keys)),
            capture_output=True,
            text=True,
            timeout=CONTROL_S,
            check=False,
        )
        if done.returncode:
            (folder / "control.log").write_text(done.stdout + done.stderr, "utf-8")
            raise CasebindError(f"Flower's run could not be started: {folder / 'control.log'} says why.")

    def path(self, first: Path | None = None) -> str:
        """Return the search path for programs: those of `first` before Flower's."""
        return os.pathsep.join([*([str(first)] if first else []), str(self.bin), os.environ.get("PATH", "")])

    def _environment(self, home: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CASEBIND_", "PYTHON"))}
        own = {"FLWR_HOME": str(home), "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}
        return {**kept, **own, "PYTHONPATH": str(APP), "PATH": self.path()}


def flower() -> Flower:
    """Return the environment; UsageError where there is none."""
    found = Path(os.environ.get(VARIABLE) or ROOT / USUAL).expanduser().resolve() / "bin"
    if not (found / "flower-superlink").is_file():
        raise UsageError(NO_FLOWER)
    return Flower(found)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of Flower's, and let go of it."""
    process.terminate()
    try:
        process.wait(LET_GO_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])
