"""Answers in own words and by regions, limits of time, dates, and titles that give an answer away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.files import utc_now
from engine.model.release import Release
from engine.reference import ReferenceFinding, to_text
from engine.store import quiz_runs
from engine.store.filters import Filters
from engine.store.quiz_runs import Run
from engine.store.quizzes import Quiz
from engine.teaching import collections, judging, quizzes, results, runs
from engine.teaching.quizzes import QuizPlan
from engine.workspace.annotations import save_annotations
from engine.workspace.workspace import Workspace

MAKER, LEARNER = (replace(single_user(), session=name) for name in ("maker", "learner"))
FILM, OTHER_FILM = "syn-0005-e1-cxr", "syn-0010-e1-cxr"  # with findings, of two patients
SHARE = st.floats(0, 1, allow_nan=False)


def built(workspace: Workspace, release: Release, plan: QuizPlan) -> Quiz:
    return quizzes.from_filters(workspace, release, ("ecg",), Filters(), plan, actor=MAKER).quiz


def begun(workspace: Workspace, quiz: Quiz, actor: Actor = LEARNER) -> Run:
    return runs.start(workspace, quiz.quiz_id, "ann", order="fixed", actor=actor)


@pytest.mark.parametrize(
    ("words", "labelled", "right"),
    [
        ("AF", ("atrial fibrillation",), True),
        ("Vorhofflimmern", ("atrial fibrillation",), True),
        ("I see atrial fibrilation", ("atrial fibrillation",), True),
        ("no atrial fibrillation", ("atrial fibrillation",), False),
        ("sinus rhythm", ("atrial fibrillation",), False),
        ("atrial fibrillation and left bundle branch block", ("atrial fibrillation",), False),
        ("atrial fibrillation and LBBB", ("atrial fibrillation", "left bundle branch block"), True),
        ("left bundle branch block", ("atrial fibrillation", "left bundle branch block"), False),
        ("enlarged heart", ("Cardiomegaly",), True),
        ("a strange word", ("Cardiomegaly",), False),
    ],
)
def test_words_are_right_by_the_findings_that_they_name(words: str, labelled: tuple[str, ...], right: bool) -> None:
    assert judging.words_agree(words, labelled) is right


@given(st.tuples(SHARE, SHARE, SHARE, SHARE), st.tuples(SHARE, SHARE, SHARE, SHARE))
@settings(max_examples=60, deadline=None)
def test_overlap_is_a_share_and_the_same_both_ways(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    try:
        first, second = judging.drawn_region(one), judging.drawn_region(other)
    except UsageError:
        return
    shared = judging.overlap(first, second)
    assert 0 <= shared <= 1 and shared == judging.overlap(second, first)
    assert judging.overlap(first, first) == pytest.approx(1) and judging.region_agrees(first, first)


def test_a_region_counts_by_its_overlap_or_by_where_it_points() -> None:
    wanted = (0.4, 0.4, 0.6, 0.6)
    assert judging.overlap((0.4, 0.4, 0.5, 0.6), wanted) == pytest.approx(0.5)
    assert judging.region_agrees((0.45, 0.45, 0.5, 0.5), wanted)  # small, its middle inside
    assert not judging.region_agrees((0.0, 0.0, 1.0, 1.0), wanted)  # the whole film
    assert not judging.region_agrees((0.7, 0.7, 0.8, 0.8), wanted)
    for nothing in ((), (0.1, 0.1, 0.1, 0.5), (0.1, float("nan"), 0.2, 0.2)):
        with pytest.raises(UsageError, match="nothing was stored"):
            judging.drawn_region(nothing)


def test_own_words_are_judged_and_a_maker_accepts_others(workspace: Workspace, release: Release) -> None:
    quiz = built(workspace, release, QuizPlan("Words", n=2, asks="text", seed=3))
    run = begun(workspace, quiz)
    assert all(one.options == () for one in run.questions)
    with pytest.raises(UsageError, match="Write what you see"):
        runs.commit(workspace, run.run_id, 1, ["  "], actor=LEARNER)
    assert runs.commit(workspace, run.run_id, 1, [run.questions[0].labelled[0].upper()], actor=LEARNER).right
    assert not runs.commit(workspace, run.run_id, 2, ["a  Strange beat"], actor=LEARNER).right
    quizzes.accept(workspace, quiz.quiz_id, 2, "A strange beat", actor=MAKER)
    assert runs.load(workspace, run.run_id, actor=LEARNER).right == 2
    found = results.results(workspace, quiz.quiz_id, actor=MAKER)
    assert found.questions[1].share.right == 1 and found.questions[1].counted == {"a Strange beat"}
    quizzes.accept(workspace, quiz.quiz_id, 2, "a strange beat", undo=True, actor=MAKER)
    assert runs.load(workspace, run.run_id, actor=LEARNER).right == 1


def test_a_region_is_asked_for_on_films_on_which_the_maker_drew_one(workspace: Workspace, release: Release) -> None:
    which = collections.create(workspace, "films", actor=MAKER).collection_id
    for film in (FILM, OTHER_FILM):
        known(workspace, film)
    collections.add_many(workspace, which, [FILM, OTHER_FILM, "syn-0003-e1-ecg"], actor=MAKER)
    plan = QuizPlan("Where", asks="region")
    with pytest.raises(UsageError, match="drawn a region"):
        quizzes.from_collection(workspace, release, which, plan, actor=MAKER)
    rows, columns = workspace.study(FILM, actor=MAKER).film.pixels.shape[:2]
    corners = [[0.25 * columns, 0.5 * rows], [0.5 * columns, 0.75 * rows]]
    save_annotations(workspace, FILM, [{"kind": "region", "shape": "box", "points": corners}], actor=MAKER)
    made = quizzes.from_collection(workspace, release, which, plan, actor=MAKER)
    assert (made.quiz.questions, made.unmarked, made.synthetic_films) == (1, 2, 1)
    run = begun(workspace, made.quiz)
    assert run.questions[0].region == pytest.approx((0.25, 0.5, 0.5, 0.75))
    with pytest.raises(UsageError, match="Draw a box"):
        runs.commit(workspace, run.run_id, 1, actor=LEARNER)
    answer = runs.commit(workspace, run.run_id, 1, region=(0.5, 0.75, 0.25, 0.55), actor=LEARNER)
    assert answer.right and not answer.missing
    assert runs.load(workspace, run.run_id, actor=LEARNER).questions[0].given == answer
    assert "0.250;0.550;0.500;0.750" in results.answers_csv(workspace, made.quiz.quiz_id, actor=MAKER)


def known(workspace: Workspace, study_id: str, **columns: str) -> None:
    """Let this, or nothing, be known of a study's findings, as if its manifest had said so."""
    with workspace.database.write() as cursor:
        cursor.execute("UPDATE studies SET extra = ? WHERE study_id = ?", [json.dumps(columns), study_id])


