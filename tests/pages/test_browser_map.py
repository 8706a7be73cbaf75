"""The map in a real browser: a picture under the pointer, a lasso that leads to a list, and the query on it.

Screenshots are kept in the folder that CASEBIND_ARTEFACTS names, where it is set.
"""

from __future__ import annotations

import re

import pytest
from helpers.browser import box_of, faults_of, looking, opened, settle, violations
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

QUERY = "syn-0001-e1-ecg"
EVERY = re.compile(r"\d{4,}")  # points: all of them, no sample


def point_at_a_study(tab: Page) -> None:
    """Move over the map until a study lies under the pointer, and wait for its picture."""
    field = box_of(tab.locator(".host.map .field"))
    card = tab.locator(".host.map .card")
    for step in range(60):
        tab.mouse.move(field["x"] + field["width"] * (0.2 + step / 100), field["y"] + field["height"] * 0.55)
        if card.is_visible():
            break
    expect(card.locator("strong")).to_be_visible()
    expect(card.locator("img, q").first).to_be_visible()


def draw_around(tab: Page) -> None:
    """Draw a lasso around the middle of the map."""
    field = box_of(tab.locator(".host.map .field"))
    at = [(field["x"] + field["width"] * u, field["y"] + field["height"] * v) for u, v in CORNERS]
    tab.mouse.move(*at[0])
    tab.mouse.down()
    for corner in at[1:]:
        tab.mouse.move(*corner, steps=6)
    tab.mouse.up()


CORNERS = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))


def test_a_study_is_seen_under_the_pointer_and_a_lasso_leads_to_a_list(browser: Browser, server: str) -> None:
    tab = opened(browser, server, "light", 1440)
    faults, look = faults_of(tab), looking(tab, "map", violations, also=("dark", 1024))
    tab.goto(f"{server}/map?query={QUERY}")
    expect(tab.locator(".host.map")).to_have_attribute("data-points", EVERY)
    settle(tab)
    expect(tab.get_by_text("Your query is a study of the collection")).to_be_visible()
    point_at_a_study(tab)
    look("pointed-at")
    draw_around(tab)
    expect(tab.get_by_text("within the lasso")).to_be_visible()
    expect(tab.get_by_role("button", name="Search only such")).to_be_visible()
    look("chosen")
    assert [one for one in faults if "404" not in one] == []
    tab.context.close()
