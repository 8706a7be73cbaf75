"""Quizzes: fair questions, answers that stay, cases that come back on their day, results that add up."""

from __future__ import annotations

import csv
import io
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.metrics.resampling import wilson
from engine.model.release import Release
from engine.retrieval.search import Filters
from engine.store import quiz_runs
from engine.store.database import Database, migrations
from engine.store.quiz_runs import QuizQuestion, Run
from engine.store.quizzes import Quiz
from engine.teaching import collections, quizzes, results, runs
from engine.teaching.confusable import confusable
from engine.teaching.quizzes import QuizPlan
from engine.workspace.workspace import Workspace, open_workspace

MONDAY = datetime(2026, 3, 2, 15, 0)


@pytest.fixture
def quiz(workspace: Workspace, release: Release) -> Quiz:
    return quizzes.from_filters(
        workspace, release, ("ecg",), Filters(), QuizPlan("Rhythms", n=5, seed=3), actor=single_user()
    ).quiz


def finish(workspace: Workspace, run: Run, right: int, at: datetime | None = None) -> Run:
    """Answer the first `right` questions as labelled and the others otherwise."""
    for one in run.questions:
        wrong = next(option for option in one.options if option not in one.labelled)
        runs.commit(
            workspace,
            run.run_id,
            one.position,
            one.labelled if one.position <= right else [wrong],
            at,
            actor=single_user(),
        )
    return runs.load(workspace, run.run_id, actor=single_user())


def asked(workspace: Workspace, quiz: Quiz) -> tuple[QuizQuestion, ...]:
    return runs.start(workspace, quiz.quiz_id, "someone", order="fixed", actor=single_user()).questions


def test_every_question_has_one_right_option_and_others_the_case_does_not_carry(workspace, quiz) -> None:
    for one in asked(workspace, quiz):
        labels = workspace.row(one.study_id, actor=single_user()).labels
        assert 2 <= len(one.options) <= 5 and len(set(one.options)) == len(one.options)
        assert [option for option in one.options if option in labels] == list(one.labelled)
        assert len(one.labelled) == 1
        assert set(one.options) <= set(workspace.labels("ecg", actor=single_user()))


def test_distractors_come_from_the_nearest_cases_labelled_otherwise(workspace, release, quiz) -> None:
    for one in asked(workspace, quiz):
        labels = workspace.row(one.study_id, actor=single_user()).labels
        near = confusable(workspace, release, one.study_id, "ecg", labels, k=20, actor=single_user())
        first = list(dict.fromkeys(label for neighbour in near for label in neighbour.labels))[:4]
        assert set(first) <= set(one.options)


def test_several_labels_are_asked_for_at_once_where_that_is_chosen(workspace, release) -> None:
    built = quizzes.from_filters(
        workspace, release, ("ecg",), Filters(), QuizPlan("All", n=4, asks="all", seed=1), actor=single_user()
    )
    run = runs.start(workspace, built.quiz.quiz_id, "ann", actor=single_user())
    assert any(len(one.labelled) > 1 for one in run.questions)
    one = next(one for one in run.questions if len(one.labelled) > 1)
    assert not runs.commit(workspace, run.run_id, one.position, one.labelled[:1], actor=single_user()).right
    other = next(another for another in run.questions if another.position != one.position)
    assert runs.commit(
        workspace, run.run_id, other.position, tuple(reversed(other.labelled)), actor=single_user()
    ).right


def test_a_collection_is_asked_in_its_order_without_reports_or_a_patient_twice(workspace, release) -> None:
    one = collections.create(workspace, "mixed", actor=single_user())
    chosen = ["syn-0003-e1-ecg", "syn-0003-e1-text", "syn-0005-e1-cxr", "syn-0001-e1-ecg", "syn-0010-e1-cxr"]
    patients = {workspace.row(study_id, actor=single_user()).patient_id for study_id in chosen}
    twice = next(
        row
        for row in workspace.all_rows()
        if row.encounter_id.endswith("-e2") and row.modality == "ecg" and row.patient_id not in patients
    )
    for study_id in [*chosen, twice.study_id, f"{twice.patient_id}-e1-ecg"]:
        collections.add(workspace, one.collection_id, study_id, note=f"about {study_id}", actor=single_user())
    built = quizzes.from_collection(
        workspace, release, one.collection_id, QuizPlan("mixed", order="fixed"), actor=single_user()
    )
    run = runs.start(workspace, built.quiz.quiz_id, "ann", actor=single_user())
    asked_for = [question.study_id for question in run.questions]
    assert built.reports == 1
    assert len(
        {
            (workspace.row(study, actor=single_user()).patient_id, workspace.row(study, actor=single_user()).modality)
            for study in asked_for
        }
    ) == len(asked_for)
    assert built.same_patient == len(chosen) - 1 + 2 - len(asked_for)
    assert asked_for[:2] == ["syn-0003-e1-ecg", "syn-0005-e1-cxr"]
    assert run.questions[0].note == "about syn-0003-e1-ecg"


