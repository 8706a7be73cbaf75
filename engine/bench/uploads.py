"""Uploads at once, alone and beside a bomb: what one file that takes all it can get costs the others.

In every round the others upload together twice, once alone and once with the bomb, in changing order. A bomb is waited
for before the next turn. Times are of reading alone, as the app calls it; the ratio is of one run.
"""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import IntakeError
from engine.intake.limited import read_limited
from engine.intake.upload import Upload
from engine.settings import DEMO

BAR = 1.3  # how many times as long the others may take
_ROW = b"0.002,0.1\n"
_ROWS = 14_000_000  # of the bomb's table, 140 MB
_ROWS_AT_ONCE = 100_000

Uploads = Sequence[Upload]


def run(others: int, rounds: int, on_progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Return the object that `bench uploads --json` prints."""
    small, large = examples(others), [bomb()]
    for one in small:
        read_limited(one)
    alone: list[float] = []
    beside: list[float] = []
    bombs: list[float] = []
    for number in range(rounds):
        for with_bomb in (False, True) if number % 2 == 0 else (True, False):
            if with_bomb:
                beside += _together(small, large, bombs)
            else:
                alone += _together(small)
        on_progress(f"round {number + 1} of {rounds}")
    first, second = _summary(alone), _summary(beside)
    ratio = second["p95"] / max(first["p95"], 1e-9)
    return {
        "others": others,
        "rounds": rounds,
        "bomb_kb": round(len(large[0].data) / 1000),
        "alone_ms": first,
        "beside_bomb_ms": second,
        "bomb_s": round(float(np.median(bombs)), 1),
        "ratio_p95": round(ratio, 2),
        "within": ratio <= BAR,
    }


def as_lines(found: dict[str, Any]) -> str:
    """Return the figures for a person."""
    alone, beside = found["alone_ms"], found["beside_bomb_ms"]
    return (
        f"{found['others']} uploads at once, {found['rounds']} rounds: alone 95 % within {alone['p95']:.0f} ms (median "
        f"{alone['median']:.0f}); beside a bomb of {found['bomb_kb']} kB, which is refused after "
        f"{found['bomb_s']:.1f} s, within {beside['p95']:.0f} ms (median {beside['median']:.0f}): "
        f"{found['ratio_p95']:.2f} times as long."
    )


def examples(n: int) -> list[Uploads]:
    """Return n uploads: tables of a pulse wave, and films and ECGs of the shipped cohort in turn."""
    records = [list(_by_study(sorted((DEMO / kind).iterdir())).values()) for kind in ("cxr", "ecg")]
    groups = [[[_table()]], *records]
    return [groups[i % 3][i // 3 % len(groups[i % 3])] for i in range(n)]


def _table() -> Upload:
    """Return a table of 0.1 MB."""
    rows = (f"{i / 125:.3f},{np.sin(i / 16):.4f}\n" for i in range(7500))
    return Upload("pulse.csv", ("t,PPG\n" + "".join(rows)).encode())


def bomb() -> Upload:
    """Return a small zip of a table that is large, of one time, and refused in the end."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as file:
        file.write(b"t,PPG\n")
        for _ in range(_ROWS // _ROWS_AT_ONCE):
            file.write(_ROW * _ROWS_AT_ONCE)
    return Upload("a.zip", packed.getvalue())


def _by_study(files: Sequence[Path]) -> dict[str, list[Upload]]:
    """Return the files of each study, which are named alike up to an underscore."""
    found: dict[str, list[Upload]] = {}
    for path in files:
        found.setdefault(path.stem.partition("_")[0], []).append(Upload(path.name, path.read_bytes()))
    return found


def _together(small: Sequence[Uploads], large: Uploads = (), bombs: list[float] | None = None) -> list[float]:
    """Return the seconds of each small upload where all are read at once, the bomb too; the bomb's go to `bombs`."""
    at_once = threading.Barrier(len(small) + bool(large))

    def timed(uploads: Uploads) -> float:
        at_once.wait()
        begun = time.perf_counter()
        try:
            read_limited(uploads)
        except IntakeError:
            if uploads is not large:
                raise
        return time.perf_counter() - begun

    with ThreadPoolExecutor(len(small) + 1) as pool:
        last = pool.submit(timed, large) if large else None
        took = list(pool.map(timed, small))
        if last is not None and bombs is not None:
            bombs.append(last.result())
    return took


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile in milliseconds."""
    return {
        "median": round(1000 * float(np.median(seconds)), 1),
        "p95": round(1000 * float(np.percentile(seconds, 95)), 1),
    }