def test_a_film_with_a_known_place_is_asked_for_it_and_shows_it_afterwards(
    workspace: Workspace, release: Release
) -> None:
    labels = workspace.row(FILM, actor=MAKER).labels
    left, right = (((0.1, 0.6), (0.4, 0.6), (0.4, 0.9)), ((0.6, 0.6), (0.9, 0.6), (0.9, 0.9)))
    both = ReferenceFinding(labels[0], side="both", polygons=(left, right), measured=(("ml", 300.0),))
    marker = ReferenceFinding("", "side marker", polygons=(((0.0, 0.0), (0.1, 0.0), (0.1, 0.1)),))
    known(workspace, FILM, reference_findings=to_text([both, marker]))
    known(workspace, OTHER_FILM)
    which = collections.create(workspace, "places", actor=MAKER).collection_id
    collections.add_many(workspace, which, [FILM, OTHER_FILM], actor=MAKER)
    made = quizzes.from_collection(workspace, release, which, QuizPlan("Place", asks="region"), actor=MAKER)
    assert (made.quiz.questions, made.unmarked) == (1, 1)
    run = begun(workspace, made.quiz)
    (asked,) = run.questions
    assert asked.labelled[0] == labels[0] and asked.reference == (both,)  # not the marker, which is no label
    answer = runs.commit(workspace, run.run_id, 1, region=(0.58, 0.62, 0.9, 0.88), actor=LEARNER)  # one of the two
    assert answer.right and judging.best_overlap(answer.region or asked.wanted[0], asked.wanted) > 0.8
    again = runs.start(workspace, made.quiz.quiz_id, "ben", actor=LEARNER)
    assert not runs.commit(workspace, again.run_id, 1, region=(0.4, 0.1, 0.6, 0.3), actor=LEARNER).right


def test_a_film_is_asked_for_those_labels_alone_that_it_was_checked_to_show(
    workspace: Workspace, release: Release
) -> None:
    films = [FILM, OTHER_FILM, "syn-0001-e1-cxr"]
    rows = workspace.rows(films, actor=MAKER)
    known(workspace, films[0], checked_labels=rows[0].labels[0])
    known(workspace, films[1], checked_labels="")
    known(workspace, films[2])
    which = collections.create(workspace, "checked", actor=MAKER).collection_id
    collections.add_many(workspace, which, films, actor=MAKER)
    made = quizzes.from_collection(workspace, release, which, QuizPlan("Shown", asks="text"), actor=MAKER)
    assert (made.quiz.questions, made.unshown, made.synthetic_films) == (2, 1, 1)  # of the third nothing was checked
    questions = quizzes.questions(workspace, made.quiz.quiz_id, actor=MAKER)
    assert questions[0].labelled[0] == rows[0].labels[0] and questions[1].study_id == films[2]


def back(workspace: Workspace, run: Run, seconds: float) -> None:
    """Let a run have begun, and its first question have been shown, some seconds earlier."""
    earlier = utc_now() - timedelta(seconds=seconds)
    with workspace.database.write() as cursor:
        cursor.execute("UPDATE quiz_runs SET started_at = ? WHERE run_id = ?", [earlier, run.run_id])
        quiz_runs.open_question(cursor, run.run_id, 1, earlier)


