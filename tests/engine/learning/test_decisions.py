"""Where raters differ, somebody who has not rated decides; a round learns the decision, and the ratings stay."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.files import utc_now
from engine.intake.read import read_text
from engine.learning import assign, decisions, review
from engine.learning.assign import Request
from engine.learning.queue import QueueSpec, queue
from engine.learning.round_data import gather_round_data, new_ratings
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Options
from engine.store import queries
from engine.workspace.workspace import Workspace

ANN, BOB, CY = Actor("ann"), Actor("bob"), Actor("cy")


def disputed(place: Workspace, release) -> list[tuple[str, str]]:
    """Let two raters differ about four pairs and agree on one."""
    pairs = [one.pair for one in queue(place, release, ANN, QueueSpec("random", 5, 1))]
    for n, pair in enumerate(pairs):
        place.rate(*pair, "relevant", actor=ANN, release=release.name, finding="edema")
        place.rate(*pair, "relevant" if n == 4 else "irrelevant", actor=BOB, release=release.name)
    return pairs


def test_a_decision_takes_the_place_of_the_marks_in_a_round_and_can_be_undone(workspace, release):
    pairs = disputed(workspace, release)
    assert {(one.query_id, one.study_id) for one in decisions.disagreements(workspace, CY)} == set(pairs[:4])
    assert decisions.disagreements(workspace, ANN) == []  # who has rated does not decide
    before = gather_round_data(workspace, CY)
    assert len(before.learn) + len(before.apart) == 10
    with pytest.raises(UsageError, match="You have rated this pair"):
        decisions.decide(workspace, pairs[0], "partly", actor=ANN)
    begun = utc_now() - timedelta(seconds=1)
    made = [decisions.decide(workspace, pair, "irrelevant", actor=CY, note="no edema") for pair in pairs[:4]]
    after = gather_round_data(workspace, CY)
    assert len(after.learn) + len(after.apart) == 6 and decisions.disagreements(workspace, CY) == []
    counts = np.concatenate([after.learn.weight, after.apart.weight])
    assert sorted(counts)[-4:] == [1.0] * 4
    assert after.raters["ann"].weight < before.raters["ann"].weight < before.raters["bob"].weight * 2
    assert after.raters["bob"].weight > after.raters["ann"].weight  # whom the decisions bear out
    assert new_ratings(workspace, begun) == 14 and len(workspace.all_ratings()) == 10
    with pytest.raises(UsageError, match="cy has decided"):
        decisions.decide(workspace, pairs[0], "relevant", actor=Actor("dee"))
    decisions.undo(workspace, made[0].adjudication_id, actor=CY)
    assert len(decisions.disagreements(workspace, CY)) == 1 and len(decisions.made_by_anyone(workspace, CY)) == 3


def test_an_assignment_gives_each_reader_the_same_pairs_that_nobody_has_met(workspace, release):
    met = queue(workspace, release, ANN, QueueSpec("random", 20, 3))
    for one in met:
        workspace.rate(*one.pair, "relevant", actor=ANN, release=release.name)
    due = (utc_now() + timedelta(days=7)).date()
    asked = Request(("ann", "bob", " ann "), QueueSpec("random", 8, 3), due, "for Monday")
    assign.assign(workspace, release, asked, actor=CY)
    listed = assign.listed(workspace, CY)
    assert [(one.row.who, one.row.assigned_by, one.row.due, one.review.total) for one in listed] == [
        ("ann", "cy", due, 8),
        ("bob", "cy", due, 8),
    ]
    pairs = [one.pair for one in listed[0].review.offers]
    assert pairs == [one.pair for one in listed[1].review.offers] and not {one.pair for one in met} & set(pairs)
    (mine,) = assign.of_reader(workspace, BOB)
    spec = QueueSpec(mine.review.queue.strategy, mine.review.queue.asked, mine.review.queue.seed)
    assert review.begin(workspace, release, BOB, spec).offers == mine.review.offers  # its address opens it
    for pair in pairs:
        workspace.rate(*pair, "partly", actor=BOB, release=release.name)
    assert assign.of_reader(workspace, BOB) == [] and [one.review.done for one in assign.listed(workspace, CY)] == [
        0,
        8,
    ]
    assert not mine.is_late(due) and mine.is_late(due + timedelta(days=1))
    assign.withdraw(workspace, mine.row.assignment_id, actor=CY)
    assert assign.listed(workspace, CY) == [] and len(workspace.ratings(actor=BOB)) == 8


def test_an_assignment_can_be_shared_out_and_what_cannot_be_is_refused(workspace, release):
    assign.assign(workspace, release, Request(("ann", "bob"), QueueSpec("random", 9, 1), split=True), actor=CY)
    parts = [{one.pair for one in found.review.offers} for found in assign.listed(workspace, CY)]
    assert [len(part) for part in parts] == [5, 4] and not parts[0] & parts[1]
    late = (utc_now() - timedelta(days=1)).date()
    for asked in (Request((), QueueSpec("random", 5, 1)), Request(("ann",), QueueSpec("random", 5, 1), late)):
        with pytest.raises(UsageError):
            assign.assign(workspace, release, asked, actor=CY)
    with pytest.raises(UsageError, match="no pair"):
        assign.assign(workspace, release, Request(("ann",), QueueSpec("second", 5, 1)), actor=CY)


def test_a_query_of_somebody_else_is_shown_to_no_rater_until_it_is_shared(workspace, release):
    asked = retrieval.search(workspace, release, read_text("pleural effusion"), Options(k=1), actor=ANN).query_id
    offered = lambda who: {one.query_id for one in queue(workspace, release, who, QueueSpec("random", 200, 1))}  # noqa: E731
    assert asked in offered(ANN) and asked not in offered(BOB)
    study = next(row.study_id for row in workspace.all_rows() if row.modality == "text")
    workspace.rate(asked, study, "relevant", actor=ANN, release=release.name)
    second = QueueSpec("second", 5, 1)
    assert review.begin(workspace, release, BOB, second).total == 0
    with pytest.raises(UsageError, match="whoever asked"):
        queries.share(workspace.database, asked, "bob")
    queries.share(workspace.database, asked, "ann")
    queries.share(workspace.database, asked, "ann")
    assert queries.is_shared(workspace.database, asked) and asked in offered(BOB)
    opened = review.begin(workspace, release, BOB, QueueSpec("second", 5, 2))
    assert [one.pair for one in opened.offers if not one.random_share] == [(asked, study)]
    workspace.rate(asked, study, "irrelevant", actor=BOB, release=release.name)
    assert [one.query_id for one in decisions.disagreements(workspace, CY)] == [asked]
    queries.end_sharing(workspace.database, asked, "ann")
    assert asked not in offered(BOB) and decisions.disagreements(workspace, CY) == []
    assert review.find(workspace, BOB, QueueSpec("second", 5, 2)).dropped == 1


def test_a_decision_is_audited(workspace, release):
    pairs = disputed(workspace, release)
    decisions.decide(workspace, pairs[0], "partly", actor=CY)
    row = next(one for one in workspace.audit_rows() if one.kind == "adjudication")
    assert (row.who, set(row.returned), row.filters) == ("cy", set(pairs[0]), "partly")
    workspace.set_consent(
        workspace.row(pairs[1][1], actor=single_user()).patient_id, False, actor=single_user(), scope="training"
    )
    assert pairs[1] not in {(one.query_id, one.study_id) for one in decisions.disagreements(workspace, CY)}
