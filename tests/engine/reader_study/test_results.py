"""Results of a closed study: arrays, files that other programs read, and an analysis that finds what is there."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from helpers import van_dyke
from helpers.reader_studies import FINDING, MAKER, PLAN, made, read_session, reader

from engine.actor import Actor, single_user
from engine.errors import NotPermittedError, UsageError
from engine.plain_text import csv_text
from engine.reader_study import analysis, design, export, results
from engine.reader_study.reading import ReadingAnswer
from engine.reader_study.results import ClosedReaderStudy
from engine.store.reader_studies import Reading
from engine.workspace.workspace import Workspace, open_workspace

READERS = ("ann", "bob", "cem")
AT_ONCE = replace(PLAN, readers=READERS, washout_days=0)


def judge_by(workspace: Workspace, seed: int) -> Callable[[Reading], ReadingAnswer]:
    """Return a reader who guesses without neighbours, and knows more and is faster with them."""
    rng = np.random.default_rng(seed)

    def judge(one: Reading) -> ReadingAnswer:
        labels = workspace.row(one.study_id, actor=single_user()).labels
        signal = 30 * (FINDING in labels) * (one.arm == "with")
        rating = int(np.clip(40 + signal + rng.normal(0, 12), 0, 100))
        return ReadingAnswer((rating,), (rating > 50,), 10.0 if one.arm == "with" else 20.0)

    return judge


@dataclass(frozen=True)
class ReadStudy:
    """A workspace with a study that every reader has read, and which was closed."""

    workspace: Workspace
    closed: ClosedReaderStudy


@pytest.fixture(scope="module")
def read(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadStudy]:
    """Three readers have read everything; for tests that change nothing."""
    with open_workspace(shutil.copytree(small_demo, tmp_path_factory.mktemp("read") / "ws")) as place:
        study = made(place, AT_ONCE)
        for seed, name in enumerate(READERS):
            read_session(place, study, reader(name), judge=judge_by(place, seed))
        design.close(place, study.reader_study_id, actor=MAKER)
        yield ReadStudy(place, results.closed(place, study.reader_study_id, actor=MAKER))


def test_nobody_reads_results_before_the_study_is_closed_and_whoever_does_is_in_the_record(workspace) -> None:
    study = made(workspace)
    with pytest.raises(UsageError, match="is open, so nobody sees answers"):
        results.closed(workspace, study.reader_study_id, actor=MAKER)
    design.close(workspace, study.reader_study_id, actor=MAKER)
    with pytest.raises(NotPermittedError):
        results.closed(workspace, study.reader_study_id, actor=reader("ann"))
    results.closed(workspace, study.reader_study_id, actor=MAKER)
    results.closed(workspace, study.reader_study_id, actor=MAKER, export=True)
    kinds = [one.kind for one in workspace.audit_rows()][:3]
    assert set(kinds[:2]) == {"reader study analysed", "export"}


def test_exporting_asks_for_the_right_to_export(workspace) -> None:
    kim = Actor("kim", session="k", roles=("curator",), signed_in=True)
    study = made(workspace, actor=kim)
    design.close(workspace, study.reader_study_id, actor=kim)
    now_learner = replace(kim, roles=("learner",))
    with pytest.raises(NotPermittedError, match="your roles"):
        results.closed(workspace, study.reader_study_id, actor=now_learner, export=True)
    assert results.closed(workspace, study.reader_study_id, actor=kim, export=True).readings == ()


def test_arrays_hold_every_reading_in_its_arm_with_the_truth_of_its_case(read) -> None:
    workspace, closed = read.workspace, read.closed
    found = results.crossed(closed)
    assert found.ratings.shape == (2, 3, 8) and found.truth.sum() == 4 and found.left_out == 0
    assert (found.seconds[0] == 20).all() and (found.seconds[1] == 10).all()
    by_key = {(one.arm, one.reader, one.number): one for one in closed.readings}
    for at, number in enumerate(found.numbers):
        one = by_key["with", 2, number]
        assert one.judgement is not None and found.ratings[1, 1, at] == one.judgement.ratings[0]
        assert found.truth[at] == (FINDING in workspace.row(one.study_id, actor=single_user()).labels)
    assert found.certainty == pytest.approx(np.abs(found.ratings - 50) / 50)


def test_the_analysis_finds_the_readers_who_got_better_and_faster(read) -> None:
    (found,) = analysis.of_study(read.closed)
    auc = found.figures[0]
    assert [one.name for one in found.figures] == ["auc", "sensitivity", "specificity"]
    assert (found.readers, found.cases, found.present) == (3, 8, 4)
    assert auc.result.primary.value > 0.1
    assert found.time_ratio is not None and found.time_ratio.value == pytest.approx(0.5)
    assert found.seconds == (20, 10)
    shown = found.to_json()
    assert shown["n"] == {"readers": 3, "cases": 8, "present": 4, "left_out": 0}
    assert shown["auc"]["difference"]["value"] == pytest.approx(auc.result.primary.value)


def test_cases_that_not_every_reader_read_are_left_out_and_counted(workspace) -> None:
    study = made(workspace, replace(AT_ONCE, readers=("ann", "bob")))
    for seed, name in enumerate(("ann", "bob")):
        read_session(workspace, study, reader(name), judge=judge_by(workspace, seed))
    with workspace.database.write() as cursor:
        cursor.execute("DELETE FROM reader_study_answers WHERE reader = 1 AND session = 2 AND number IN (1, 2)")
    design.close(workspace, study.reader_study_id, actor=MAKER)
    closed = results.closed(workspace, study.reader_study_id, actor=MAKER)
    found = results.crossed(closed)
    assert closed.missing == 2 and found.left_out == 2 and set(found.numbers) == set(range(3, 9))
    assert analysis.analysed(found, 0.05, "delong").left_out == 2


def test_a_study_that_nobody_finished_has_no_analysis_and_says_why(workspace) -> None:
    study = made(workspace, AT_ONCE)
    design.close(workspace, study.reader_study_id, actor=MAKER)
    closed = results.closed(workspace, study.reader_study_id, actor=MAKER)
    assert closed.missing == 48
    with pytest.raises(UsageError, match="that every reader read in both arms"):
        analysis.of_study(closed)


def test_the_long_csv_names_no_reader_and_no_study_and_gives_the_same_analysis(read, tmp_path) -> None:
    closed = read.closed
    words = export.as_long(closed)
    rows = list(csv.DictReader(io.StringIO(words)))
    assert list(rows[0]) == list(export.COLUMNS) and len(rows) == 2 * 3 * 8
    assert {row["reader"] for row in rows} == {"R1", "R2", "R3"}
    assert not any(name in words for name in READERS)
    assert not any(one.study_id in words for one in closed.readings)
    file = tmp_path / "study.csv"
    file.write_text(words, encoding="utf-8")
    readings, arms = analysis.read_long(file)
    again = analysis.analysed(readings[FINDING], 0.05, closed.protocol.covariances, arms)
    (found,) = analysis.of_study(closed)
    assert arms == ("without", "with")
    assert again.to_json()["auc"] == found.to_json()["auc"]
    assert again.to_json()["time_ratio"] == found.to_json()["time_ratio"]


def test_the_imrmc_file_has_the_truth_of_each_case_and_a_score_of_each_reading(read) -> None:
    """Read as RJafroc's reader does: a head of counts, then reader, case, modality and score, truth as reader -1."""
    closed = read.closed
    head, body = export.as_imrmc(closed).split("BEGIN DATA:\n")
    counts = dict(line.split(": ") for line in head.splitlines()[1:] if line)
    assert counts == {"N0": "4", "N1": "4", "NR": "3", "NM": "2"}
    rows = [line.split(",") for line in body.splitlines()]
    assert all(len(row) == 4 for row in rows)
    truth = {row[1]: row[3] for row in rows if row[0] == "-1"}
    scores = {(row[2], row[0], row[1]): float(row[3]) for row in rows if row[0] != "-1"}
    assert sorted(truth.values()) == ["0"] * 4 + ["1"] * 4 and len(scores) == 2 * 3 * 8
    found = results.crossed(closed)
    assert scores["2", "1", str(found.numbers[0])] == found.ratings[1, 0, 0]