def test_time_runs_on_the_server_from_when_a_question_was_shown(workspace: Workspace, release: Release) -> None:
    run = begun(workspace, built(workspace, release, QuizPlan("Quick", n=2, seed=3, question_s=30)))
    back(workspace, run, 20)
    first = runs.load(workspace, run.run_id, actor=LEARNER).questions[0]
    end = runs.open_question(workspace, run, first, actor=LEARNER)  # shown again, as after a reload
    assert end is not None and 5 < (end - utc_now()).total_seconds() <= 10
    assert runs.load(workspace, run.run_id, actor=LEARNER).current.position == 1
    late = begun(workspace, built(workspace, release, QuizPlan("Slow", n=2, seed=3, question_s=30)))
    back(workspace, late, 40)
    with pytest.raises(UsageError, match="Time was over"):
        runs.commit(workspace, late.run_id, 1, late.questions[0].labelled, actor=LEARNER)
    after = runs.load(workspace, late.run_id, actor=LEARNER)
    assert after.questions[0].given.missing and not after.questions[0].given.right
    assert after.current.position == 2  # whose time has not begun


def test_a_limit_for_all_ends_the_run(workspace: Workspace, release: Release) -> None:
    quiz = built(workspace, release, QuizPlan("Exam", n=3, seed=3, quiz_s=60))
    run = begun(workspace, quiz)
    runs.commit(workspace, run.run_id, 2, run.questions[1].labelled, actor=LEARNER)
    back(workspace, run, 70)
    after = runs.load(workspace, run.run_id, actor=LEARNER)
    assert after.current is None and after.right == 1
    assert [one.given.missing for one in after.questions] == [True, False, True]
    assert [one.missing for one in results.results(workspace, quiz.quiz_id, actor=MAKER).questions] == [1, 0, 1]
    with pytest.raises(UsageError, match="A limit of time"):
        built(workspace, release, QuizPlan("Exam", question_s=-1))


def test_homework_is_late_after_its_date_and_a_closed_quiz_takes_none(workspace: Workspace, release: Release) -> None:
    due = utc_now() + timedelta(hours=1)
    quiz = built(workspace, release, QuizPlan("Homework", n=3, seed=3, due_at=due))
    run = begun(workspace, quiz)
    in_time, late = due - timedelta(minutes=1), due + timedelta(minutes=1)
    runs.commit(workspace, run.run_id, 1, run.questions[0].labelled, in_time, actor=LEARNER)
    runs.commit(workspace, run.run_id, 2, run.questions[1].labelled, late, actor=LEARNER)
    marked = [one.given.late for one in runs.load(workspace, run.run_id, actor=LEARNER).questions if one.given]
    assert marked == [False, True]
    assert results.results(workspace, quiz.quiz_id, actor=MAKER).learners[0].late == 1
    quizzes.set_due(workspace, quiz.quiz_id, None, actor=MAKER)
    assert results.results(workspace, quiz.quiz_id, actor=MAKER).learners[0].late == 0
    quizzes.close(workspace, quiz.quiz_id, actor=MAKER)
    for attempt in (
        lambda: runs.commit(workspace, run.run_id, 3, run.questions[2].labelled, actor=LEARNER),
        lambda: runs.start(workspace, quiz.quiz_id, "bob", actor=LEARNER),
    ):
        with pytest.raises(UsageError, match="was closed"):
            attempt()
    quizzes.close(workspace, quiz.quiz_id, undo=True, actor=MAKER)
    assert runs.commit(workspace, run.run_id, 3, run.questions[2].labelled, actor=LEARNER).right


def test_a_title_that_names_an_answer_is_noticed(workspace: Workspace, release: Release) -> None:
    answers = ["atrial fibrillation", "Cardiomegaly", "sinus rhythm"]
    assert quizzes.given_away("AF teaching", answers) == ("atrial fibrillation",)
    assert quizzes.given_away("The enlarged heart", answers) == ("Cardiomegaly",)
    assert quizzes.given_away("Monday rounds", answers) == ()
    plan = QuizPlan("Sinus rhythm for beginners", n=2)
    filters = Filters(labels=("sinus rhythm",))
    made = quizzes.from_filters(workspace, release, ("ecg",), filters, plan, actor=MAKER)
    assert made.given_away == ("sinus rhythm",)


def test_what_a_maker_says_of_a_case_is_stored_and_never_over_others(workspace: Workspace, release: Release) -> None:
    quiz = built(workspace, release, QuizPlan("Talk", n=2, seed=3))
    quizzes.discuss(workspace, quiz.quiz_id, 1, "Look at V1.", "", actor=MAKER)
    assert begun(workspace, quiz).questions[0].discussion == "Look at V1."
    with pytest.raises(UsageError, match="Someone else changed"):
        quizzes.discuss(workspace, quiz.quiz_id, 1, "Look at II.", "", actor=MAKER)
