"""What an account makes is its own: nobody else reads, lists, changes or deletes it unless it is shared.

A refusal is the same sentence whether the thing exists or not.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.access import accounts
from engine.access.sessions import Session
from engine.actor import SINGLE_USER, Actor, single_user
from engine.errors import UsageError
from engine.learning import assign, dashboard, decisions
from engine.learning.assign import Request
from engine.learning.queue import QueueSpec, may_be_shown, shown_ratings
from engine.model.release import Release
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Answer, Options
from engine.retrieval.stored_query import load_stored_query
from engine.store import queries
from engine.store.filters import Filters
from engine.store.people import People
from engine.teaching import collections, quizzes, results, runs
from engine.teaching.quizzes import QuizPlan
from engine.workspace import searches
from engine.workspace.annotations import annotations_on, delete_annotations, save_annotations
from engine.workspace.workspace import Workspace


def account(name: str, *roles: str) -> Actor:
    """Return the actor of somebody who signed in."""
    return Session(f"session of {name}", name, roles or ("clinician", "rater", "teacher"), (), 60.0).actor()


ANNA, BERT, ADMIN = account("anna"), account("bert"), account("admin", "administrator")
FAKE = "q-000000000000"
LINE = {"id": "a1", "kind": "text", "shape": "point", "points": [[1.0, 0.0]], "text": "here", "lead": "II"}


@pytest.fixture
def asked(workspace: Workspace, release: Release) -> Answer:
    """An ECG of the collection that anna asked as a query of her own."""
    row = next(one for one in workspace.all_rows() if one.modality == "ecg")
    study = workspace.study_of(row)
    return retrieval.search(workspace, release, study, Options(k=3), actor=ANNA)


def sentence(act: Callable[[str], object], subject_id: str) -> str:
    """Return with which words something is refused, without its id."""
    with pytest.raises(UsageError) as refused:
        act(subject_id)
    return str(refused.value).replace(subject_id, "ID")


def same_refusal(act: Callable[[str], object], real: str, fake: str = FAKE) -> None:
    """State that an act on somebody else's thing is refused as one on nothing is."""
    assert sentence(act, real) == sentence(act, fake)


def test_a_query_and_its_marks_and_drawings(workspace: Workspace, release: Release, asked: Answer) -> None:
    real, study_id = asked.query_id, asked.neighbours[0].study_id
    drawn = save_annotations(workspace, real, [LINE], actor=ANNA)
    workspace.rate(real, study_id, "relevant", actor=ANNA, release=release.name, comment="as mine")
    assert workspace.query(real, actor=ANNA) is not None and workspace.query(real, actor=BERT) is None

    same_refusal(lambda one: load_stored_query(workspace, release, one, actor=BERT), real)
    same_refusal(lambda one: workspace.rate(one, study_id, "partly", actor=BERT, release="r1"), real)
    same_refusal(lambda one: decisions.decide(workspace, (one, study_id), "partly", actor=BERT), real)
    same_refusal(lambda one: save_annotations(workspace, one, [LINE | {"id": "b1"}], actor=BERT), real)
    same_refusal(lambda one: queries.share(workspace.database, one, BERT.name), real)
    assert annotations_on(workspace, [real], actor=BERT) == []
    assert delete_annotations(workspace, [drawn[0].annotation_id], actor=BERT) == []
    assert annotations_on(workspace, [real], actor=ANNA) == drawn
    assert workspace.ratings(real, actor=BERT) == [] and workspace.undo(real, study_id, actor=BERT) is None
    workspace.unrate(real, study_id, actor=BERT)
    assert [one.comment for one in workspace.ratings(real, actor=ANNA)] == ["as mine"]
    assert searches.past_queries(workspace, actor=BERT) == [] and len(searches.past_queries(workspace, actor=ANNA)) == 1
    assert may_be_shown(workspace, BERT, [real]) == set()

    assert dashboard.of_everyone(workspace, BERT) == [] and shown_ratings(workspace, BERT) == []
    assert [(one.who, one.n) for one in dashboard.of_everyone(workspace, ANNA)] == [("anna", 1)]

    queries.share(workspace.database, real, ANNA.name)
    assert workspace.query(real, actor=BERT) is not None
    workspace.rate(real, study_id, "partly", actor=BERT, release=release.name)
    assert [(one.who, one.n) for one in dashboard.of_everyone(workspace, BERT)] == [("anna", 1), ("bert", 1)]
    compared = dashboard.of_rater(workspace, BERT).with_others
    assert compared is not None and compared.value == 0
    assert annotations_on(workspace, [real], actor=BERT) == [], "what she drew is not shared with the query"
    queries.end_sharing(workspace.database, real, ANNA.name)
    assert workspace.query(real, actor=BERT) is None
    assert [(one.who, one.n) for one in dashboard.of_everyone(workspace, BERT)] == [("bert", 1)]
    assert dashboard.of_rater(workspace, BERT).with_others is None
    same_refusal(lambda one: workspace.rate(one, study_id, "relevant", actor=BERT, release="r1"), real)


def test_a_drawing_on_a_study_is_its_authors_alone(workspace: Workspace) -> None:
    study_id = next(one.study_id for one in workspace.all_rows() if one.modality == "ecg")
    save_annotations(workspace, study_id, [LINE], actor=ANNA)
    assert len(annotations_on(workspace, [study_id], actor=ANNA)) == 1
    assert annotations_on(workspace, [study_id], actor=BERT) == []
    assert annotations_on(workspace, [study_id], actor=BERT, of=ANNA.name) == []