def test_no_case_and_no_patient_comes_twice_in_a_large_quiz(workspace, release) -> None:
    plan = QuizPlan("large", n=60, seed=9)
    built = quizzes.from_filters(workspace, release, ("ecg", "ppg", "cxr"), Filters(), plan, actor=single_user())
    rows = [workspace.row(one.study_id, actor=single_user()) for one in asked(workspace, built.quiz)]
    assert len(rows) > 30
    assert len({row.study_id for row in rows}) == len(rows)
    assert len({(row.patient_id, row.modality) for row in rows}) == len(rows)
    assert len({(row.encounter_id, row.modality) for row in rows}) == len(rows)
    assert "text" not in {row.modality for row in rows}


def test_a_filter_on_labels_asks_for_those(workspace, release) -> None:
    filters = Filters(labels=("sinus rhythm",))
    built = quizzes.from_filters(workspace, release, ("ecg",), filters, QuizPlan("sinus", n=3), actor=single_user())
    assert {one.labelled for one in asked(workspace, built.quiz)} == {("sinus rhythm",)}
    with pytest.raises(UsageError, match="No question"):
        quizzes.from_filters(
            workspace, release, ("ecg",), Filters(labels=("no such label",)), QuizPlan("none"), actor=single_user()
        )


def test_confusable_cases_are_of_others_who_consent_and_labelled_otherwise(workspace, release) -> None:
    row = workspace.row("syn-0003-e1-ecg", actor=single_user())
    found = confusable(workspace, release, row.study_id, "ecg", row.labels, actor=single_user())
    assert len(found) == 5
    assert [one.hamming for one in found] == sorted(one.hamming for one in found)
    for one in found:
        assert one.modality == "ecg" and one.labels and not set(one.labels) & set(row.labels)
        assert one.patient_id != row.patient_id
    workspace.set_consent(found[0].patient_id, False, actor=single_user())
    assert found[0].study_id not in {
        one.study_id for one in confusable(workspace, release, row.study_id, "ecg", row.labels, actor=single_user())
    }


def test_one_seed_gives_every_learner_one_order(workspace, quiz) -> None:
    places = {
        alias: [
            one.number
            for one in runs.start(workspace, quiz.quiz_id, alias, order=order, seed=seed, actor=single_user()).questions
        ]
        for alias, order, seed in [("a", "shuffled", 7), ("b", "shuffled", 7), ("c", "shuffled", 8), ("d", "fixed", 7)]
    }
    assert places["a"] == places["b"] != places["d"] == [1, 2, 3, 4, 5]
    assert sorted(places["c"]) == places["d"]


def test_an_answer_stays_and_the_run_goes_on_under_the_same_alias(workspace, workspace_folder, quiz) -> None:
    run = runs.start(workspace, quiz.quiz_id, "  Ann  B ", actor=single_user())
    first = run.current
    given = runs.commit(workspace, run.run_id, first.position, first.options[:1], actor=single_user())
    with pytest.raises(UsageError, match="stays as it was given"):
        runs.commit(workspace, run.run_id, first.position, first.options[1:2], actor=single_user())
    for nonsense in ([], ["no such option"], list(run.questions[1].options[:2])):
        with pytest.raises(UsageError, match="nothing was stored"):
            runs.commit(workspace, run.run_id, run.questions[1].position, nonsense, actor=single_user())
    workspace.close()
    with open_workspace(workspace_folder) as again:
        resumed = runs.start(again, quiz.quiz_id, "ann b", order="fixed", seed=99, actor=single_user())
        assert resumed.run_id == run.run_id and resumed.alias == "Ann B"
        assert resumed.questions[0].given == given
        assert resumed.current.position == 2
        finish_rest(again, resumed)
        assert runs.start(again, quiz.quiz_id, "Ann B", actor=single_user()).run_id == run.run_id
        anew = runs.start(again, quiz.quiz_id, "Ann B", anew=True, actor=single_user())
        assert (anew.attempt, anew.current.position) == (2, 1)
    open_workspace(workspace_folder)  # the fixture closes it


