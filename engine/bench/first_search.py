"""`casebind search FILE` as a process of its own, to the printed list: by exported encoders, and by PyTorch.

Both take turns on a copy of the workspace, each in a new process every time, so that a start is paid every time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from engine.errors import UsageError
from engine.settings import DEMO, encoders_path

EXPORTED, PYTORCH = "exported", "pytorch"
FILES: dict[str, tuple[str, ...]] = {  # of the shipped cohort, with what each leaves open
    "ppg": (str(DEMO / "ppg" / "syn-0001-e1-ppg.csv"), "--fs", "125"),
    "ecg": (str(DEMO / "ecg" / "syn-0001-e1-ecg.hea"),),
    "cxr": (str(DEMO / "cxr" / "syn-0001-e1-cxr.jpg"),),
}


def run(workspace: Path, rounds: int, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Return the object that `bench first-search --json` prints: seconds by modality, medians over rounds.

    Raises UsageError where a search fails.
    """
    taken: dict[str, dict[str, list[float]]] = {one: {EXPORTED: [], PYTORCH: []} for one in FILES}
    with TemporaryDirectory(prefix="casebind-bench-") as folder:
        shutil.copytree(workspace, Path(folder) / "ws")
        ways = {EXPORTED: encoders_path(), PYTORCH: Path(folder) / "none"}
        for turn in range(rounds + 1):
            say(f"round {turn} of {rounds}" if turn else "a round of warming")
            for modality, words in FILES.items():
                for way in list(ways)[:: 1 if turn % 2 else -1]:
                    seconds = _once(words, {"CASEBIND_ENCODERS": str(ways[way])}, Path(folder) / "ws")
                    taken[modality][way] += [seconds] if turn else []
    return {"rounds": rounds, "seconds": {modality: _summary(one) for modality, one in taken.items()}}


def _once(words: Sequence[str], more: Mapping[str, str], workspace: Path) -> float:
    """Return the seconds that one search takes from its start to its end."""
    asked = [sys.executable, "-m", "engine.cli", "search", *words, "--workspace", str(workspace)]
    begun = time.perf_counter()
    done = subprocess.run(asked, env={**os.environ, **more}, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise UsageError(f"A search that was to be timed failed: {done.stderr.strip()}")
    return seconds


def _summary(taken: Mapping[str, Sequence[float]]) -> dict[str, float]:
    ratios = [slow / quick for slow, quick in zip(taken[PYTORCH], taken[EXPORTED], strict=True)]
    medians = {way: round(float(np.median(seconds)), 3) for way, seconds in taken.items()}
    return {**medians, "longest": round(max(taken[EXPORTED]), 3), "ratio": round(float(np.median(ratios)), 2)}


def as_table(found: Mapping[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [
        f"casebind search FILE, a new process every time, to its end; seconds, medians of {found['rounds']} rounds in "
        "which both take turns.",
        f"{'':<6}{'exported':>10}{'longest':>10}{'PyTorch':>10}{'ratio':>8}",
    ]
    for modality, one in found["seconds"].items():
        lines.append(
            f"{modality:<6}{one[EXPORTED]:>10.2f}{one['longest']:>10.2f}{one[PYTORCH]:>10.2f}{one['ratio']:>8.2f}"
        )
    return "\n".join(lines)
