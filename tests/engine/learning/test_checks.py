"""Readings that are compared with a known mark are no ratings; a rater's own figures are counted from both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.studies import fill

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.files import utc_now
from engine.learning import checks, dashboard
from engine.store import known_pairs
from engine.store.records import MARKS
from engine.workspace.workspace import Workspace, open_workspace

ANN, BOB = Actor("ann"), Actor("bob")
TOMORROW = timedelta(days=2)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(tmp_path / "ws", create=True) as made:
        fill(made)
        yield made


def test_a_check_says_how_many_agree_and_stores_no_rating(place: Workspace):
    for n, mark in enumerate(MARKS):
        known_pairs.add(place.database, ("s0000", f"s000{n + 1}"), mark, "ann", purpose="check", note="agreed")
    known_pairs.add(place.database, ("s0000", "s0008"), "relevant", "ann")  # an example is no check
    run_id = checks.begin(place, BOB, checks.AGREED, seed=1)
    assert checks.begin(place, BOB, checks.AGREED, seed=2) == run_id  # gone on with
    assert checks.load(place, ANN, run_id) is None
    while (run := checks.load(place, BOB, run_id)) and run.next:
        checks.answer(place, BOB, run_id, run.next.place, "relevant")
        checks.answer(place, BOB, run_id, run.next.place, "irrelevant")  # a second press changes nothing
    assert run is not None and len(run.done) == 3 and run.n_same == 1 and run.last.note == "agreed"
    assert place.all_ratings() == []
    figures = dashboard.of_rater(place, BOB)
    assert figures.n == 0 and figures.checked == dashboard.MeanOverPairs(pytest.approx(1 / 3), None, None, 3)
    place.rate("s0000", "s0004", "partly", actor=ANN, release="r1")
    lines = dashboard.of_everyone(place, BOB)
    assert [(one.who, one.n, one.last is None, one.checked) for one in lines] == [
        ("ann", 1, False, None),
        ("bob", 0, True, figures.checked),
    ]
    with pytest.raises(UsageError, match="in a check"):
        checks.answer(place, BOB, run_id, 0, "skip")


def test_own_pairs_come_again_after_a_day_once_each_and_show_drift(place: Workspace):
    for n in range(1, 7):
        place.rate("s0000", f"s000{n}", "partly", actor=ANN, release="r1")
    assert checks.available(place, ANN, checks.REPEAT) == 0
    with pytest.raises(UsageError, match="a day old"):
        checks.begin(place, ANN, checks.REPEAT, seed=1)
    run_id = checks.begin(place, ANN, checks.REPEAT, seed=1, now=utc_now() + TOMORROW)
    for one in checks.load(place, ANN, run_id).pairs:
        checks.answer(place, ANN, run_id, one.place, "relevant" if one.place < 3 else "partly")
    assert checks.available(place, ANN, checks.REPEAT, now=utc_now() + TOMORROW) == 0
    figures = dashboard.of_rater(place, ANN)
    assert (figures.repeated.value, figures.repeated.n) == (0.5, 6)
    assert figures.drift.value == pytest.approx(0.25) and figures.drift.low <= 0.25 <= figures.drift.high
    assert figures.by_mark == {"partly": 6}  # as they were given


def test_whoever_withdrew_is_in_no_check(place: Workspace):
    known_pairs.add(place.database, ("s0000", "s0001"), "partly", "ann", purpose="check")
    place.set_consent("p1", False, actor=single_user(), scope="training")
    assert checks.available(place, BOB, checks.AGREED) == 0


def test_a_known_pair_has_one_mark_and_comes_back_when_its_removal_is_undone(place: Workspace):
    known_pairs.add(place.database, ("s0000", "s0001"), "partly", "ann")
    (one,) = [known_pairs.add(place.database, ("s0000", "s0001"), "relevant", "bob", note="same side")]
    assert known_pairs.known_pairs(place.database) == [one]
    known_pairs.remove(place.database, one.pair_id)
    assert known_pairs.known_pairs(place.database) == []
    known_pairs.restore(place.database, one.pair_id)
    assert known_pairs.known_pairs(place.database, "example") == [one]
    with pytest.raises(UsageError, match="no study"):
        known_pairs.add(place.database, ("s0000", "s9999"), "relevant", "bob")


def test_figures_with_others_count_pairs_that_both_judged(place: Workspace):
    for n, (mine, theirs) in enumerate((("relevant", "relevant"), ("partly", "irrelevant"), ("relevant", "skip")), 1):
        place.rate("s0000", f"s000{n}", mine, actor=ANN, release="r1")
        place.rate("s0000", f"s000{n}", theirs, actor=BOB, release="r1")
    place.rate("s0000", "s0007", "skip", actor=ANN, release="r1")
    figures = dashboard.of_rater(place, ANN)
    assert (figures.with_others.value, figures.with_others.n, figures.with_others.low) == (0.5, 2, None)
    assert (figures.n, figures.by_mark["skip"], figures.timed) == (3, 1, 3)
    assert figures.seconds[0] <= figures.seconds[1] <= figures.seconds[2] < 5
    assert dashboard.of_rater(place, Actor("nobody")).with_others is None


def test_intervals_of_many_pairs_hold_the_share():
    found = dashboard.share([1.0] * 18 + [0.0] * 2)
    assert (found.value, found.n) == (0.9, 20)
    assert (found.low, found.high) == (pytest.approx(0.699, abs=0.001), pytest.approx(0.972, abs=0.001))  # Wilson 1927
