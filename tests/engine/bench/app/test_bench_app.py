"""The app is timed by what a user sees: every page and every change comes to an end, without an error."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise, permutations

import pytest

from engine.bench.app import bench, steps
from engine.bench.app.bench import within

pytestmark = pytest.mark.browser


def test_every_page_setting_and_loop_of_a_user_ends_without_an_error() -> None:
    command = [
        "bench",
        "app",
        "--cases",
        "60",
        "--users",
        "2",
        "--seconds",
        "1",
        "--rounds",
        "1",
        "--think",
        "0.1",
        "--json",
    ]
    # a process of its own: a browser that other tests hold open keeps an event loop running in this one
    done = subprocess.run([sys.executable, "-m", "engine.cli", *command], capture_output=True, text=True)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert (done.returncode, found["first_errors"]) == (0, [])
    headings = {f"to {page.heading}" for page in steps.PAGES}
    assert set(found["switches"]) == {"all", *headings}
    assert set(found["reruns"]) == {"all", "operating point", "code length", "filter"}
    for part in ("together", "in_browser"):
        assert {"open a search", "open a case", "rate", "go back"} <= set(found[part])
    assert found["together"]["open a case"]["n"] > found["in_browser"]["open a case"]["n"]  # the other user's as well
    assert all(found[part]["all"]["p50_ms"] > 0 for part in ("switches", "reruns", "together", "in_browser"))
    if sys.platform == "linux":
        assert all(found["server_processor_ms"][part] > 0 for part in ("switches", "reruns", "together"))
    assert found["within"] == within(found) and found["within"]["no errors"]


def test_a_tour_goes_from_every_page_to_every_other_once() -> None:
    walk = bench.tour(steps.PAGES)
    assert Counter(pairwise([steps.PAGES[0], *walk])) == Counter(permutations(steps.PAGES, 2))


@pytest.mark.parametrize("rounds", [1, 2, 7, 15])
def test_every_page_is_visited_as_often_as_was_asked(rounds: int) -> None:
    walk = bench.walk(steps.PAGES, rounds)
    assert all(walk.count(page) >= rounds for page in steps.PAGES) and walk[-1] == steps.PAGES[0]
    assert all(one != other for one, other in pairwise([steps.PAGES[0], *walk]))
    if rounds >= len(steps.PAGES) - 1:
        assert set(pairwise(walk)) >= set(permutations(steps.PAGES, 2)) - {(steps.PAGES[0], walk[0])}


def test_a_bar_is_missed_by_one_slow_action_in_ten_and_by_any_error() -> None:
    good = {"n": 5, "errors": 0, "p50_ms": 200, "p95_ms": 290}
    found = {part: {"all": dict(good)} for part in ("switches", "reruns", "together")}
    assert all(within(found).values())
    found["switches"]["all"]["p95_ms"], found["together"]["all"]["errors"] = 301, 1
    assert within(found) == {"page switch": False, "rerun": True, "several users": True, "no errors": False}