def test_van_dykes_file_gives_what_is_published(tmp_path) -> None:
    ratings, truth = van_dyke.ratings()
    file = tmp_path / "van-dyke.csv"
    rows = [
        (reader, arm, case, int(truth[case]), ratings[arm, reader, case])
        for arm in range(2)
        for reader in range(5)
        for case in range(len(truth))
    ]
    file.write_text(csv_text(("reader", "treatment", "case", "truth", "rating"), rows), encoding="utf-8")
    (found,), arms = (list(part) for part in analysis.read_long(file))
    readings, _ = analysis.read_long(file)
    result = analysis.analysed(readings[found], 0.05, "jackknife", (arms[0], arms[1])).to_json()
    assert result["auc"]["difference"] == pytest.approx(van_dyke.DIFFERENCE, abs=1e-6)
    assert result["auc"]["components"] == pytest.approx(van_dyke.COMPONENTS, abs=1e-10)
    assert "sensitivity" not in result and result["time_ratio"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "no column"),
        ("reader,case,truth,rating\n1,1,1,1\n", "no column 'treatment'"),
        ("reader,treatment,case,truth\n1,a,1,1\n", "no column 'rating'"),
        ("reader,treatment,case,truth,rating\n1,a,1,1,1\n", "1 arms"),
        ("reader,treatment,case,truth,rating\n1,a,1,1,x\n1,b,1,1,2\n", "rating that is no number"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path, words, said) -> None:
    file = tmp_path / "some.csv"
    file.write_text(words, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        analysis.read_long(file)


def test_several_findings_are_analysed_each_the_first_one_first(workspace) -> None:
    plan = replace(AT_ONCE, findings=(FINDING, "sinus rhythm"), readers=("ann",))
    study = made(workspace, plan)
    for name in plan.readers:
        read_session(
            workspace,
            study,
            reader(name),
            judge=lambda one: ReadingAnswer((one.number * 5, 100 - one.number), (True, False), 5),
        )
    design.close(workspace, study.reader_study_id, actor=MAKER)
    found = analysis.of_study(results.closed(workspace, study.reader_study_id, actor=MAKER))
    assert [one.finding for one in found] == list(plan.findings)
    assert found[0].figures[0].values[0] != found[1].figures[0].values[0]


def test_the_washout_is_in_the_file(workspace) -> None:
    study = made(workspace, replace(PLAN, washout_days=3, readers=("ann",)))
    last = read_session(workspace, study, reader("ann"))
    read_session(workspace, study, reader("ann"), last + timedelta(days=3))
    design.close(workspace, study.reader_study_id, actor=MAKER)
    rows = list(
        csv.DictReader(io.StringIO(export.as_long(results.closed(workspace, study.reader_study_id, actor=MAKER))))
    )
    assert {row["washout_days"] for row in rows if row["session"] == "1"} == {""}
    assert all(float(row["washout_days"]) >= 2.9 for row in rows if row["session"] == "2")
