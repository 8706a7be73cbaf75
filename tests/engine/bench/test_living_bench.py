"""The benchmark of living data finds nothing wrong with the workspace, and would find it if there were.

CASEBIND_LIVING_ROUNDS says how often a patient comes and one withdraws while others read; the suite does so less often.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.actor import single_user
from engine.bench.living import kill, studies
from engine.bench.living.history import History, Life, RecordedSearch, SerialOracle
from engine.bench.living.writer import RELEASE
from engine.cli import run
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.neighbours import neighbours_of
from engine.store.filters import exclude_own_patient
from engine.store.records import StoredQuery
from engine.study import Note, Study
from engine.workspace.workspace import open_workspace

NOUGHT = np.zeros(32, np.uint8)
ROUNDS, READERS = int(os.environ.get("CASEBIND_LIVING_ROUNDS", "20")), 3


def test_the_whole_bar_in_short(capsys: pytest.CaptureFixture) -> None:
    words = ["bench", "living", "--seconds", "4", "--threads", "16", "--kills", "2", "--patients", "60", "--json"]
    assert run(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"]
    together, killed = found["together"], found["killed"]
    assert (together["wrong"], together["errors"]) == (0, 0)
    assert (killed["lost"], killed["half"], killed["wrong_after_kill"]) == (0, 0, 0)
    assert together["searches"] > 0 and together["changes"] > 1
    assert killed["acknowledged"] > 0 and killed["unfinished"] > 0


def test_a_withdrawal_is_never_seen_before_an_earlier_insertion(tmp_path: Path, release: Release) -> None:
    rng, wrong, done, rounds = np.random.default_rng(0), [], threading.Event(), ROUNDS

    def alike(name: str) -> list:
        return [replace(one, code=NOUGHT) for one in studies.new_patients(rng, [name])]

    study = Study("text", Note("drawn at random"), "text")
    stored = StoredQuery("q", "ann", study, {}, release.name, NOUGHT, studies.random_embedding(rng))
    with open_workspace(tmp_path, create=True) as place:
        place.durable = False
        for number in range(rounds):
            place.add(studies.COHORT, release.name, release.digest, alike(f"old{number}"))

        seen: list[int] = []

        def read() -> None:
            while not done.is_set():
                options = Options(targets=("cxr",), k=1000)
                near, *_ = neighbours_of(
                    place, release, stored, exclude_own_patient(study, None), options, actor=single_user()
                )
                seen.append(len(near))
                came = sum(one.patient_id.startswith("new") for one in near)
                gone = rounds - (len(near) - came)
                if came - gone not in (0, 1):  # changes alternate: one patient comes, one withdraws
                    wrong.append((came, gone))

        threads = [threading.Thread(target=read) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        for number in range(rounds):
            place.add(studies.COHORT, release.name, release.digest, alike(f"new{number}"))
            place.set_consent(f"old{number}", False, actor=single_user())
        done.set()
        for thread in threads:
            thread.join()
    assert seen and wrong == []


def asked(found: list[tuple[int, str]], low: int, high: int) -> RecordedSearch:
    query = np.zeros(4, np.uint64)
    return RecordedSearch(query, 2, 64, {"cxr": 64}, "p9", None, {"cxr": found}, low, high)


def test_only_answers_of_one_version_are_right() -> None:
    history = History()
    for begun, names in enumerate((("a", "b"), ("c",)), start=1):
        history.begun = begun
        for name in names:
            history.on_added(Life(name, f"p{name}", "cxr", "F", (0, 0, 0, 0), 0))
    history.begun = 3
    history.on_removed("a")
    history.begun = 4
    history.on_consent("pb", False)
    judge = SerialOracle(history)
    assert judge.right(asked([(0, "a"), (0, "b")], 1, 1))
    assert judge.right(asked([(0, "b"), (0, "c")], 1, 3))
    assert not judge.right(asked([(0, "b"), (0, "c")], 1, 2))  # not yet
    assert not judge.right(asked([(0, "a"), (0, "c")], 1, 4))  # no version holds just these as the nearest
    assert not judge.right(asked([(0, "b"), (0, "a")], 1, 1))  # ties go to the smaller id
    assert judge.right(asked([(0, "c")], 4, 4))
    assert not judge.right(asked([(0, "b"), (0, "c")], 4, 4))


def test_a_lost_row_a_half_batch_and_a_forgotten_consent_are_noticed(tmp_path: Path) -> None:
    rng, known = np.random.default_rng(1), kill.ExpectedState()
    batch = studies.new_patients(rng, ["v0-0-0", "v0-0-1"])
    codes = {one.row.study_id: studies.life_of(one).words for one in batch}
    with open_workspace(tmp_path, create=True) as place:
        place.add(studies.COHORT, RELEASE, "0" * 64, batch)
        known.apply({"do": "insert", "codes": codes})
        assert kill.compare(place, known, []) == ([], 0)
        with place.database.write() as cursor:
            cursor.execute("DELETE FROM embeddings WHERE study_id = 'v0-0-0-cxr'")
        known.granted["v0-0-1"] = False
        known.audits.add(12345)
        lost, _ = kill.compare(place, known, [])
        assert sorted(lost) == ["audit row 12345", "consent of v0-0-1", "study v0-0-0-cxr"]
        new = studies.new_patients(rng, ["v0-0-2"])
        step = {"do": "insert", "codes": {one.row.study_id: studies.life_of(one).words for one in new}}
        place.add(studies.COHORT, RELEASE, "0" * 64, new[:1])
        assert kill.compare(place, known, [step])[1] == 1
