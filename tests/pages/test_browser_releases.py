"""A round in a real browser: begun, left and met again after a refresh, read, promoted with a reason, and taken back.

Screenshots are kept in the folder that CASEBIND_ARTEFACTS names, where it is set.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser import Look, faults_of, focus, looking, opened, page_of, press, settle, violations
from helpers.rounds import rate
from helpers.server import start, stop
from helpers.shipped import SHIPPED
from playwright.sync_api import Browser, Page, expect

from engine.actor import single_user
from engine.intake.paths import read_paths
from engine.model.release import load_release
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.settings import DEMO
from engine.workspace.workspace import open_workspace

pytestmark = pytest.mark.browser

LONG = 240_000  # milliseconds for a round beside other work
RATED = 200


@pytest.fixture(scope="module")
def rated_server(shipped_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a copy of the shipped workspace, with ratings and a query."""
    folder = tmp_path_factory.mktemp("rated")
    place = Path(shutil.copytree(shipped_folder, folder / "ws"))
    with open_workspace(place) as workspace:
        rate(workspace, RATED, who="Ada")
        study = read_paths([DEMO / "ecg" / "syn-0045-e1-ecg.hea"])
        search(workspace, load_release(), study, Options(k=3), actor=single_user())
    process, url = start(place, folder / "server.log")
    yield url
    stop(process)


def make(tab: Page, look: Look) -> None:
    """Begin a round by the keyboard; a refresh finds it on its way; it ends in a release with a table."""
    page_of(tab, "Releases")
    tab.get_by_role("textbox", name="Your name").fill("Ada")
    press(tab, "Tab")
    settle(tab)
    expect(tab.get_by_text(f"ratings were given since {SHIPPED} was made")).to_be_visible()
    look("start")
    begin = tab.get_by_role("button", name="Begin", exact=True)
    focus(tab, begin)
    press(tab, "Enter")
    cancel = tab.get_by_role("button", name="Cancel the round")
    expect(cancel).to_be_visible()
    tab.reload()
    expect(cancel).to_be_visible()
    look("running")
    expect(tab.get_by_role("heading", name=f"against {SHIPPED}")).to_be_visible(timeout=LONG)
    expect(cancel).to_have_count(0)
    settle(tab)


def read(tab: Page, look: Look) -> None:
    """Read the table and what changes."""
    expect(
        tab.get_by_role("rowheader", name="Ten nearest that share a finding, every pair of kinds alike")
    ).to_be_visible()
    tab.get_by_text("By finding").click()
    tab.get_by_text("How far the rater was relied on").click()
    expect(tab.get_by_role("rowheader", name="Ada")).to_be_visible()
    tab.get_by_text("Show before and after").click()
    expect(tab.get_by_text(f"Now, release {SHIPPED}").first).to_be_visible(timeout=LONG)
    look("read")


def promote_and_return(tab: Page, name: str, look: Look) -> None:
    """Promote, with a reason where guards fell; then go back."""
    reason = tab.get_by_role("textbox", name="Why promote it although figures fall too far?")
    promote = tab.get_by_role("button", name=f"Promote {name}")
    if reason.count():
        expect(promote).to_be_disabled()
        reason.fill("films are few in this collection")
        press(tab, "Tab")
    expect(promote).to_be_enabled()
    promote.click()
    back = tab.get_by_role("button", name=f"Go back to {SHIPPED}", exact=True)
    expect(back).to_be_visible(timeout=LONG)
    mine = tab.locator("[class*=st-key-release-]").filter(has=tab.get_by_text(name, exact=True))
    expect(mine.get_by_text("Promoted by Ada")).to_be_visible()
    settle(tab)
    look("promoted")
    back.click()
    expect(tab.get_by_text("Brought back by Ada").last).to_be_visible(timeout=LONG)
    tab.get_by_text("Who changed the serving release").click()
    look("back")


def test_a_round_from_begin_to_the_way_back(browser: Browser, rated_server: str) -> None:
    tab = opened(browser, rated_server, "dark")
    faults, look = faults_of(tab), looking(tab, "releases", violations, also=("light", 768))
    make(tab, look)
    read(tab, look)
    named = tab.get_by_role("heading", name=f"against {SHIPPED}").inner_text().split()[1]
    promote_and_return(tab, named, look)
    # Opened at an address of its own, Streamlit looks for its server below that address first, and is told 404.
    assert [one for one in faults if "404" not in one] == []
    tab.context.close()
