"""The making of a workspace's map in the background: one at a time, with its step, its share and a way to stop it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from engine.actor import Actor
from engine.errors import CasebindError
from engine.map.fidelity import Fidelity
from engine.map.file import MIN_STUDIES, Chart, Source, sampled, save, source
from engine.settings import ROOT
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

Step = Literal["read", "start", "neighbours", "rough", "fine", "kept", "done", "stopped", "failed"]
# Where in the whole each step begins and ends, by the time that it takes
REACH = {
    "read": (0.0, 0.04),
    "start": (0.04, 0.08),
    "neighbours": (0.08, 0.12),
    "rough": (0.12, 0.36),
    "fine": (0.36, 0.98),
    "kept": (0.98, 1.0),
}
ENDS = ("done", "stopped", "failed")

_running: dict[Path, MapJob] = {}
_lock = threading.Lock()


@dataclass
class MapJob:
    """One map on its way. Read `step`, `share` and `why` from any thread.

    share : of the whole, 0..1
    why   : a sentence where it failed
    """

    release: Release
    digest: str
    step: Step = "read"
    share: float = 0.0
    error: str = ""

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._ended = threading.Event()
        self._stopping = threading.Event()

    @property
    def over(self) -> bool:
        """Say whether it has ended, one way or another."""
        return self._ended.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; return whether it came."""
        return self._ended.wait(seconds)

    def stop(self) -> None:
        """End it; what was there before stays."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.terminate()

    def _on_progress(self, line: str) -> None:
        step, done = json.loads(line)
        first, last = REACH[step]
        self.step, self.share = step, first + (last - first) * done

    def run(self, workspace: Workspace, now: Source) -> None:
        """Make the map and put it in place; never raises."""
        try:
            self._made(workspace, now)
            self.step, self.share = "done", 1.0
        except Exception as problem:
            stopped = self._stopping.is_set()
            self.step, self.error = ("stopped", "") if stopped else ("failed", _sentence(problem))
        finally:
            self._ended.set()

    def _made(self, workspace: Workspace, now: Source) -> None:
        begun = time.monotonic()
        chosen = sampled(len(now.ids))
        ids = now.ids[chosen]
        with tempfile.TemporaryDirectory(prefix="casebind-map-") as folder:
            given, out = Path(folder) / "in.npz", Path(folder) / "out.npz"
            kinds = np.array([str(one) for one in now.modalities[chosen]])
            vectors = _mapped(self.release, workspace.embeddings(self.release.name, list(ids)), kinds)
            np.savez(given, vectors=vectors, modalities=kinds, codes=now.codes[chosen])
            self._process_of(given, out)
            with np.load(out, allow_pickle=False) as made:
                points, figures = made["points"], Fidelity(**json.loads(str(made["kept"])))
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        took = round(time.monotonic() - begun, 1)
        save(workspace.path, Chart(self.release.name, ids, points, len(now.ids), now.digest, figures, made_at, took))

    def _process_of(self, given: Path, out: Path) -> None:
        """Run the arithmetic in its own process, one thread of it, and follow what it says."""
        command = [sys.executable, "-m", "engine.map.worker", str(given), str(out)]
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        with subprocess.Popen(
            command, cwd=ROOT, env=alone, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            self._process = process
            if self._stopping.is_set():
                process.terminate()
            for line in process.stdout or ():
                self._on_progress(line)
            said = process.stderr.read() if process.stderr else ""
        if process.returncode:
            why = f"its process ended with {process.returncode}: {said.strip()[-200:]}"
            raise CasebindError(f"The map could not be made, {why}")


def latest_job(workspace: Workspace) -> MapJob | None:
    """Return the map on its way, or the last one that was, in this process."""
    return _running.get(workspace.path)


def begin(workspace: Workspace, release: Release, *, actor: Actor) -> MapJob | None:
    """Begin to make the map of what the actor may see, unless a map is on its way; None where studies are too few."""
    with _lock:
        present = _running.get(workspace.path)
        if present is not None and not present.over:
            return present
        now = source(workspace, release.name, release.digest, actor=actor)
        if len(now.ids) < MIN_STUDIES:
            return None
        started = _running[workspace.path] = MapJob(release, now.digest)
    threading.Thread(target=started.run, args=(workspace, now), name="map", daemon=True).start()
    return started


def _mapped(release: Release, vectors: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return stored embeddings as the release orders them: (n, 256) and modalities (n,) → (n, 256)."""
    out = vectors.copy()
    for kind in np.unique(kinds):
        out[kinds == kind] = release.mapped(vectors[kinds == kind], str(kind))
    return out


def _sentence(problem: Exception) -> str:
    if isinstance(problem, CasebindError):
        return str(problem)
    return f"The map could not be made ({type(problem).__name__}): try again, and look into the log if it stays so."
