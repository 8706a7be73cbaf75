"""Rating pair after pair in a real browser by keys alone, through a refresh; the second reading and the agreement.

Screenshots are kept in the folder that CASEBIND_ARTEFACTS names, where it is set.
"""

from __future__ import annotations

import csv
import io
import re

import pytest
from helpers.browser import (
    Look,
    box_of,
    download,
    faults_of,
    leave,
    looking,
    opened,
    page_of,
    press,
    settle,
    violations,
)
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

N = 3
FIRST = re.compile(r"First-\w+: ")  # the first reader with a mark


def begin(tab: Page, who: str, look: Look) -> None:
    """Give a name, choose a strategy and a number, begin."""
    page_of(tab, "Review")
    tab.get_by_role("textbox", name="Your name").fill(who)
    press(tab, "Tab")
    settle(tab)
    look("start")
    tab.get_by_text("Advanced: choose other pairs").click()
    tab.get_by_text("Unlike anything rated so far", exact=True).click()
    tab.get_by_label("Number of pairs").fill(str(N))
    press(tab, "Tab")
    settle(tab)
    tab.get_by_role("button", name="Begin with these").click()
    expect(tab.get_by_text(f"1 of {N}", exact=True)).to_be_visible()
    settle(tab)


def marks_in_sight(tab: Page) -> None:
    """Both pictures begin and the marks lie within the window; on a phone too the marks are as large as a thumb."""
    wide = tab.viewport_size
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        tab.set_viewport_size({"width": width, "height": height})
        settle(tab)
        for button in tab.locator(".st-key-review-marks button").all():
            box = box_of(button)
            assert box["y"] >= 0 and box["y"] + box["height"] <= height and box["x"] + box["width"] <= width
            assert box["height"] >= 44 and box["width"] >= 60
        pair = box_of(tab.locator(".st-key-review-pair"))
        assert pair["y"] < 0.4 * height
    tab.set_viewport_size(wide)
    settle(tab)


def rate_by_keys(tab: Page, look: Look) -> None:
    """Choose a reason and a mark, take it back, mark again, skip, all by keys; a refresh changes nothing."""
    look("pair")
    marks_in_sight(tab)
    leave(tab)
    press(tab, "w")
    press(tab, "2")
    expect(tab.get_by_text("Pair 1 saved as Partly")).to_be_visible()
    expect(tab.get_by_text("Wrong side").first).to_be_visible()
    look("saved")
    press(tab, "u")
    expect(tab.get_by_text("Pair 1 saved as Partly")).to_have_count(0)
    press(tab, "1")
    expect(tab.get_by_text("Pair 1 saved as Relevant")).to_be_visible()
    tab.reload()
    expect(tab.get_by_text("Pair 1 saved as Relevant")).to_be_visible()
    expect(tab.get_by_text(f"2 of {N}", exact=True)).to_be_visible()
    leave(tab)
    press(tab, "l")
    expect(tab.get_by_text("Labelled as").first).to_be_visible()
    look("labels")
    press(tab, "4")
    expect(tab.get_by_text("Pair 2 saved as Skip")).to_be_visible()
    expect(tab.get_by_role("group", name=f"3 of {N}", exact=True)).to_be_focused()
    press(tab, "3")
    expect(tab.get_by_role("heading", name="This queue is done")).to_be_visible()
    expect(tab.get_by_role("button", name="Another queue")).to_be_focused()
    look("end")


def read_again(tab: Page, url: str, who: str, first: str, look: Look) -> None:
    """Judge what the first rater judged: hidden before the own mark, shown after it; then how far both agree."""
    tab.goto(f"{url}/review?who={who}&strategy=second&n={N}&seed=1")
    expect(tab.get_by_text("others have judged it")).to_be_visible()
    assert not FIRST.search(tab.locator("[data-testid=stMain]").inner_text())
    leave(tab)
    press(tab, "2")  # whatever the first one said, it was not this
    expect(tab.get_by_text(FIRST).first).to_be_visible()
    look("second")
    tab.goto(f"{url}/review?who={who}&view=agreement")
    expect(tab.get_by_role("heading", name="How far raters agree")).to_be_visible()
    expect(tab.get_by_role("cell", name=first).first).to_be_visible()
    look("agreement")
    for view, title in (
        ("guide", "What counts as relevant"),
        ("mine", "Your own figures"),
        ("assign", "Who reads what"),
    ):
        tab.goto(f"{url}/review?who={who}&view={view}")
        expect(tab.get_by_role("heading", name=title)).to_be_visible()
        if view != "mine":
            look(view)
    tab.goto(f"{url}/review?who=Third-reader&view=disputes")
    expect(tab.get_by_text(FIRST).first).to_be_visible()
    look("disputes")
    tab.goto(f"{url}/review?who={who}&view=share")
    expect(tab.get_by_role("heading", name="Ratings of other sites")).to_be_visible()
    look("share")
    rows = list(csv.DictReader(io.StringIO(download(tab, "Export ratings (CSV)").decode("utf-8-sig"))))
    assert sorted(row["mark"] for row in rows if row["rater"] == first) == ["irrelevant", "relevant", "skip"]


def test_pairs_are_rated_by_keys_and_read_again_blind(browser: Browser, fresh_server: str) -> None:
    tab, first, second = opened(browser, fresh_server, "light", 768), "First-reader", "Second-reader"
    faults, look = faults_of(tab), looking(tab, "review", violations, also=("dark", 1440))
    begin(tab, first, look)
    rate_by_keys(tab, look)
    read_again(tab, fresh_server, second, first, look)
    # Opened at an address of its own, Streamlit looks for its server below that address first, and is told 404.
    assert [one for one in faults if "404" not in one] == []
    tab.context.close()
