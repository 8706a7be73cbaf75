"""Makes a map in a process of its own: `python -m engine.map.worker IN.npz OUT.npz`, progress on standard output.

So a minute of arithmetic neither holds Python's lock against the pages nor keeps its memory, and is ended by a signal.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from engine.map.fidelity import measure_fidelity
from engine.map.layout import t_sne

NICE = 10  # others come first


def report_progress(step: str, done: float) -> None:
    """Print one word on progress; ends the process where nobody reads it any more."""
    print(json.dumps([step, round(done, 3)]), flush=True)


def make_map(vectors: np.ndarray, modalities: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, str]:
    """Return points (n, 2) float32 and, as JSON, what they keep of embeddings (n, 256) and packed codes (n, 32).

    Each modality's mean is removed first, as it is before codes are made.
    """
    z = np.asarray(vectors, np.float32)
    for modality in np.unique(modalities):
        mine = modalities == modality
        z[mine] -= z[mine].mean(0)
    points = t_sne(z, on_progress=report_progress).astype(np.float32)
    report_progress("kept", 0.0)
    return points, json.dumps(asdict(measure_fidelity(codes, points)))


def main(source: Path, out: Path) -> None:
    """Read, make, write."""
    os.nice(NICE)
    report_progress("start", 0.0)
    with np.load(source, allow_pickle=False) as file:
        points, figures = make_map(file["vectors"], file["modalities"], file["codes"])
    np.savez(out, points=points, kept=np.array(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
