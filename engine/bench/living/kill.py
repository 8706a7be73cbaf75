"""A process that writes to a workspace is killed at random, again and again; nothing that it acknowledged may be lost.

What the process had begun and not yet acknowledged may be there or not, but whole; everything else must be as it was.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.living import studies
from engine.bench.living.history import History, Life, RecordedSearch, SerialOracle
from engine.bench.living.writer import RELEASE, Step, patient_of
from engine.errors import CasebindError
from engine.settings import ROOT
from engine.store import bench_rows
from engine.workspace.workspace import Workspace, open_workspace

MIN_DELAY_S, MAX_DELAY_S = 0.1, 2.0  # after the first thing was done
PATIENCE_S = 60.0  # for the process to begin
SEARCHES = 5  # after each kill


@dataclass
class ExpectedState:
    """What must be there: words by study id, whether consent stands by patient, numbers of audit rows."""

    codes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    granted: dict[str, bool] = field(default_factory=dict)
    audits: set[int] = field(default_factory=set)
    acknowledged: int = 0

    def apply(self, step: Step, audit: int = 0) -> None:
        """Take one step."""
        self.codes |= {study_id: tuple(words) for study_id, words in step.get("codes", {}).items()}
        for study_id in step.get("ids", ()):
            self.codes.pop(study_id)
        if step["do"] == "consent":
            self.granted[step["patient"]] = step["granted"]
        if audit:
            self.audits.add(audit)


def measure(folder: Path, kills: int, threads: int, seed: int) -> dict[str, Any]:
    """Return the figures of so many kills of a process that writes to the workspace at `folder`."""
    rng, known = np.random.default_rng(seed), ExpectedState()
    found: dict[str, Any] = {"kills": kills, "lost": 0, "half": 0, "wrong_after_kill": 0, "first_loss": ""}
    unfinished, opened = 0, []
    for turn in range(kills):
        waiting = _kill(folder, turn, threads, float(rng.uniform(MIN_DELAY_S, MAX_DELAY_S)), known)
        unfinished += len(waiting)
        begun = time.perf_counter()
        with open_workspace(folder) as place:
            opened.append(1000 * (time.perf_counter() - begun))
            lost, half = compare(place, known, waiting)
            found["lost"], found["half"] = found["lost"] + len(lost), found["half"] + half
            found["first_loss"] = found["first_loss"] or next(iter(lost), "")
            found["wrong_after_kill"] += _wrong(place, known, rng)
            place.clean()
    reopened = {"median": round(float(np.median(opened)), 1), "most": round(max(opened), 1)} if opened else {}
    return {**found, "acknowledged": known.acknowledged, "unfinished": unfinished, "reopen_ms": reopened}


def _kill(folder: Path, turn: int, threads: int, after_s: float, expected: ExpectedState) -> list[Step]:
    """Start a writing process, kill it, apply what it acknowledged; return the steps that it only began."""
    command = [sys.executable, "-m", "engine.bench.living.writer", str(folder), str(turn), str(threads)]
    lines: list[bytes] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        done = threading.Event()

        def listen() -> None:
            for line in process.stdout:  # type: ignore[union-attr]
                lines.append(line)
                if b'"done"' in line:
                    done.set()

        listener = threading.Thread(target=listen)
        listener.start()
        began = done.wait(PATIENCE_S)
        time.sleep(after_s if began else 0)
        process.kill()
        listener.join()
        said = process.stderr.read().decode() if process.stderr else ""
    if not began:
        raise CasebindError(f"The process to be killed did not begin: {' '.join(said.split())[-300:]}.")
    return _apply_acknowledged(lines, expected)


def _apply_acknowledged(lines: list[bytes], expected: ExpectedState) -> list[Step]:
    """Take every finished step in order; return the unfinished one of each thread."""
    open_steps: dict[int, Step] = {}
    for line in lines:
        if not line.endswith(b"\n"):
            continue
        said = json.loads(line)
        if "try" in said:
            open_steps[said["thread"]] = said["try"]
        else:
            expected.apply(open_steps.pop(said["thread"]), said["done"])
            expected.acknowledged += 1
    return list(open_steps.values())


def compare(workspace: Workspace, expected: ExpectedState, waiting: list[Step]) -> tuple[list[str], int]:
    """Return what is lost or too many in words, and how many unfinished steps are there by half; learn what is there.

    Rows, codes, embeddings and content files count; a study with only some of them is a loss.
    """
    there, half = _actual_state(workspace), 0
    for step in waiting:
        before, after = (
            ExpectedState(dict(expected.codes), dict(expected.granted)),
            ExpectedState(dict(expected.codes), dict(expected.granted)),
        )
        after.apply(step)
        touched = {*step.get("codes", ()), *step.get("ids", ())}
        states = [
            ({one: state.codes.get(one) for one in touched}, state.granted.get(step.get("patient", ""), True))
            for state in (before, after)
        ]
        actual = ({one: there.codes.get(one) for one in touched}, there.granted.get(step.get("patient", ""), True))
        half += actual not in states
        if actual == states[1]:
            expected.apply(step)
    wrong = [
        f"study {one}"
        for one in expected.codes.keys() | there.codes.keys()
        if expected.codes.get(one) != there.codes.get(one)
    ]
    wrong += [f"consent of {one}" for one in expected.granted if expected.granted[one] != there.granted.get(one, True)]
    wrong += [f"audit row {one}" for one in expected.audits - there.audits]
    expected.codes, expected.granted = dict(there.codes), {**expected.granted, **there.granted}
    expected.audits &= there.audits  # what was lost once is counted once
    return wrong, half


def _actual_state(workspace: Workspace) -> ExpectedState:
    """Return what is in the workspace; a study without embedding or content file is not."""
    rows = bench_rows.stored_codes(workspace.database, RELEASE)
    codes = {row[0]: tuple(row[1:5]) for row in rows if (workspace.studies_folder / row[5]).is_file()}
    audits = bench_rows.audit_numbers(workspace.database, "writer")
    return ExpectedState(codes, bench_rows.consents(workspace.database), audits)


def _wrong(workspace: Workspace, expected: ExpectedState, rng: np.random.Generator) -> int:
    """Return how many searches of the opened workspace differ from the serial oracle."""
    history = History()
    for study_id, words in expected.codes.items():
        history.on_added(Life(study_id, patient_of(study_id), study_id.rsplit("-", 1)[1], "", words, 0))
    for patient, granted in expected.granted.items():
        history.on_consent(patient, granted)
    judge, wrong = SerialOracle(history), 0
    for _ in range(SEARCHES):
        query = np.array(studies.random_code(rng), np.uint64)
        views, permits = workspace.snapshots.latest_with_masks(RELEASE, studies.KINDS, ())
        found = {}
        for kind, view in views.items():
            hits = view.nearest(query, 20, 256, permits[kind], workspace.snapshots.study_ids_of)
            names = workspace.snapshots.study_ids_of(hits.ordinals)
            near = zip(hits.distances.tolist(), hits.ordinals.tolist(), strict=True)
            found[str(kind)] = [(far, names[ordinal]) for far, ordinal in near]
        asked = RecordedSearch(query, 20, 256, dict.fromkeys(studies.KINDS, 256), "", None, found, 0, 0)
        wrong += not judge.right(asked)
    return wrong
