"""A clinician's way in a real browser: drop an ECG, filter, compare, see why, measure, rate, collect, take a PDF along.

Screenshots are kept in the folder that CASEBIND_ARTEFACTS names, where it is set.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from helpers.browser import (
    Look,
    box_of,
    download,
    drawn_up,
    drop,
    faults_of,
    leave,
    looking,
    opened,
    page_of,
    press,
    settle,
    violations,
    wait_for_cards,
)
from helpers.shipped import SHIPPED
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

pytestmark = pytest.mark.browser

READING = re.compile(r"^(\d+) ms · \d+/min$")


def ask(tab: Page, url: str, files: list[Path], look: Look) -> None:
    """Drop the record; keep women alone, by keyboard; what remains is said."""
    look("start")
    drop(tab, url, *files)
    wait_for_cards(tab)
    expect(tab.get_by_text("Quality: accepted").first).to_be_visible()
    look("results")
    tab.locator(".st-key-filters button").first.click()
    tab.get_by_test_id("stPopoverBody").get_by_text("Women", exact=True).click()
    press(tab, "Escape")
    expect(tab.locator(".st-key-remove-sex").get_by_role("button")).to_be_visible()
    wait_for_cards(tab)
    settle(tab)
    assert "sex=F" in tab.url
    look("filtered")


def compare(tab: Page, look: Look) -> str:
    """Open the nearest ECG beside the query, see why both match; return its study id."""
    card = tab.locator("[class*='st-key-open-'][class*='-ecg'] button").first
    names = card.evaluate("one => [...one.closest('[class*=st-key-open-]').classList]")
    study_id = next(name for name in names if name.startswith("st-key-open-")).removeprefix("st-key-open-")
    card.click()
    tab.get_by_role("heading", name=re.compile("beside your query")).wait_for()
    tab.locator(".host[data-drawn=yes]").first.wait_for()
    look("compare")
    leave(tab)
    press(tab, "w")
    expect(tab.get_by_text(re.compile(r"convergence gap [0-9.]+ %|SHAP of [0-9]+ parts")).first).to_be_visible()
    expect(tab.get_by_text("With an overlay that lies mostly in").first).to_be_visible()
    expect(tab.locator("[role=img][aria-label*='With an overlay that lies mostly in']").first).to_be_attached()
    expect(tab.get_by_text("Baseline").or_(tab.get_by_text(re.compile("compared with"))).first).to_be_visible()
    expect(tab.get_by_text(re.compile("localise findings worse than radiologists")).first).to_be_visible()
    look("why")
    return study_id


def measure(tab: Page, look: Look) -> None:
    """Drag a caliper over the paper of the query; it reads ms and mV as the paper's scale says."""
    stage = tab.locator(".stage").first
    stage.scroll_into_view_if_needed()
    box = box_of(stage)
    left, top = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3
    across = box["width"] * 0.2
    tab.mouse.move(left, top)
    tab.mouse.down()
    tab.mouse.move(left + across / 2, top, steps=4)
    tab.mouse.move(left + across, top, steps=4)
    tab.mouse.up()
    drawn_up(tab)
    said = READING.match(tab.locator(".caliper.chosen .reading").text_content() or "")
    assert said is not None
    px_per_mm = float(stage.get_attribute("data-px-per-mm") or 0)
    assert int(said[1]) == pytest.approx(across / px_per_mm / 25 * 1000, abs=2)
    look("caliper")


def rate_and_collect(tab: Page, title: str, look: Look) -> None:
    """Rate by key, then put the case into a new collection."""
    leave(tab)
    press(tab, "1")
    expect(tab.get_by_text("Saved as Relevant")).to_be_visible()
    leave(tab)
    press(tab, "a")
    tab.get_by_role("dialog").wait_for()
    if not tab.get_by_label("Title of the new collection").count():
        tab.get_by_role("dialog").get_by_role("combobox").click()
        tab.get_by_role("option", name="A new collection").click()
    tab.get_by_label("Title of the new collection").fill(title)
    press(tab, "Tab")
    settle(tab)
    tab.get_by_role("button", name="Add", exact=True).click()
    expect(tab.get_by_text(re.compile(f"was added to {title}")).first).to_be_visible()
    expect(tab.get_by_role("dialog")).to_have_count(0)
    look("collect")
    settle(tab)
    expect(tab.get_by_role("dialog")).to_have_count(0)  # a page drawn anew doesn't bring it back
    expect(tab.get_by_role("heading", name=re.compile("beside your query"))).to_be_visible()


def take_along(tab: Page, look: Look) -> None:
    """Download the report; its page holds query and case, reader, comment, notice and release."""
    tab.get_by_role("button", name="Export", exact=True).click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Read by").fill("Dr Ada")
    dialog.get_by_label("Comment").fill("As in March.")
    dialog.get_by_role("button", name="Make the report").click()
    dialog.get_by_role("button", name="Download the report (PDF)").wait_for()
    look("export")
    page, why = PdfReader(io.BytesIO(download(tab, "Download the report (PDF)"))).pages  # the map was on the screen
    assert "is near" in why.extract_text()
    words = page.extract_text()
    for part in ("not for diagnosis", SHIPPED, "SYNTHETIC", "Read by Dr Ada", "As in March."):
        assert part in words, part
    assert "Doe" not in words
    press(tab, "Escape")
    expect(dialog).to_have_count(0)


def test_a_clinician_asks_compares_measures_rates_and_exports(
    browser: Browser, server: str, wfdb_pair: list[Path]
) -> None:
    tab, title = opened(browser, server, "dark"), "Seen by a clinician"
    faults, look = faults_of(tab), looking(tab, "clinician", violations, also=("light", 768))
    ask(tab, server, wfdb_pair, look)
    study_id = compare(tab, look)
    measure(tab, look)
    rate_and_collect(tab, title, look)
    take_along(tab, look)
    page_of(tab, "Collections")
    tab.get_by_text(title).first.wait_for()
    assert study_id.endswith("-ecg")
    assert faults == []
    tab.context.close()
