"""A workspace of open recordings: queries like its own raise no alarm; swapped electrodes and lead I alone do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.once import Once

from engine.actor import Actor, single_user
from engine.datasets.open_recordings import recordings as listed
from engine.errors import NotPermittedError, UsageError
from engine.intake.quality.judge import choose_window
from engine.learning import promotion
from engine.model.release import load_release
from engine.monitor.rule import SIGNALS
from engine.monitor.run import FOLDER, run
from engine.monitor.watched import look, misleading
from engine.monitor.worker import RESULTS, TASKS, read_results
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.settings import ROOT
from engine.store import alarms, observations
from engine.store.alarms import acknowledge
from engine.store.records import Cohort, NewStudy, StudyRow
from engine.study import Study, Trace, fingerprint
from engine.workspace.workspace import Workspace, open_workspace

ANN = single_user()
WARD = Cohort("ward", "CC BY 4.0", "PTB-XL", False, "its publisher", ids="keep")
SOURCE = "WFDB"
HELD, ASKED = 80, 80  # patients of the collection, and others who are asked about
SWAPS = {"II": "III", "III": "II", "aVR": "aVL", "aVL": "aVR"}


def swapped(study: Study) -> Study:
    """Return an ECG recorded with the electrodes of the arms exchanged."""
    trace, rows = study.searched_trace, {}
    for lead in trace.leads:
        row = trace.samples[trace.leads.index(SWAPS.get(lead, lead))]
        rows[lead] = -row if lead == "I" else row
    return of_trace(study, Trace(np.stack([rows[lead] for lead in trace.leads]), trace.leads, trace.fs, trace.units))


def lead_one(study: Study) -> Study:
    """Return the first lead alone, as a watch records it."""
    trace = study.searched_trace
    return of_trace(study, Trace(trace.samples[:1], trace.leads[:1], trace.fs, trace.units))


def of_trace(study: Study, trace: Trace) -> Study:
    return replace(study, content=trace, window_s=None, fingerprint=fingerprint(trace))


def studies(folder: Path) -> list[Study]:
    """Return one 12-lead ECG of each patient, in the order of the patients."""
    first = {one.patient_id: one for one in reversed(listed(folder, "valid", "ecg")) if one.dataset == "PTB-XL"}
    chosen = [first[name] for name in sorted(first)][: HELD + ASKED]
    made = [(one, choose_window(one.study())) for one in chosen]
    facts = [{"patient_id": one.patient_id, "age": one.age, "sex": one.sex} for one, _ in made]
    return [
        replace(study, recognised=f"{SOURCE}, 12 leads", facts=fact, fingerprint=fingerprint(study.content))
        for (_, study), fact in zip(made, facts, strict=True)
    ]


@pytest.fixture(scope="module")
def ecgs(recordings: Path) -> list[Study]:
    return studies(recordings)


@pytest.fixture(scope="module")
def ward(once: Once, ecgs: list[Study]) -> Path:
    """A workspace whose collection is the first patients, and that was asked about the others."""

    def build(folder: Path) -> None:
        release = load_release()
        with open_workspace(folder / "ws", create=True) as place:
            vectors = release.embed(ecgs[:HELD])
            codes, batch = release.codes(vectors, "ecg"), []
            for number, study in enumerate(ecgs[:HELD]):
                name = f"s{number:03d}"
                facts = {key: study.facts[key] for key in ("age", "sex")}
                row = StudyRow(
                    name, study.facts["patient_id"], f"e{number}", "ward", "ecg", fingerprint=study.fingerprint, **facts
                )
                batch.append(NewStudy(row, f"key-{name}", study, vectors[number], codes[number]))
            place.add(WARD, release.name, release.digest, batch)
            ask(place, ecgs[HELD:])

    return once.made("ward", build) / "ws"


@pytest.fixture
def place(ward: Path, tmp_path: Path):
    with open_workspace(shutil.copytree(ward, tmp_path / "ws")) as opened:
        yield opened


def ask(place: Workspace, asked: Iterable[Study]) -> None:
    release = load_release()
    for study in asked:
        search(place, release, study, Options(targets=("ecg",), k=3), actor=ANN)


def again(asked: Iterable[Study], change: Callable[[Study], Study], source: str) -> list[Study]:
    """Return changed recordings of the same patients from another source."""
    return [replace(change(one), recognised=f"{source}, some leads") for one in asked]


def test_queries_like_those_of_the_release_raise_no_alarm(place: Workspace) -> None:
    found = run(place, load_release(), actor=ANN)
    assert found.alarms == ()
    seen = look(place, load_release(), actor=ANN)
    looked_at = {one.signal: one for one in seen.signals if one.windows}
    assert set(looked_at) == set(SIGNALS) - {"ratings"}
    assert looked_at["embedding"].queries == ASKED and looked_at["embedding"].waiting == 0
    assert looked_at["embedding"].windows[-1].reference == "PTB-XL"
    assert run(place, load_release(), actor=ANN).windows == 0, "what was looked at is not looked at again"


@pytest.mark.parametrize(("name", "change"), [("swapped", swapped), ("lead I", lead_one)])
def test_a_changed_recording_is_noticed_within_fifty_queries_and_said(
    place: Workspace, ecgs: list[Study], name: str, change: Callable[[Study], Study]
) -> None:
    release = load_release()
    run(place, release, actor=ANN)
    ask(place, again(ecgs[HELD : HELD + 50], change, name))
    raised = {one.signal: one for one in run(place, release, actor=ANN).alarms}
    assert raised["embedding"].source == name and raised["embedding"].queries <= 50
    assert {one.source for one in raised.values()} == {name}, "the other source goes on as before"
    assert misleading(place, "ecg", name) is not None
    assert misleading(place, "ecg", SOURCE) is None
    kinds = [row.kind for row in place.audit_rows()]
    assert kinds.count("alarm") == len(raised) and kinds.count("monitored") == 2
    assert run(place, release, actor=ANN).alarms == (), "an alarm that stands is raised once"


def test_an_alarm_is_acknowledged_with_a_reason_by_whoever_may(place: Workspace, ecgs: list[Study]) -> None:
    release = load_release()
    ask(place, again(ecgs[HELD : HELD + 60], lead_one, "watch"))
    run(place, release, actor=ANN)
    stands = next(one for one in alarms.standing(place.database) if one.signal == "embedding")
    assert stands.level == alarms.STOP and promotion.standing_alarms(place)
    with pytest.raises(UsageError, match="reason is too short"):
        acknowledge(place.database, stands.number, "expected", "ok", actor=ANN)
    reader = Actor("rita", roles=("reader",), signed_in=True)
    with pytest.raises(NotPermittedError):
        acknowledge(place.database, stands.number, "expected", "the new watches of the ward", actor=reader)
    acknowledge(place.database, stands.number, "expected", "the new watches of the ward", actor=ANN)
    assert stands.number not in [one.number for one in alarms.standing(place.database)]
    with pytest.raises(UsageError, match="No alarm"):
        acknowledge(place.database, stands.number, "mended", "it was done before", actor=ANN)
    ask(place, again(ecgs[:HELD][:20], lead_one, "watch"))  # other patients, as the source is
    found = run(place, release, actor=ANN)
    assert "embedding" not in [one.signal for one in found.alarms], "the source is compared with itself from now on"
    seen = {(one.source, one.signal): one for one in look(place, release, actor=ANN).signals}
    assert seen["watch", "embedding"].windows[-1].reference == "own"


def test_a_killed_run_goes_on_after_its_last_window(place: Workspace) -> None:
    killed = threading.Event()

    def kill() -> None:
        while not read_results(place.path / FOLDER):
            time.sleep(0.005)
        (pid,) = subprocess.run(
            ["pgrep", "-f", f"engine.monitor.worker {place.path / FOLDER}"], capture_output=True, text=True, check=True
        ).stdout.split()
        os.kill(int(pid), signal.SIGKILL)
        killed.set()

    threading.Thread(target=kill, daemon=True).start()
    with pytest.raises(Exception, match="goes on"):
        run(place, load_release(), actor=ANN)
    assert killed.wait(60)
    before = (place.path / FOLDER / RESULTS).read_bytes().rpartition(b"\n")[0]
    tasks = len(json.loads((place.path / FOLDER / TASKS).read_text()))
    assert 0 < len(before.split(b"\n")) < tasks
    subprocess.run([sys.executable, "-m", "engine.monitor.worker", str(place.path / FOLDER)], cwd=ROOT, check=True)
    assert (place.path / FOLDER / RESULTS).read_bytes().startswith(before), "nothing is computed twice"
    assert run(place, load_release(), actor=ANN).windows >= tasks


def test_withdrawn_and_erased_patients_leave_queries_and_reference(place: Workspace, ecgs: list[Study]) -> None:
    release = load_release()
    base = release.base
    held, asked = ecgs[0].facts["patient_id"], ecgs[HELD].facts["patient_id"]
    before = len(observations.stream(place.database, base))
    ask(place, [of_trace(ecgs[0], ecgs[0].trace)])  # a query of a patient who is in the collection
    assert len(observations.stream(place.database, base)) == before + 1
    known = len(observations.collection(place.database, release.name, "ecg")["patient"])
    place.set_consent(held, False, actor=ANN)
    assert len(observations.stream(place.database, base)) == before
    assert len(observations.collection(place.database, release.name, "ecg")["patient"]) == known - 1
    from engine.workspace.erasure import erase

    erase(place.storage, [held], actor=ANN)
    rows = place.database.read("SELECT count(*) FROM observations WHERE patient_id = ?", [held])
    assert rows == [(0,)]
    assert place.database.read("SELECT count(*) FROM observations WHERE patient_id = ?", [asked]) == [(1,)]


def test_a_refusal_is_kept_with_its_modality_cause_and_measures(place: Workspace) -> None:
    trace = Trace(np.zeros((1, 1000), np.float32), ("II",), 100.0, "mV")
    flat = Study("ecg", trace, "CSV table, 1 lead", fingerprint=fingerprint(trace))
    answer = search(place, load_release(), flat, Options(), actor=ANN)
    assert not answer.verdict.accepted
    ((cause, measures),) = place.database.read("SELECT cause, measures FROM observations WHERE NOT accepted")
    named = [one for one in answer.verdict.measures if one.name.endswith(cause)]
    assert named and not all(one.passed for one in named)
    assert json.loads(measures)[named[0].name] == pytest.approx(named[0].value)
    row = next(row for row in place.audit_rows() if row.kind == "refused")
    assert row.audit_id == answer.audit_id
    assert row.about == {"modality": "ecg", "cause": cause}
    assert place.query(answer.query_id, actor=ANN) is None, "no content of it is stored"
