"""Nobody is shut out: no WCAG A or AA violation in either theme, keys do the loop, the notice is on every page."""

from __future__ import annotations

import re

import pytest
from helpers.browser import opened, press, settle, violations, wait_for_cards
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_search_results_and_detail_have_no_violation(browser, server, scheme):
    tab = opened(browser, server, scheme)
    assert violations(tab) == []
    tab.get_by_role("button", name="ECG", exact=True).click()
    wait_for_cards(tab)
    tab.locator("img").first.wait_for()
    assert violations(tab) == []
    for key, shown in (("d", "st-key-otherwise-cxr"), ("s", "st-key-part-panel")):
        press(tab, key)
        tab.locator(f".{shown}").wait_for()
    tab.goto(f"{tab.url}&sex=F&quality=0.5")
    tab.locator(".st-key-otherwise-cxr").wait_for()
    tab.locator(".st-key-filters button").first.click()
    tab.get_by_text("Only patients who let").wait_for()
    tab.wait_for_function("document.getAnimations().every(one => one.playState != 'running')")  # it fades in
    assert violations(tab) == []
    press(tab, "Escape")
    tab.get_by_role("button", name=re.compile("^Open case 1")).first.click()
    tab.get_by_role("button", name="Show why they match").wait_for()
    settle(tab)
    assert violations(tab) == []
    tab.context.close()


@pytest.mark.parametrize(("scheme", "ground"), [("dark", "rgb(16, 20, 24)"), ("light", "rgb(255, 255, 255)")])
def test_about_follows_the_theme_of_the_browser_without_a_violation(browser, server, scheme, ground):
    tab = opened(browser, server, scheme)
    assert tab.locator(".stApp").evaluate("e => getComputedStyle(e).backgroundColor") == ground
    tab.goto(f"{server}/about")
    tab.get_by_role("heading", name="Model card").wait_for()
    assert violations(tab) == []
    expect(tab.get_by_text("not for diagnosis").first).to_be_visible()
    # On a phone in another language: Streamlit's own buttons speak it too, and nothing is cut out of reach.
    tab.context.add_cookies([{"name": "casebind_language", "value": "de", "url": server}])
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.goto(server)
    expect(tab.get_by_test_id("stFileUploaderDropzone").locator("button", has_text="Hochladen")).to_be_visible()
    expect(tab.get_by_role("link", name="Zum Inhalt springen")).to_be_attached()
    assert violations(tab) == []
    tab.context.close()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_groups_are_a_picture_and_a_table_without_a_violation(browser, server, scheme):
    tab = opened(browser, server, scheme)
    tab.goto(f"{server}/groups")
    tab.locator(".st-key-groups-plot .js-plotly-plot").wait_for()
    settle(tab)
    assert violations(tab) == []
    tab.get_by_text("All figures of this comparison").click()
    expect(tab.locator("table.plain th[scope=row]").first).to_be_visible()
    settle(tab)
    assert violations(tab) == []
    tab.context.close()


def test_keys_step_through_cases_and_back(browser, server):
    tab = opened(browser, server, "dark", width=800)
    tab.get_by_role("button", name="Chest film", exact=True).click()
    wait_for_cards(tab)
    press(tab, "o")
    expect(tab.get_by_text(re.compile(r"^1 of \d+$"))).to_be_visible()
    press(tab, "ArrowRight")
    expect(tab.get_by_text(re.compile(r"^2 of \d+$"))).to_be_visible()
    settle(tab)
    for _ in range(2):  # the second press comes before the page of the first is drawn
        before = tab.url
        tab.keyboard.press("ArrowRight")
        tab.wait_for_url(lambda address, before=before: address != before)
    expect(tab.get_by_text(re.compile(r"^4 of \d+$"))).to_be_visible()
    press(tab, "3")
    expect(tab.get_by_text("Saved as Irrelevant")).to_be_visible()
    press(tab, "Escape")
    expect(tab.get_by_role("heading", name="Your query")).to_be_visible()
    wait_for_cards(tab)  # drawn last: a key that is pressed while the page is still drawn is lost
    press(tab, "n")
    tab.get_by_test_id("stFileUploader").wait_for()
    tab.context.close()


def test_more_like_these_by_key_and_one_press_of_back(browser, server):
    tab = opened(browser, server, "dark", width=768)
    tab.goto(f"{server}/?query=syn-0001-e1-cxr&sex=F&k=5")
    wait_for_cards(tab)
    for n in (0, 1):
        settle(tab)
        tab.locator("[class*=st-key-choose-] button:visible").nth(n).click()
        tab.wait_for_function("n => new URL(location).searchParams.getAll('choose').length == n", arg=n + 1)
    press(tab, "m")
    expect(tab.get_by_text("More like 2 cases")).to_be_visible()
    settle(tab)
    assert "choose" not in tab.url and "sex=F" in tab.url
    tab.go_back()
    expect(tab.get_by_role("button", name="More like these (2)")).to_be_visible()
    assert "query=syn-0001-e1-cxr" in tab.url and tab.url.count("choose=") == 2
    press(tab, "x")
    tab.wait_for_function("!new URL(location).searchParams.has('sex')")
    # What a popover's widgets show is what is applied, although it is opened only now.
    tab.locator(".st-key-filters button").first.click()
    expect(tab.locator(".st-key-set-sex [aria-checked=true]")).to_have_text("Any")
    tab.context.close()
