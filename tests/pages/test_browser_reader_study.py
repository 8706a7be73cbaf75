"""A reader in both arms: picture, question by keys, neighbours in their arm alone, and nothing that names the truth."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.browser import opened, press, settle, violations
from helpers.reader_studies import FINDING
from helpers.sent import Sent
from helpers.server import start, stop
from playwright.sync_api import Browser, Page, expect

from engine.actor import single_user
from engine.model.release import load_release
from engine.reader_study import analysis, design, results
from engine.reader_study.cases import CaseSource
from engine.reader_study.protocol import ReaderStudyPlan
from engine.teaching import access
from engine.workspace.workspace import open_workspace

pytestmark = pytest.mark.browser

PLAN = ReaderStudyPlan("Two arms", (FINDING,), ("ann",), washout_days=0, neighbours=3)


@dataclass(frozen=True)
class Place:
    """A running app with a reader study of four cases, the key of its maker's link, and the workspace behind it."""

    url: str
    study: str
    key: str
    cases: tuple[str, ...]
    folder: Path
    process: Any


@pytest.fixture(scope="module")
def place(few_patients: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("reading")
    workspace = Path(shutil.copytree(few_patients(30, 4), folder / "ws"))
    with open_workspace(workspace) as made:
        source = CaseSource(modality="ecg", n=4)
        draft = design.draft(made, load_release().name, PLAN, source, actor=single_user())
        which = design.make(made, draft, actor=single_user()).reader_study_id
        key = access.new_key(made, which, actor=single_user())
    cases = tuple(one.study_id for one in draft.chosen.cases)
    process, url = start(workspace, folder / "server.log")
    yield Place(url, which, key, cases, workspace, process)
    stop(process)


def goes(tab: Page, place: Place, path: str) -> None:
    tab.goto(f"{place.url}/{path}")
    tab.locator("h1, h3, form.reading, [data-testid=stAlert]").first.wait_for()
    settle(tab)


def shown(tab: Page) -> str:
    """Return which case is shown, once its picture and its question stand there."""
    tab.locator(".st-key-reading-picture canvas, .st-key-reading-picture svg").first.wait_for()
    expect(tab.get_by_text(FINDING).first).to_be_visible()
    settle(tab)
    return str(tab.locator(".st-key-heard-reading").inner_text())


def answers(tab: Page, rating: str, decision: str) -> None:
    """Answer by keys and wait until the next case, or the end, has come."""
    found = re.search(r"Case \d of 4, session \d of 2", tab.locator(".st-key-heard-reading").inner_text())
    assert found is not None
    press(tab, rating)
    press(tab, decision)
    expect(tab.locator("form.reading [aria-pressed=true]")).to_have_count(1)
    press(tab, "Enter")
    expect(tab.locator(".st-key-heard-reading")).not_to_contain_text(found[0])
    settle(tab)


def test_a_reader_reads_in_both_arms_is_told_no_truth_and_the_maker_closes(browser: Browser, place: Place) -> None:
    tab = opened(browser, place.url, "light", 1440)
    sent = Sent(tab)
    sent.listen()
    goes(tab, place, f"reader_study?study={place.study}&who=ann")
    arms: list[str] = []
    for number in range(8):
        words = shown(tab)
        assert f"Case {number % 4 + 1} of 4, session {number // 4 + 1} of 2" in words
        near = tab.locator(".st-key-reading-neighbours")
        arms.append("without" if "Without neighbours" in words else "with")
        if arms[-1] == "with":
            near.locator("img").nth(2).wait_for()
        assert near.count() == (arms[-1] == "with")
        assert sent.tells(*place.cases) == [], "the reading itself"
        if number == 1:
            is_hostile(tab, place, sent)
            goes(tab, place, f"reader_study?study={place.study}&who=ann")
            assert shown(tab) == words  # the same case, after wandering off
        if arms[-1] == "with" and arms.count("with") == 1:
            assert violations(tab) == []
        answers(tab, str(2 + 5 * (number % 2)), "p" if number % 2 else "a")
    assert arms.count("with") == 4 and arms.count("without") == 4
    expect(tab.get_by_text("You have read every case")).to_be_visible()
    tab.context.close()
    is_closed_by_its_maker(browser, place)
    holds_every_answer(place)


def is_hostile(tab: Page, place: Place, sent: Sent) -> None:
    """Ask for the truth by every address that a reader can type."""
    for case in place.cases:
        for address in (f"?query={case}", f"compare?query={case}&case={place.cases[0]}"):
            goes(tab, place, address)
            assert sent.tells(FINDING) == [], address
    for address in ("view=maker", "view=maker&key=guessed"):
        goes(tab, place, f"reader_study?study={place.study}&who=ann&{address}")
        expect(tab.locator("[data-testid=stAlert]").first).to_be_visible()
        assert sent.tells(*place.cases) == [] and not tab.get_by_text("Close the reader study").count()
    goes(tab, place, f"reader_study?study={place.study}&who=eve")
    expect(tab.get_by_text("You are no reader of this reader study")).to_be_visible()


def is_closed_by_its_maker(browser: Browser, place: Place) -> None:
    """Come in by the maker's link, close the study, read its results and load its file."""
    tab = opened(browser, place.url, "dark", 1440)
    goes(tab, place, f"reader_study?study={place.study}&key={place.key}")
    expect(tab.get_by_text("nobody sees answers or truth")).to_be_visible()
    expect(tab.get_by_role("cell", name="4 / 4").first).to_be_visible()
    assert violations(tab) == []
    tab.get_by_role("button", name="Close the reader study").click()
    tab.get_by_role("button", name="Close it for good").click()
    expect(tab.get_by_role("cell", name="Area under the ROC curve")).to_be_visible()
    settle(tab)
    assert violations(tab) == []
    with tab.expect_download() as coming:
        tab.get_by_role("button", name="Readings (CSV)").click()
    words = Path(coming.value.path()).read_text("utf-8")
    assert words.startswith("reader,treatment,case,truth,rating") and "ann" not in words
    assert len(words.splitlines()) == 1 + 8
    tab.context.close()


def holds_every_answer(place: Place) -> None:
    """Look into the workspace, once the server is gone."""
    stop(place.process)
    with open_workspace(place.folder) as made:
        closed = results.closed(made, place.study, actor=single_user())
        (found,) = analysis.of_study(closed)
    assert closed.missing == 0 and found.cases == 4
    given = [one.judgement for one in closed.readings]
    assert {one.ratings for one in given if one is not None} == {(20,), (70,)}
    assert all(one is not None and 0 < one.visible_s < 600 for one in given)
