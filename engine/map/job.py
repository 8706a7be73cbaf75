"""A workspace's map is made in the background: one at a time, and it can be stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.actor import Actor
from engine.background import ThreadJob
from engine.errors import CasebindError
from engine.map.fidelity import Fidelity
from engine.map.file import MIN_STUDIES, Chart, Source, sampled, save, source
from engine.settings import ROOT
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

# Where in the whole each step begins and ends, by the time that it takes
REACH = {
    "read": (0.0, 0.04),
    "start": (0.04, 0.08),
    "neighbours": (0.08, 0.12),
    "rough": (0.12, 0.36),
    "fine": (0.36, 0.98),
    "kept": (0.98, 1.0),
}

_running: dict[Path, MapJob] = {}
_lock = threading.Lock()


class MapJob(ThreadJob):
    """One map on its way; its steps are those of REACH, then the end's."""

    failure, advice = "The map could not be made", "try again, and look into the log if it stays so"

    def __init__(self, release: Release, digest: str) -> None:
        super().__init__("read")
        self.release, self.digest = release, digest
        self._process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        """End it; what was there before stays."""
        super().stop()
        process = self._process
        if process is not None:
            process.terminate()

    def make(self, workspace: Workspace, now: Source) -> None:
        """Make the map and put it in its file, in a thread; return at once."""
        self.start("map", lambda: self._make(workspace, now))

    def _on_progress(self, line: str) -> None:
        step, done = json.loads(line)
        first, last = REACH[step]
        self.step, self.share = step, first + (last - first) * done

    def _make(self, workspace: Workspace, now: Source) -> None:
        begun = time.monotonic()
        chosen = sampled(len(now.ids))
        ids = now.ids[chosen]
        with tempfile.TemporaryDirectory(prefix="casebind-map-") as folder:
            inputs, outputs = Path(folder) / "in.npz", Path(folder) / "out.npz"
            kinds = np.array([str(one) for one in now.modalities[chosen]])
            vectors = _mapped(self.release, workspace.embeddings(self.release.name, list(ids)), kinds)
            np.savez(inputs, vectors=vectors, modalities=kinds, codes=now.codes[chosen])
            self._run_worker(inputs, outputs)
            with np.load(outputs, allow_pickle=False) as made:
                points, fidelity = made["points"], Fidelity(**json.loads(str(made["kept"])))
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        seconds = round(time.monotonic() - begun, 1)
        save(
            workspace.path, Chart(self.release.name, ids, points, len(now.ids), now.digest, fidelity, made_at, seconds)
        )

    def _run_worker(self, inputs: Path, outputs: Path) -> None:
        """Run the arithmetic in a process of one thread, and follow its progress."""
        command = [sys.executable, "-m", "engine.map.worker", str(inputs), str(outputs)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            self._process = process
            if self.stopping:
                process.terminate()
            for line in process.stdout or ():
                self._on_progress(line)
            errors = process.stderr.read() if process.stderr else ""
        if process.returncode:
            why = f"its process ended with {process.returncode}: {errors.strip()[-200:]}"
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
    started.make(workspace, now)
    return started


def _mapped(release: Release, vectors: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return stored embeddings as the release orders them: (n, 256) and modalities (n,) → (n, 256)."""
    out = vectors.copy()
    for kind in np.unique(kinds):
        out[kinds == kind] = release.mapped(vectors[kinds == kind], str(kind))
    return out
