"""Nobody sees what others said about a pair before having judged it."""

from __future__ import annotations

from pathlib import Path

from helpers.ratings import given
from helpers.studies import fill

from engine.actor import Actor
from engine.learning.blind import others, visible
from engine.workspace.workspace import open_workspace


def test_others_marks_are_hidden_until_the_own_judgement_is_in(tmp_path: Path):
    with open_workspace(tmp_path / "ws", create=True) as place:
        fill(place)
        place.rate("s0000", "s0001", "relevant", actor=Actor("ann"), release="r1")
        place.rate("s0000", "s0002", "partly", actor=Actor("ann"), release="r1")
        see = lambda: [(one.who, one.mark) for one in others(place, Actor("bob"), "s0000", "s0001")]  # noqa: E731
        assert see() == []
        place.rate("s0000", "s0002", "relevant", actor=Actor("bob"), release="r1")  # another pair opens nothing
        place.rate("s0000", "s0001", "skip", actor=Actor("bob"), release="r1")  # nor does a skip
        assert see() == []
        place.rate("s0000", "s0001", "irrelevant", actor=Actor("bob"), release="r1")
        assert see() == [("ann", "relevant")]
        place.undo("s0000", "s0001", actor=Actor("bob"))
        assert see() == []


def test_a_namesake_of_another_site_is_somebody_else():
    ratings = [*given("ann", "ri"), *given("ann", "pp", source="B"), *given("bob", "r-")]
    assert [one.source for one in visible(ratings, Actor("ann"))] == ["", "", "B", "B", ""]
    assert {(one.rater, one.study_id) for one in visible(ratings, Actor("bob"))} == {
        ("ann", "s0"),
        ("ann (B)", "s0"),
        ("bob", "s0"),
    }
    assert visible(ratings, Actor("cy")) == []
