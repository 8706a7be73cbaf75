"""The arithmetic of a run, in a process of its own: `python -m engine.monitor.worker FOLDER`.

It reads tasks.json and in.npz and appends a line to out.jsonl for each window, so that a process that was killed is
gone on with after its last whole line. It never opens the workspace's database.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.background import go_behind
from engine.monitor.compare import Comparison
from engine.monitor.gather import MonitorInputs, WindowTask

TASKS, INPUTS, RESULTS = "tasks.json", "in.npz", "out.jsonl"


def write_inputs(folder: Path, inputs: MonitorInputs) -> None:
    """Write what a run is given: the arrays first, so that tasks are never there without them."""
    np.savez(folder / INPUTS, **inputs.arrays)  # type: ignore[arg-type]
    (folder / TASKS).write_text(json.dumps([asdict(one) for one in inputs.tasks]), "utf-8")


def read_tasks(folder: Path) -> list[WindowTask]:
    """Return the windows that are to be computed, in order."""
    rows: list[dict[str, Any]] = json.loads((folder / TASKS).read_text("utf-8"))
    lists = ("rows", "against", "own")
    return [WindowTask(**{**one, **{name: tuple(one[name]) for name in lists}}) for one in rows]


def read_results(folder: Path) -> list[list[dict[str, Any]]]:
    """Return what was computed so far, a list of comparisons for each window; a torn last line does not count."""
    if not (folder / RESULTS).is_file():
        return []
    lines = (folder / RESULTS).read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def compute(inputs: MonitorInputs, skip: int = 0) -> Iterator[list[dict[str, Any]]]:
    """Yield the comparisons of each window after the first `skip`: reference and figures."""
    here = Comparison(inputs.arrays)
    for task in inputs.tasks[skip:]:
        found = {name: here.tested(task, name) for name in task.against}
        yield [{"reference": name, **asdict(one)} for name, one in found.items() if one is not None]


def main(folder: Path) -> None:
    """Go on after the last whole line."""
    go_behind()
    tasks, done = read_tasks(folder), read_results(folder)
    with np.load(folder / INPUTS, allow_pickle=False) as file:
        inputs = MonitorInputs("", tuple(tasks), {name: file[name] for name in file.files})
    _cut_torn(folder / RESULTS)
    with (folder / RESULTS).open("ab") as out:
        for comparisons in compute(inputs, len(done)):
            out.write(json.dumps(comparisons).encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())


def _cut_torn(file: Path) -> None:
    """Cut a last line that is not whole."""
    if file.is_file():
        words = file.read_bytes()
        os.truncate(file, words.rfind(b"\n") + 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