def finish_rest(workspace: Workspace, run: Run) -> None:
    while (one := runs.load(workspace, run.run_id, actor=single_user()).current) is not None:
        runs.commit(workspace, run.run_id, one.position, one.labelled, actor=single_user())


def test_two_tabs_begin_one_run_and_one_answer_counts(workspace, quiz) -> None:
    begun: list[str] = []
    stored: list[str] = []

    def tab(option: int) -> None:
        run = runs.start(workspace, quiz.quiz_id, "ann", actor=single_user())
        begun.append(run.run_id)
        try:
            runs.commit(workspace, run.run_id, 1, run.questions[0].options[option : option + 1], actor=single_user())
            stored.append(run.questions[0].options[option])
        except UsageError:
            pass

    threads = [threading.Thread(target=tab, args=(number % 2,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 6 and len(set(begun)) == 1 and len(stored) == 1
    assert runs.load(workspace, begun[0], actor=single_user()).questions[0].given.chosen == tuple(stored)


def test_missed_cases_come_back_the_next_day_and_known_ones_later(workspace, quiz) -> None:
    run = runs.start(workspace, quiz.quiz_id, "ann", actor=single_user())
    finish(workspace, run, right=3, at=MONDAY)
    missed = {(one.quiz_id, one.number) for one in run.questions[3:]}
    assert runs.due_questions(workspace, "ann", MONDAY, actor=single_user()) == []
    assert set(runs.due_questions(workspace, "ANN", datetime(2026, 3, 3, 6, 0), actor=single_user())) == missed
    assert runs.due_questions(workspace, "bob", MONDAY + timedelta(days=1), actor=single_user()) == []
    assert len(runs.due_questions(workspace, "ann", MONDAY + timedelta(days=30), actor=single_user())) == 5

    practice = runs.practise(workspace, "ann", MONDAY + timedelta(days=1), actor=single_user())
    assert practice.quiz_id is None and len(practice.questions) == 2
    finish(workspace, practice, right=2, at=MONDAY + timedelta(days=1))
    assert runs.due_questions(workspace, "ann", MONDAY + timedelta(days=1), actor=single_user()) == []
    with pytest.raises(UsageError, match="No case is due"):
        runs.practise(workspace, "ann", MONDAY + timedelta(days=1), actor=single_user())
    assert (
        results.results(workspace, quiz.quiz_id, actor=single_user()).learners[0].share.n == 5
    )  # practice is no part of the class's results


def test_who_withdraws_leaves_run_practice_and_results(workspace, quiz) -> None:
    run = finish(workspace, runs.start(workspace, quiz.quiz_id, "ann", actor=single_user()), right=0, at=MONDAY)
    gone = run.questions[2]
    workspace.set_consent(workspace.row(gone.study_id, actor=single_user()).patient_id, False, actor=single_user())
    left = runs.load(workspace, run.run_id, actor=single_user())
    assert (len(left.questions), left.hidden) == (4, 1)
    assert len(runs.due_questions(workspace, "ann", MONDAY + timedelta(days=1), actor=single_user())) == 4
    found = results.results(workspace, quiz.quiz_id, actor=single_user())
    assert len(found.questions) == 4 and found.hidden == 1
    assert gone.study_id not in results.answers_csv(workspace, quiz.quiz_id, actor=single_user())
    bob = runs.start(workspace, quiz.quiz_id, "bob", actor=single_user())
    with pytest.raises(UsageError, match="no longer be shown"):
        runs.commit(
            workspace,
            bob.run_id,
            next(iter(set(range(1, 6)) - {one.position for one in bob.questions})),
            ["x"],
            actor=single_user(),
        )
    workspace.set_consent(workspace.all_rows([gone.study_id])[0].patient_id, True, actor=single_user())
    assert len(results.results(workspace, quiz.quiz_id, actor=single_user()).questions) == 5


def test_results_count_first_attempts_with_intervals(workspace, quiz) -> None:
    finish(workspace, runs.start(workspace, quiz.quiz_id, "ann", order="fixed", actor=single_user()), right=5)
    finish(workspace, runs.start(workspace, quiz.quiz_id, "bob", order="fixed", actor=single_user()), right=2)
    finish(
        workspace, runs.start(workspace, quiz.quiz_id, "bob", order="fixed", anew=True, actor=single_user()), right=5
    )
    found = results.results(workspace, quiz.quiz_id, actor=single_user())
    assert [(one.share.right, one.share.n) for one in found.questions] == [(2, 2)] * 2 + [(1, 2)] * 3
    assert [(one.alias, one.share.right, one.share.n) for one in found.learners] == [("ann", 5, 5), ("bob", 2, 5)]
    assert all(sum(times for _, times in one.chosen) == 2 for one in found.questions)
    # Wilson (1927) for 2 of 5, as printed in textbooks of epidemiology
    assert found.learners[1].share.interval == pytest.approx((0.1176, 0.7693), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_csv_has_its_columns_dates_and_no_formula(workspace, quiz) -> None:
    finish(
        workspace, runs.start(workspace, quiz.quiz_id, '=HYPERLINK("x"),"y"', actor=single_user()), right=1, at=MONDAY
    )
    rows = list(csv.DictReader(io.StringIO(results.answers_csv(workspace, quiz.quiz_id, actor=single_user()))))
    assert len(rows) == 5 and tuple(rows[0]) == results.COLUMNS
    assert {row["answered_at"] for row in rows} == {"2026-03-02T15:00:00Z"}
    assert rows[0]["learner"].startswith("'=HYPERLINK")
    assert {row["synthetic"] for row in rows} == {"yes"}
    assert [row["right"] for row in rows].count("yes") == 1
    assert all(row["chosen"] in row["options"].split(";") for row in rows)
    assert all("not for diagnosis" in row["notice"] for row in rows)


def test_a_deleted_quiz_is_gone_until_that_is_undone(workspace: Workspace, workspace_folder: Path, quiz: Quiz) -> None:
    quizzes.delete(workspace, quiz.quiz_id, actor=single_user())
    assert quizzes.listed(workspace, actor=single_user()) == []
    with pytest.raises(UsageError, match="no such quiz"):
        runs.start(workspace, quiz.quiz_id, "ann", actor=single_user())
    quizzes.delete(workspace, quiz.quiz_id, undo=True, actor=single_user())
    assert [one.title for one in quizzes.listed(workspace, actor=single_user())] == ["Rhythms"]


def test_a_run_belongs_to_the_actor_who_began_it(workspace: Workspace, quiz: Quiz) -> None:
    ada, bob = Actor("Ada"), Actor("Bob")
    hers = runs.start(workspace, quiz.quiz_id, "heart", actor=ada)
    his = runs.start(workspace, quiz.quiz_id, "heart", actor=bob)
    assert his.run_id != hers.run_id and (his.attempt, hers.attempt) == (1, 1)
    with pytest.raises(UsageError, match="no such run"):
        runs.load(workspace, hers.run_id, actor=bob)
    with pytest.raises(UsageError, match="no such run"):
        runs.commit(workspace, hers.run_id, 1, hers.questions[0].options[:1], actor=bob)
    for one in hers.questions:
        runs.commit(workspace, hers.run_id, one.position, one.labelled, MONDAY, actor=ada)
    later = MONDAY + timedelta(days=400)
    assert len(runs.due_questions(workspace, "heart", later, actor=ada)) == 5
    assert runs.due_questions(workspace, "heart", later, actor=bob) == []
    runs.commit(workspace, his.run_id, 1, his.questions[0].options[:1], actor=bob)
    learners = results.results(workspace, quiz.quiz_id, actor=single_user()).learners
    assert [(one.alias, one.share.n) for one in learners] == [("heart", 5), ("heart", 1)]


def test_runs_of_a_workspace_of_schema_7_belong_to_the_single_user(tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "old.duckdb"
    with duckdb.connect(str(file)) as old:
        old.execute("CREATE TABLE schema_version (version INTEGER, applied_at TIMESTAMP)")
        for version, sql in migrations():
            if version < 8:
                old.execute(sql)
                old.execute("INSERT INTO schema_version VALUES (?, now()::TIMESTAMP)", [version])
        old.execute("INSERT INTO quiz_runs VALUES ('r-1', 'z-1', 'Ann', 1, 3, 'fixed', now()::TIMESTAMP)")
    opened = Database(file)
    assert quiz_runs.attempts(opened, single_user(), "z-1", "ann") == ["r-1"]
    run = quiz_runs.find(opened, single_user(), "r-1")
    assert run is not None and (run.alias, run.seed, run.order) == ("Ann", 3, "fixed")
    assert quiz_runs.find(opened, Actor("Ada"), "r-1") is None
    opened.close()
