"""One person over time: the same neighbours as a search, counted; nobody else's; one act of the record."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from helpers.recording_files import zipped
from helpers.wearable_exports import apple_ecg, e4_session, ecg, pulse

from engine.actor import single_user
from engine.errors import UsageError
from engine.findings import findings
from engine.model.release import Release
from engine.retrieval.search import Options, search_stored
from engine.wearable import trend as over_time
from engine.wearable.archive import Export
from engine.wearable.rule import KeepRule
from engine.wearable.taking import Whose, take_in
from engine.wearable.trend import NEIGHBOURS, TrendPoint, binned, kinds, people, trend
from engine.wearable.windows import survey
from engine.workspace.workspace import Workspace

DAY = datetime(2019, 6, 11, 9, 3, 45)
ME = single_user()


@pytest.fixture
def patient(workspace: Workspace, release: Release) -> str:
    """A person with two ECGs, and a pulse recording that passes an hour."""
    files = {f"ecg_{n}.csv": apple_ecg(ecg(30, 512, n, 70 + 20 * n), DAY + timedelta(days=n)) for n in range(2)}
    files["BVP.csv"] = e4_session(pulse(300, 64), DAY.replace(minute=58))["BVP.csv"]
    with Export(zipped(files)) as export:
        found = survey(export, KeepRule(), workspace.key)
        return take_in(workspace, release, found, Whose("4711"), KeepRule(), actor=ME).patient_id


def test_a_point_counts_what_a_search_returns(workspace: Workspace, release: Release, patient: str) -> None:
    assert kinds(workspace, patient, actor=ME) == ["ecg", "ppg"]
    found = trend(workspace, release, patient, "ecg", "ecg", actor=ME)
    assert [round(point.rate or 0) for point in found.points] == pytest.approx([70, 90], abs=3)
    assert found.shifted
    for point in found.points:
        options = Options(targets=("ecg",), k=NEIGHBOURS)
        answer = search_stored(workspace, release, point.study_id, options, actor=ME)
        assert point.nearest == answer.neighbours[0].hamming
        assert point.close is not answer.nothing_close["ecg"]
        assert point.labelled == sum(bool(one.labels) for one in answer.neighbours)
        for finding in findings(answer.neighbours[0].labels):
            carrying = sum(finding in findings(one.labels) for one in answer.neighbours)
            assert point.carrying[finding] == carrying
        assert patient not in {one.patient_id for one in answer.neighbours}


def test_it_is_one_act_of_the_record(workspace: Workspace, release: Release, patient: str) -> None:
    trend(workspace, release, patient, "ppg", "cxr", actor=ME)
    (act,) = (row for row in workspace.audit_rows() if row.kind == "trend")
    assert (act.about["recordings"], act.about["of"], act.about["into"]) == (2, "ppg", "cxr")
    assert {row.modality for row in workspace.rows(act.returned, actor=ME)} == {"cxr"}


def test_who_has_several_moments_is_listed_until_they_withdraw(
    workspace: Workspace, release: Release, patient: str
) -> None:
    listed = {one.patient_id: one.recordings for one in people(workspace, actor=ME)}
    assert listed[patient] == 4
    assert over_time.has_exports(workspace, actor=ME)
    workspace.set_consent(patient, False, actor=ME)
    assert patient not in {one.patient_id for one in people(workspace, actor=ME)}
    assert not over_time.has_exports(workspace, actor=ME)
    with pytest.raises(UsageError, match="choose another one"):
        trend(workspace, release, patient, "ecg", "ecg", actor=ME)


def test_hours_and_days_gather_points_and_leave_out_what_nothing_is_close_to() -> None:
    def point(hour: int, rate: float | None, *, close: bool = True) -> TrendPoint:
        at = DAY.replace(hour=hour)
        return TrendPoint(f"s{hour}", at, rate, 60 + hour, close, 4, {"atrial_fibrillation": 1, "normal": 3})

    points = [point(9, 60.0), point(9, 80.0), point(10, None, close=False)]
    first, second = binned(points, "atrial_fibrillation", "hour")
    assert (first.recordings, first.rate, first.neighbours, first.carrying, first.nearest) == (2, 70.0, 8, 2, 69.0)
    assert (second.recordings, second.rate, second.neighbours, second.carrying) == (1, None, 0, 0)
    (day,) = binned(points, "ectopy", "day")
    assert (day.recordings, day.neighbours, day.carrying) == (3, 8, 0)
    assert points[0].share("atrial_fibrillation") == 0.25
    assert points[2].share("atrial_fibrillation") is None
