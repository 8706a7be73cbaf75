"""What somebody's roles do not permit the engine refuses, whatever page or command asked for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.access.sessions import Session
from engine.actor import Actor
from engine.errors import CasebindError, NotPermittedError
from engine.learning import assign, checks, promotion, review, round_job
from engine.learning.assign import Request
from engine.learning.queue import QueueSpec
from engine.model.release import Release
from engine.report.ratings_csv import export_ratings
from engine.report.ratings_import import import_ratings
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Options
from engine.store.acts import NEEDS
from engine.store.acts import Act as AuditAct
from engine.store.filters import Filters
from engine.store.rule import NOT_YOURS, Act
from engine.teaching import collections, quizzes, runs
from engine.teaching.quizzes import QuizPlan
from engine.workspace.workspace import Workspace

ROLES: dict[str, set[Act]] = {  # of the start set
    "learner": {"search", "learn"},
    "teacher": {"search", "learn", "teach", "collect", "export"},
    "clinician": {"search", "learn", "collect", "export", "rate", "fetch"},
    "rater": {"search", "collect", "export", "rate", "review"},
    "curator": {"search", "collect", "export", "rate", "review", "curate", "fetch"},
    "privacy-officer": {"search", "consent", "record"},
    "administrator": {"record", "people"},
}


@pytest.mark.parametrize("role", ROLES)
def test_no_change_is_noted_of_whom_its_act_is_not_whatever_function_asked_for_it(
    workspace: Workspace, role: str
) -> None:
    somebody, done = Session("s", "ada", (role,), (), 60.0).actor(), set()
    for kind in NEEDS:
        try:
            with workspace.database.write(somebody, AuditAct(kind)) as cursor:
                cursor.execute("UPDATE patients SET patient_id = patient_id WHERE patient_id = ''")
            done.add(kind)
        except NotPermittedError:
            continue
    assert done == {kind for kind, needed in NEEDS.items() if ROLES[role].intersection(needed)}
    assert {row.kind for row in workspace.audit_rows() if row.who == "ada"} == done


def said(do: Callable[[Actor], object], who: Actor) -> str:
    """Return with which words something is refused, for its role or for what it asks; "" where it is not."""
    try:
        do(who)
    except CasebindError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize("role", ROLES)
def test_each_act_asks_for_a_role_that_permits_it(workspace: Workspace, release: Release, role: str) -> None:
    first, second = [one.study_id for one in workspace.all_rows() if one.modality == "ecg"][:2]
    plan = QuizPlan("Rhythms", n=1)
    spec = QueueSpec("random", 1, 1)
    acts: list[tuple[Act, Callable[[Actor], object]]] = [
        ("curate", lambda who: round_job.begin(workspace, release, who)),  # while nothing is rated: none begins
        ("search", lambda who: retrieval.search_stored(workspace, release, first, Options(k=1), actor=who)),
        ("rate", lambda who: workspace.rate(first, second, "relevant", actor=who, release=release.name)),
        ("collect", lambda who: collections.create(workspace, "cases", actor=who)),
        ("teach", lambda who: quizzes.from_filters(workspace, release, ("ecg",), Filters(), plan, actor=who)),
        ("learn", lambda who: runs.start(workspace, "z-0", "me", actor=who)),
        ("review", lambda who: review.begin(workspace, release, who, spec)),
        ("review", lambda who: assign.assign(workspace, release, Request(("ann",), spec), actor=who)),
        ("review", lambda who: checks.begin(workspace, who, "agreed", seed=1)),
        ("curate", lambda who: promotion.start_reindex(workspace, release, who, "another")),
        ("curate", lambda who: export_ratings(workspace, actor=who)),
        ("curate", lambda who: round_job.cancel(workspace, who)),  # none runs
        ("review", lambda who: import_ratings(workspace, b"", actor=who)),
        ("consent", lambda who: workspace.set_consent("nobody", False, actor=who)),
    ]
    somebody = Session("s", "ada", (role,), (), 60.0).actor()
    for act, do in acts:
        assert (NOT_YOURS in said(do, somebody)) is (act not in ROLES[role]), act
