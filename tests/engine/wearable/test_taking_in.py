"""An export into a workspace: one person, times moved by whole weeks, nothing twice, and through the command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from helpers.recording_files import zipped
from helpers.wearable_exports import apple_ecg, apple_export, e4_session, ecg, pulse

from engine.actor import single_user
from engine.cli import run
from engine.errors import UsageError
from engine.model.release import Release
from engine.store.records import StudyRow
from engine.wearable.archive import Export
from engine.wearable.rule import KeepRule
from engine.wearable.taking import TakenIn, Whose, take_in
from engine.wearable.windows import survey
from engine.workspace.workspace import Workspace, open_workspace

DAY = datetime(2019, 6, 11, 9, 58, 45)  # a Tuesday
WAVE = pulse(300, 64)
EXPORT = zipped(
    {
        "apple_health_export/electrocardiograms/ecg_2019-06-11.csv": apple_ecg(ecg(30, 512), DAY, "fr"),
        "session.zip": zipped(e4_session(WAVE, DAY)),
    }
)


def take(place: Workspace, release: Release, data: bytes = EXPORT, whose: Whose = Whose("4711")) -> TakenIn:  # noqa: B008
    with Export(data) as export:
        found = survey(export, KeepRule(), place.key)
        return take_in(place, release, found, whose, KeepRule(), actor=single_user())


def rows_of(place: Workspace, taken: TakenIn) -> Sequence[StudyRow]:
    rows = place.of_patient(taken.patient_id, actor=single_user())
    return sorted(rows, key=lambda row: (row.acquired_at or "", row.modality))


def test_windows_are_studies_of_one_person_with_their_times(workspace: Workspace, release: Release) -> None:
    taken = take(workspace, release)
    rows = rows_of(workspace, taken)
    assert [row.modality for row in rows] == ["ecg", "ppg", "ppg"]  # the pulse wave passes ten o'clock
    moments = [datetime.fromisoformat(row.acquired_at or "") for row in rows]
    assert {(moment.hour, moment.weekday()) for moment in moments} == {(9, 1), (10, 1)}
    moved = DAY - moments[0]
    assert moved % timedelta(weeks=1) == timedelta(0)
    assert timedelta(weeks=1) <= moved <= timedelta(weeks=104)
    assert rows[0].extra["device_printed"] == "Rythme sinusal"
    assert rows[0].labels == ()
    assert len({row.encounter_id for row in rows}) == 2
    window = workspace.study_of(rows[1]).trace
    start = round(((moments[1] + moved - DAY).total_seconds()) * 64)
    np.testing.assert_allclose(window.samples[0], WAVE[start : start + 640], atol=0.01)
    assert "4711" not in repr(rows)


def test_the_same_export_again_and_a_longer_one_bring_nothing_twice(workspace: Workspace, release: Release) -> None:
    first = take(workspace, release)
    assert (first.ingested, first.already) == (3, 0)
    assert (take(workspace, release).ingested, take(workspace, release).already) == (0, 3)
    longer = zipped({"a.zip": EXPORT[:0] or zipped(e4_session(WAVE, DAY)), "b.csv": apple_ecg(ecg(30, 512, 3), DAY)})
    assert (second := take(workspace, release, longer)).ingested == 1
    assert second.already == 2


@pytest.mark.parametrize(("dates", "kept"), [("keep", "2019-06-11T09:58:45"), ("year", "2019")])
def test_times_stay_or_shrink_where_that_is_said(workspace: Workspace, release: Release, dates: str, kept: str) -> None:
    whose = Whose("4711", dates="keep" if dates == "keep" else "year")
    taken = take(workspace, release, apple_export({"e.csv": apple_ecg(ecg(30, 512), DAY)}), whose)
    assert [row.acquired_at for row in rows_of(workspace, taken)] == [kept]


def test_two_people_are_moved_by_weeks_of_their_own(workspace: Workspace, release: Release) -> None:
    first, *others = (take(workspace, release, whose=Whose(f"{n}", cohort=f"c{n}")).patient_id for n in range(4))
    assert first not in others
    assert len({first, *others}) == 4


def test_who_is_here_already_is_met_by_their_id(workspace: Workspace, release: Release) -> None:
    known = workspace.rows(actor=single_user())[0].patient_id
    assert take(workspace, release, whose=Whose(known)).patient_id == known
    again = take(workspace, release, whose=Whose("4711", cohort="other"))
    assert take(workspace, release, whose=Whose(again.patient_id, cohort="other")).patient_id == again.patient_id


@pytest.mark.parametrize("whose", [Whose(" "), Whose("4711", cohort=" "), Whose("p-0123456789abcdef")])
def test_nobody_is_taken_in_for_nobody(workspace: Workspace, release: Release, whose: Whose) -> None:
    with pytest.raises(UsageError, match=r"say|Nobody here"):
        take(workspace, release, whose=whose)


def test_the_command_lists_and_takes_in(
    workspace_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "export.zip"
    file.write_bytes(EXPORT)
    assert run(["wearable", str(file), "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["recordings"]
    found = {(one["source"], one["judged"], one["best"]) for one in listed}
    assert found == {("Apple Watch", 1, 1), ("Empatica E4", 30, 2)}
    place = ["--workspace", str(workspace_folder)]
    assert run(["wearable", str(file), "--patient", "4711", "--best", "2", "--per", "day", *place]) == 0
    assert "3 ingested, 0 already there, 0 skipped" in capsys.readouterr().out
    assert run(["wearable", str(file), *place]) == 2
    assert "say whose it is" in capsys.readouterr().err
    with open_workspace(workspace_folder) as opened:
        acts = [row for row in opened.audit_rows() if row.kind == "ingest"]
        assert acts[0].about["ingested"] == 3
