"""Who may do what without a sign-in: makers by their link; learners see no case of a quiz until they answered it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.actor import Actor, single_user
from engine.cli import run
from engine.errors import NotPermittedError, UsageError
from engine.files import utc_now
from engine.model.release import Release
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Options
from engine.store.filters import Filters
from engine.store.quizzes import Quiz
from engine.teaching import access, collections, quizzes, results, runs
from engine.teaching.quizzes import QuizPlan
from engine.workspace.workspace import Workspace, open_workspace

MAKER, LEARNER, OTHER = (replace(single_user(), session=name) for name in ("maker", "learner", "other"))


@pytest.fixture
def quiz(workspace: Workspace, release: Release) -> Quiz:
    plan = QuizPlan("Rhythms", n=3, seed=3, order="fixed")
    return quizzes.from_filters(workspace, release, ("ecg",), Filters(), plan, actor=MAKER).quiz


def learner_of(workspace: Workspace, actor: Actor = LEARNER) -> Actor:
    return access.as_learner(workspace, actor=actor)


def test_key_results_settings_and_deletion_are_the_makers_alone(workspace: Workspace, quiz: Quiz) -> None:
    run = runs.start(workspace, quiz.quiz_id, "ann", actor=LEARNER)
    runs.commit(workspace, run.run_id, 1, run.questions[0].labelled, actor=LEARNER)
    which = quiz.quiz_id
    for refused in (
        lambda actor: results.results(workspace, which, actor=actor),
        lambda actor: results.answers_csv(workspace, which, actor=actor),
        lambda actor: quizzes.questions(workspace, which, actor=actor),
        lambda actor: quizzes.accepted(workspace, which, actor=actor),
        lambda actor: quizzes.accept(workspace, which, 1, "x", actor=actor),
        lambda actor: quizzes.discuss(workspace, which, 1, "x", actor=actor),
        lambda actor: quizzes.close(workspace, which, actor=actor),
        lambda actor: quizzes.set_due(workspace, which, None, actor=actor),
        lambda actor: quizzes.set_visibility(workspace, which, "private", actor=actor),
        lambda actor: access.new_key(workspace, which, actor=actor),
        lambda actor: quizzes.delete(workspace, which, actor=actor),
    ):
        with pytest.raises(NotPermittedError, match="maker's link"):
            refused(LEARNER)
    assert quizzes.load(workspace, which, actor=LEARNER).source == ""
    assert quizzes.load(workspace, which, actor=MAKER).source == quiz.source
    assert results.results(workspace, which, actor=MAKER).learners[0].alias == "ann"
    assert len(quizzes.questions(workspace, which, actor=single_user())) == 3  # on the machine itself


def test_a_makers_link_lets_another_browser_in_until_there_is_a_newer_one(workspace: Workspace, quiz: Quiz) -> None:
    first = access.new_key(workspace, quiz.quiz_id, actor=MAKER)
    assert first not in str(workspace.database.read("SELECT * FROM teaching_keys"))
    with pytest.raises(NotPermittedError, match="incomplete"):
        access.enter(workspace, quiz.quiz_id, first[:-1], actor=OTHER)
    second = access.new_key(workspace, quiz.quiz_id, actor=MAKER)
    with pytest.raises(NotPermittedError, match="replaced"):
        access.enter(workspace, quiz.quiz_id, first, actor=OTHER)
    access.enter(workspace, quiz.quiz_id, second, actor=OTHER)
    assert results.results(workspace, quiz.quiz_id, actor=OTHER).learners == ()
    other = collections.create(workspace, "others", actor=MAKER)
    with pytest.raises(NotPermittedError):
        access.enter(workspace, other.collection_id, second, actor=OTHER)


def test_cases_of_an_open_quiz_are_out_of_a_learners_sight_until_answered(
    workspace: Workspace, release: Release, quiz: Quiz
) -> None:
    cases = [one.study_id for one in quizzes.questions(workspace, quiz.quiz_id, actor=MAKER)]
    rounds = collections.create(workspace, "rounds", actor=MAKER)
    collections.add_many(workspace, rounds.collection_id, cases, actor=MAKER)
    assert learner_of(workspace).withheld == ()
    run = runs.start(workspace, quiz.quiz_id, "ann", actor=LEARNER)
    for answered, case in enumerate(cases):
        learner = learner_of(workspace)
        assert seen(workspace, release, cases, learner) == set(cases[:answered])
        assert [one.study_id for one in collections.items(workspace, rounds.collection_id, actor=learner)] == (
            cases[:answered]
        )
        with pytest.raises(UsageError):
            workspace.row(case, actor=learner)
        with pytest.raises(UsageError):
            retrieval.search_stored(workspace, release, case, Options(), actor=learner)
        assert runs.recording(workspace, run.questions[answered], actor=learner).modality == "ecg"
        runs.commit(workspace, run.run_id, answered + 1, run.questions[answered].labelled, actor=learner)
    assert learner_of(workspace).withheld == ()
    runs.start(workspace, quiz.quiz_id, "ann", anew=True, actor=LEARNER)
    assert len(learner_of(workspace).withheld) == 3  # asked again, and so out of sight again
    assert seen(workspace, release, cases, learner_of(workspace, MAKER)) == set(cases)
    quizzes.close(workspace, quiz.quiz_id, actor=MAKER)
    assert learner_of(workspace).withheld == ()


def seen(workspace: Workspace, release: Release, cases: list[str], actor: Actor) -> set[str]:
    """Return which of the cases a search for anything, typed labels, counts and rows give the actor."""
    options = Options(targets=("ecg", "text", "cxr", "ppg"), k=1000)
    encounters = {one.rpartition("-")[0] for one in cases}
    probe = next(row for row in workspace.rows(actor=single_user()) if row.encounter_id not in encounters)
    found = retrieval.search_stored(workspace, release, probe.study_id, options, actor=actor).neighbours
    ids = {one.study_id for one in found if one.modality == "ecg"} & set(cases)
    assert {one.encounter_id for one in found} & encounters <= {one.rpartition("-")[0] for one in ids}
    assert {row.study_id for row in workspace.rows(cases, actor=actor)} == ids
    every = {row.study_id for row in workspace.rows(actor=actor)}
    assert every & set(cases) == ids and workspace.counts(actor=actor)["ecg"] == sum("ecg" in one for one in every)
    return ids


def test_a_private_quiz_is_its_makers_and_a_listed_one_everybodys(workspace: Workspace, quiz: Quiz) -> None:
    def listed(actor: Actor) -> list[str]:
        return [one.quiz_id for one in quizzes.listed(workspace, actor=actor)]

    assert listed(MAKER) == [quiz.quiz_id] and listed(LEARNER) == []
    quizzes.set_visibility(workspace, quiz.quiz_id, "everybody", actor=MAKER)
    assert listed(LEARNER) == [quiz.quiz_id]
    quizzes.set_visibility(workspace, quiz.quiz_id, "private", actor=MAKER)
    assert listed(LEARNER) == [] and listed(MAKER) == [quiz.quiz_id]
    with pytest.raises(UsageError, match="no such quiz"):
        runs.start(workspace, quiz.quiz_id, "ann", actor=LEARNER)
    quizzes.set_visibility(workspace, quiz.quiz_id, "link", actor=MAKER)
    runs.start(workspace, quiz.quiz_id, "ann", actor=LEARNER)
    assert listed(LEARNER) == [quiz.quiz_id] and listed(OTHER) == []
    with pytest.raises(UsageError, match="no visibility"):
        quizzes.set_visibility(workspace, quiz.quiz_id, "nobody", actor=MAKER)  # type: ignore[arg-type]


def test_a_collections_maker_says_who_finds_it_and_whether_it_is_deleted(workspace: Workspace) -> None:
    which = collections.create(workspace, "rounds", actor=MAKER).collection_id
    assert [one.collection_id for one in collections.listed(workspace, actor=OTHER)] == []
    collections.set_visibility(workspace, which, "private", actor=MAKER)
    with pytest.raises(UsageError, match="no such collection"):
        collections.load(workspace, which, actor=OTHER)
    collections.set_visibility(workspace, which, "everybody", actor=MAKER)
    assert [one.collection_id for one in collections.listed(workspace, actor=OTHER)] == [which]
    with pytest.raises(NotPermittedError):
        collections.delete(workspace, which, actor=OTHER)
    with pytest.raises(NotPermittedError):
        collections.set_visibility(workspace, which, "private", actor=OTHER)
    collections.delete(workspace, which, actor=MAKER)
    assert collections.listed(workspace, actor=MAKER) == []


def test_an_alias_of_somebody_else_opens_neither_their_run_nor_their_practice(workspace: Workspace, quiz: Quiz) -> None:
    hers = runs.start(workspace, quiz.quiz_id, "ann", actor=LEARNER)
    for one in hers.questions:
        runs.commit(workspace, hers.run_id, one.position, one.labelled, actor=LEARNER)
    with pytest.raises(UsageError, match="goes by this alias"):
        runs.start(workspace, quiz.quiz_id, "Ann", actor=OTHER)
    later = utc_now() + timedelta(days=60)
    assert runs.due_questions(workspace, "ann", later, actor=OTHER) == []
    assert len(runs.due_questions(workspace, "ann", later, actor=learner_of(workspace))) == 3
    assert runs.load(workspace, hers.run_id, actor=OTHER).right == 3  # its address is her own to give
    runs.start(workspace, quiz.quiz_id, "ann", anew=True, actor=LEARNER)
    assert runs.due_questions(workspace, "ann", later, actor=learner_of(workspace)) == []  # practice gives nothing away


def test_a_lost_makers_link_is_made_anew_on_the_machine(
    workspace: Workspace, workspace_folder: Path, quiz: Quiz, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.close()
    where = ["--workspace", str(workspace_folder)]
    assert run(["maker-link", *where]) == 0 and quiz.quiz_id in capsys.readouterr().out
    assert run(["maker-link", quiz.quiz_id, "--url", "http://ward:8501", *where]) == 0
    address, _, key = capsys.readouterr().out.strip().partition("&key=")
    assert address == f"http://ward:8501/quiz?quiz={quiz.quiz_id}"
    assert run(["maker-link", "z-none", *where]) == 2 and "no such quiz" in capsys.readouterr().err
    with open_workspace(workspace_folder) as again:
        access.enter(again, quiz.quiz_id, key, actor=OTHER)
        assert access.is_maker(again, quiz.quiz_id, actor=OTHER)
    open_workspace(workspace_folder)  # the fixture closes it
