"""`python -m engine.bench.living.writer FOLDER TURN THREADS`: writes to a workspace until it is killed.

Every thread says on standard output what it is about to do and, once the workspace has returned, that it is done: one
JSON line each, {"thread", "try": step} and {"thread", "done": number}. Threads hold no lock of their own. Each changes
only studies and patients that it made, so that what every one of them had reached is known whatever the others did.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.actor import Actor, single_user
from engine.bench.living import studies
from engine.workspace.workspace import Workspace, open_workspace

RELEASE, DIGEST = "living", "0" * 64
MAX_LIFETIME_S = 120.0  # lives no longer, even where nobody is left to kill it
Step = dict[str, Any]  # do, and what with: codes (study id → words), ids, patient, granted


def write_line(line: dict[str, Any]) -> None:
    """Write one line in one call, so that a kill leaves it whole or away."""
    os.write(1, (json.dumps(line) + "\n").encode())


def steps(rng: np.random.Generator, prefix: str, number: int, own_studies: list[str]) -> tuple[Step, list[Any]]:
    """Return the next step of a thread, and the new studies that it brings; `mine` are its studies."""
    kind = str(rng.choice(["insert", "insert", "delete", "replace", "consent", "audit"]))
    if kind == "insert" or len(own_studies) < 4:
        new = studies.new_patients(rng, [f"{prefix}-{number}-{one}" for one in range(3)])
        return {"do": "insert", "codes": {one.row.study_id: studies.life_of(one).words for one in new}}, new
    some = [own_studies[place] for place in rng.choice(len(own_studies), 3, replace=False)]
    if kind == "replace":
        return {"do": kind, "codes": {study_id: studies.random_code(rng) for study_id in some}}, []
    if kind == "consent":
        return {"do": kind, "patient": patient_of(some[0]), "granted": bool(rng.random() < 0.4)}, []
    return {"do": kind, "ids": some if kind == "delete" else []}, []


def patient_of(study_id: str) -> str:
    """Return the patient of a study of this benchmark."""
    return study_id.rsplit("-", 1)[0]


def act(workspace: Workspace, rng: np.random.Generator, step: Step, new: list[Any]) -> int:
    """Do one step; return the number of its audit row, or 0."""
    if step["do"] == "insert":
        workspace.add(studies.COHORT, RELEASE, DIGEST, new)
    elif step["do"] == "replace":
        ids = list(step["codes"])
        codes = np.stack([studies.packed(tuple(words)) for words in step["codes"].values()])
        vectors = np.stack([studies.random_embedding(rng) for _ in ids])
        workspace.add_codes(RELEASE, DIGEST, ids, vectors, codes, replace=True)
    elif step["do"] == "delete":
        workspace.remove(step["ids"])
    elif step["do"] == "consent":
        workspace.set_consent(step["patient"], step["granted"], actor=single_user())
    return workspace.audit("search", actor=Actor("writer"), returned=("a", "b")) if step["do"] == "audit" else 0


def write_loop(workspace: Workspace, turn: int, thread: int) -> None:
    """Do one step after the other."""
    rng, prefix = np.random.default_rng([turn, thread]), f"v{turn}-{thread}"
    mine: list[str] = []
    for number in range(10**9):
        step, new = steps(rng, prefix, number, mine)
        write_line({"thread": thread, "try": step})
        write_line({"thread": thread, "done": act(workspace, rng, step, new)})
        gone = set(step.get("ids", ()))
        mine = [one for one in mine if one not in gone] + [one.row.study_id for one in new]


def search_loop(workspace: Workspace, turn: int) -> None:
    """Search all the time, so that codes are held in memory and renewed while they are written."""
    rng = np.random.default_rng([turn, 10**6])
    while True:
        views, permits = workspace.snapshots.latest_with_masks(RELEASE, studies.KINDS, ())
        query = np.array(studies.random_code(rng), np.uint64)
        for kind, view in views.items():
            view.nearest(query, 10, 256, permits[kind], workspace.snapshots.study_ids_of)


def main(folder: str, turn: str, threads: str) -> None:
    """Write with so many threads, and read with one, until the end."""
    place = open_workspace(Path(folder), create=True)
    place.snapshots.background.delay_s = 0.0
    jobs = [(write_loop, (place, int(turn), number)) for number in range(int(threads))]
    for job, arguments in [*jobs, (search_loop, (place, int(turn)))]:
        threading.Thread(target=job, args=arguments, daemon=True).start()  # type: ignore[arg-type]
    time.sleep(MAX_LIFETIME_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
