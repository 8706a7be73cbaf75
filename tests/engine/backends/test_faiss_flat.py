"""A workspace whose `index.backend` is faiss: the same answers through every change, in a search and in the shell."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from helpers.answers import stored_answers
from helpers.many_studies import DIGEST, RELEASE, crowd, oracle, permitted
from helpers.sites import check, code, every_change, films, found
from helpers.studies import COHORT

from engine.actor import single_user
from engine.backends import snapshots
from engine.backends.faiss_flat import FaissBackend
from engine.backends.setting import IndexSetting, write_setting
from engine.cli import run
from engine.model.release import Release
from engine.store.filters import Filters
from engine.workspace.workspace import Workspace, open_workspace


def searched_by_faiss(folder: Path) -> Workspace:
    """Return a new workspace that faiss searches."""
    open_workspace(folder, create=True).close()
    write_setting(folder, IndexSetting("faiss"))
    return open_workspace(folder)


def test_every_change_counts_at_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with searched_by_faiss(tmp_path) as place:
        assert isinstance(place.backend, FaissBackend)
        crowd(place, rng, 400, patients=150)
        every_change(place, rng)


def test_filters_are_one_mask(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    with searched_by_faiss(tmp_path) as place:
        crowd(place, rng, 500)
        place.add(COHORT, RELEASE, DIGEST, films(rng, range(20), age=50.0, sex="F"))
        place.set_consents(["p3", "p4"], False, actor=single_user())
        both = Filters(age_min=40, age_max=60, sex="F")
        check(place, rng, both, "s.age BETWEEN 40 AND 60 AND s.sex = 'F'")
        check(place, rng, Filters(cohorts=("nowhere",)), "false")


def test_a_new_base_is_searched_and_the_old_one_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "COMPACT_FROM", 25)  # so that a base is renewed every few changes
    rng = np.random.default_rng(2)
    with searched_by_faiss(tmp_path) as place:
        crowd(place, rng, 300, patients=100)
        for turn in range(6):
            place.add(COHORT, RELEASE, DIGEST, films(rng, range(20 * turn, 20 * turn + 20)))
            place.snapshots.background.drain()
            check(place, rng)
        assert place.snapshots.latest(RELEASE, ("cxr",))["cxr"].base.n > 300


def test_who_withdraws_while_others_search_is_in_no_later_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    with searched_by_faiss(tmp_path) as place:
        crowd(place, rng, 2000, patients=60)
        query, gone, wrong = code(rng), [], []
        patient_of = {study: patient for study, patient, _ in permitted(place)}
        done = threading.Event()

        def search() -> None:
            while not done.is_set():
                before = set(gone)  # whose withdrawal was acknowledged before this search began
                wrong.extend(study for _, study in found(place, query, 30, 256)[0] if patient_of[study] in before)

        threads = [threading.Thread(target=search) for _ in range(4)]
        for thread in threads:
            thread.start()
        for patient in [f"p{number}" for number in range(0, 60, 3)]:
            place.set_consent(patient, False, actor=single_user())
            gone.append(patient)
        done.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert found(place, query, 60, 256)[0] == oracle(permitted(place), query, 60, 256)


def test_a_query_finds_the_same_as_by_the_local_backend(workspace_folder: Path, release: Release) -> None:
    local = stored_answers(workspace_folder, release)
    write_setting(workspace_folder, IndexSetting("faiss"))
    by_faiss = stored_answers(workspace_folder, release)
    assert [one.neighbours for one in by_faiss] == [one.neighbours for one in local]
    assert [one.nothing_close for one in by_faiss] == [one.nothing_close for one in local]
    assert all(one.neighbours for one in local)


def said(capsys: pytest.CaptureFixture, *words: object) -> tuple[int, str]:
    return run([str(word) for word in words]), capsys.readouterr().out


def test_the_shell_sets_it_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    open_workspace(tmp_path, create=True).close()
    place = ("--workspace", tmp_path)
    assert said(capsys, "cluster", "use", "faiss", *place) == (
        0,
        f"{tmp_path} is searched in this process by faiss from its next opening on.\n",
    )
    assert said(capsys, "cluster", "status", *place) == (0, "faiss: the codes are searched in this process by faiss.\n")
    _, report = said(capsys, "doctor", *place)
    assert "index.backend faiss" in report
    assert "faiss-cpu" in report
    assert "faiss finds the same" in report


def test_where_faiss_is_missing_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    open_workspace(tmp_path, create=True).close()
    words = ["cluster", "use", "faiss", "--workspace", str(tmp_path)]
    code = f"import sys; sys.modules['faiss'] = None; from engine.cli import main; main({words!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "faiss-cpu" in done.stderr
