"""The first card, both pictures of a pair and all leads are on the screen; six cases are collected in eight actions."""

from __future__ import annotations

import re

import pytest
from helpers.browser import box_of, leave, opened, press, settle, wait_for_cards
from playwright.sync_api import Browser, Locator, Page, expect

from engine.study import ECG_LEADS

pytestmark = pytest.mark.browser

SIZES = ((1440, 900), (1024, 768))
FILM, ECG, PULSE = "syn-0001-e1-cxr", "syn-0001-e1-ecg", "syn-0003-e1-ppg"
PICTURE_SHARE = 0.6
EVERY_LEAD = re.compile("".join(rf"(?=.*\b{lead}\b)" for lead in ECG_LEADS))
CASES, ACTIONS = 6, 8


def wholly_on_screen(tab: Page, place: Locator) -> None:
    place.wait_for()
    settle(tab)
    size, box = tab.viewport_size, box_of(place)
    assert size is not None
    assert box["x"] >= 0 and box["y"] >= 0, box
    assert box["x"] + box["width"] <= size["width"] and box["y"] + box["height"] <= size["height"], (box, size)


def area(place: Locator) -> float:
    box = box_of(place)
    return box["width"] * box["height"]


def look_at_first_card(tab: Page, modality: str) -> None:
    """The first card of a kind stands above the fold, and most of it is its picture."""
    wait_for_cards(tab)
    card = tab.locator(f".st-key-card-{modality}-1")
    card.locator("img").wait_for()
    for width, height in SIZES:
        tab.set_viewport_size({"width": width, "height": height})
        wholly_on_screen(tab, card)
        assert area(card.locator("img")) >= PICTURE_SHARE * area(card)


def collect_six(tab: Page, url: str) -> None:
    """Tick six cards and confirm once; each action is one click."""
    tab.goto(f"{url}/?query={ECG}")
    wait_for_cards(tab)
    clicks = 0
    for rank in range(1, CASES + 1):
        tab.locator(f".st-key-card-ecg-{rank}").hover()
        tab.get_by_role("button", name=re.compile(f"^Choose case {rank}\\b")).and_(
            tab.locator(f".st-key-card-ecg-{rank} button")
        ).click()
        tab.wait_for_function("n => new URL(location).searchParams.getAll('choose').length == n", arg=rank)
        settle(tab)
        clicks += 1
    tab.get_by_role("button", name=f"Add {CASES} to collection", exact=True).click()
    tab.get_by_role("dialog").wait_for()
    settle(tab)
    tab.locator(".st-key-collect-add button").click()
    clicks += 2
    expect(tab.get_by_text(re.compile(f"{CASES} cases were added to")).first).to_be_visible()
    assert clicks <= ACTIONS


def test_answers_and_pairs_are_on_the_screen_and_six_cases_are_collected_in_eight_actions(
    browser: Browser, server: str
) -> None:
    tab = opened(browser, server, "light")
    for query, modality in ((FILM, "cxr"), (ECG, "ecg"), (PULSE, "ppg")):
        tab.goto(f"{server}/?query={query}")
        look_at_first_card(tab, modality)
    tab.goto(server)
    tab.locator(".st-key-typed input").wait_for()
    settle(tab)
    tab.locator(".st-key-typed input").fill("atrial fibrillation")
    press(tab, "Enter")
    wait_for_cards(tab)
    first = str(tab.locator("[class*='st-key-card-']").first.get_attribute("class"))
    look_at_first_card(tab, re.findall(r"st-key-card-(\w+)-1", first)[0])
    for query, case in ((FILM, "syn-0002-e1-cxr"), (ECG, "syn-0002-e1-ecg"), (ECG, "syn-0002-e1-cxr")):
        tab.goto(f"{server}/compare?query={query}&case={case}")
        for width, height in SIZES:
            tab.set_viewport_size({"width": width, "height": height})
            for side in ("query", "match"):
                wholly_on_screen(tab, tab.locator(f".st-key-compare-{side}"))
            for paper in tab.locator(".stage").all():
                expect(paper).to_have_attribute("data-leads", EVERY_LEAD)
    leave(tab)
    collect_six(tab, server)
    tab.context.close()