def test_a_collection(workspace: Workspace) -> None:
    study_id, other = (one.study_id for one in workspace.all_rows()[:2])
    made = collections.create(workspace, "Rare ones", actor=ANNA)
    real = made.collection_id
    collections.add(workspace, real, study_id, actor=ANNA)
    assert made.visibility == "private"

    acts: list[Callable[[str], object]] = [
        lambda one: collections.load(workspace, one, actor=BERT),
        lambda one: collections.items(workspace, one, actor=BERT),
        lambda one: collections.rename(workspace, one, "mine", actor=BERT),
        lambda one: collections.describe(workspace, one, "mine", actor=BERT),
        lambda one: collections.note(workspace, one, study_id, "mine", actor=BERT),
        lambda one: collections.add(workspace, one, other, actor=BERT),
        lambda one: collections.add_many(workspace, one, [other], actor=BERT),
        lambda one: collections.remove(workspace, one, study_id, actor=BERT),
        lambda one: collections.remove_many(workspace, one, [study_id], actor=BERT),
        lambda one: collections.restore(workspace, one, study_id, actor=BERT),
        lambda one: collections.move(workspace, one, study_id, 1, actor=BERT),
        lambda one: collections.duplicate(workspace, one, "mine", actor=BERT),
        lambda one: collections.delete(workspace, one, actor=BERT),
        lambda one: collections.undelete(workspace, one, actor=BERT),
        lambda one: collections.set_visibility(workspace, one, "everybody", actor=BERT),
    ]
    for act in acts:
        same_refusal(act, real, "c-000000000000")
    assert collections.listed(workspace, actor=BERT) == []

    collections.set_visibility(workspace, real, "everybody", actor=ANNA)
    assert [one.collection_id for one in collections.listed(workspace, actor=BERT)] == [real]
    assert len(collections.items(workspace, real, actor=BERT)) == 1
    for act in acts[2:11]:
        with pytest.raises(UsageError, match="whoever made it"):
            act(real)
    assert [one.title for one in collections.listed(workspace, actor=ANNA)] == ["Rare ones"]


def test_a_quiz_its_answers_and_its_runs(workspace: Workspace, release: Release) -> None:
    plan = QuizPlan("Rhythms", n=2, seed=3, order="fixed", visibility="private")
    real = quizzes.from_filters(workspace, release, ("ecg",), Filters(), plan, actor=ANNA).quiz.quiz_id
    none = "z-000000000000"
    for act in (
        lambda one: quizzes.load(workspace, one, actor=BERT),
        lambda one: quizzes.questions(workspace, one, actor=BERT),
        lambda one: quizzes.delete(workspace, one, actor=BERT),
        lambda one: quizzes.set_visibility(workspace, one, "everybody", actor=BERT),
        lambda one: results.answers_csv(workspace, one, actor=BERT),
        lambda one: runs.start(workspace, one, "bert", actor=BERT),
    ):
        same_refusal(act, real, none)
    assert quizzes.listed(workspace, actor=BERT) == []
    run = runs.start(workspace, real, "anna", actor=ANNA)
    same_refusal(lambda one: runs.load(workspace, one, actor=BERT), run.run_id, "r-0")
    same_refusal(lambda one: runs.commit(workspace, one, 1, ["x"], actor=BERT), run.run_id, "r-0")


def test_saved_searches_and_assignments(workspace: Workspace, release: Release, asked: Answer) -> None:
    kept = searches.save_search(workspace, "my case", f"query={asked.query_id}", actor=ANNA)
    same_refusal(lambda one: searches.rename_search(workspace, one, "x", actor=BERT), kept.search_id, "s-0")
    assert searches.delete_search(workspace, kept.search_id, actor=BERT) is None
    assert (
        searches.saved_searches(workspace, actor=BERT) == []
        and len(searches.saved_searches(workspace, actor=ANNA)) == 1
    )
    wanted = Request(("carl",), QueueSpec("random", 2, 1))
    made = assign.assign(workspace, release, wanted, actor=ANNA)
    same_refusal(lambda one: assign.withdraw(workspace, one, actor=BERT), made, "a-0")
    assert assign.listed(workspace, BERT) == [] and len(assign.listed(workspace, ANNA)) == 1


def test_what_was_made_before_accounts_is_the_administrators(
    workspace: Workspace, release: Release, asked: Answer
) -> None:
    alone = single_user()
    made = collections.create(workspace, "Before", actor=alone)
    study = workspace.study_of(next(one for one in workspace.all_rows() if one.modality == "ecg"))
    earlier = retrieval.search(workspace, release, study, Options(k=1), actor=alone).query_id
    assert workspace.query(earlier, actor=BERT) is None and workspace.query(earlier, actor=ADMIN) is not None
    assert not collections.may_change(workspace, made.collection_id, actor=BERT)
    collections.rename(workspace, made.collection_id, "Ours", actor=ADMIN)
    assert workspace.query(asked.query_id, actor=ADMIN) is None, "an administrator opens nobody's queries"
    assert workspace.query(asked.query_id, actor=alone) is not None, "without sign-in there is one person"


def test_no_account_takes_the_name_of_what_was_made_before(workspace: Workspace) -> None:
    people = People(workspace.path)
    with pytest.raises(UsageError, match="no name of an account"):
        accounts.add(people, SINGLE_USER, ["rater"], {}, actor=single_user())
    people.close()
