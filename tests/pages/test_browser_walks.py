"""A driven browser on a random walk: wherever it goes, there is a way on, nothing fails, and its place is found again.

CASEBIND_WALKS walks that many steps, CASEBIND_WALK_SEED says by which chance; the suite walks a few.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from helpers.browser import box_of, opened, settle
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as BrowserError

pytestmark = pytest.mark.browser

STEPS = int(os.environ.get("CASEBIND_WALKS", "15"))
SEED = int(os.environ.get("CASEBIND_WALK_SEED", "7"))
PAGES = ("Search", "Compare", "Map", "Collections", "Quiz", "Review", "Releases", "About")
PICTURES = ".st-key-compare-pictures"
FIELD = ".host.map .field"
CASE_KEYS = ("1", "2", "3", "l", "i", "0", "4", "7", "k")  # marks, linked zoom, and what the viewers know
MAP_SEARCH = "[class*='st-key-map-search-'] button:visible"  # those of one kind; the others stand behind their tabs
MAP_KEYS = ("+", "-", "0", "ArrowLeft", "ArrowUp")
MAIN = "document.querySelector('[data-testid=stMain]')"
TOP, LOWEST = f"{MAIN}.scrollTop", f"({MAIN}.scrollHeight - {MAIN}.clientHeight)"
STILL = f"""() => {{  // has the page stopped scrolling?
  if (window.stillAt !== {TOP}) [window.stillAt, window.stillFrames] = [{TOP}, 0];
  return (window.stillFrames += 1) > 20;
}}"""
REACHED_MS = 60_000
SLACK_PX = 4


@dataclass
class Walk:
    """One tab, what it did, and where it was in each address that it left by opening a case."""

    tab: Page
    chance: random.Random
    steps: list[str] = field(default_factory=list)
    places: dict[str, float] = field(default_factory=dict)

    @property
    def trail(self) -> str:
        """What was done last."""
        return " > ".join(self.steps[-8:])

    def there(self, selector: str) -> bool:
        return self.tab.locator(selector).first.is_visible()

    def key(self, name: str) -> None:
        self.tab.keyboard.press(name)
        settle(self.tab)

    def click(self, selector: str) -> None:
        found = self.tab.locator(selector)
        self.places.pop(self.tab.url, None)  # what is clicked is scrolled to first
        found.nth(self.chance.randrange(found.count())).click(timeout=REACHED_MS)
        settle(self.tab)


def example(walk: Walk) -> None:
    """Ask an example; asked once more, its results begin at the top."""
    walk.click("[class*='st-key-example-'] button")
    walk.places.pop(walk.tab.url, None)


def open_case(walk: Walk) -> None:
    """Open a case by its picture; note where the results stood."""
    tab = walk.tab
    pictures = tab.locator("[class*='st-key-card-'] img:visible")
    picture = pictures.nth(walk.chance.randrange(pictures.count()))
    picture.evaluate("one => one.scrollIntoView({block: 'center'})")
    settle(tab)
    left, top = tab.url, tab.evaluate(TOP)
    picture.click(timeout=REACHED_MS)
    tab.locator(PICTURES).wait_for()
    settle(tab)
    walk.places = {left: top}


def find_place(walk: Walk) -> None:
    """Where the page is one that was left by opening a case, it stands as it was left."""
    place = walk.places.get(walk.tab.url)
    if place is not None:
        walk.tab.wait_for_function(f"wanted => Math.abs({TOP} - wanted) <= {SLACK_PX}", arg=place, timeout=REACHED_MS)


def return_to_results(walk: Walk) -> None:
    """Leave a case by its key; the results are there."""
    walk.tab.keyboard.press("Escape")
    walk.tab.locator("[class*='st-key-card-']").first.wait_for()
    settle(walk.tab)
    find_place(walk)


def back(walk: Walk) -> None:
    """Go back as the browser's button does; what was before the app is left at once."""
    walk.tab.go_back()
    if walk.tab.url == "about:blank":
        walk.tab.go_forward()
    settle(walk.tab)
    find_place(walk)


def forward(walk: Walk) -> None:
    walk.tab.go_forward()
    settle(walk.tab)
    find_place(walk)


def scroll(walk: Walk) -> None:
    walk.tab.mouse.move(700, 500)
    walk.tab.mouse.wheel(0, walk.chance.choice((-900, 400, 900, 2500)))
    walk.tab.evaluate("() => { window.stillFrames = 0; }")
    walk.tab.wait_for_function(STILL)
    walk.places.pop(walk.tab.url, None)


def go_to(walk: Walk) -> None:
    name = walk.chance.choice(PAGES)
    walk.tab.get_by_role("link", name=name, exact=True).first.click()
    walk.tab.get_by_role("heading", level=1).first.wait_for()
    settle(walk.tab)


def reload(walk: Walk) -> None:
    """Load the page anew; it stands where it stood, or at its end where less is open on it."""
    top = walk.tab.evaluate(TOP)
    walk.tab.reload()
    walk.tab.get_by_role("heading", level=1).first.wait_for()
    settle(walk.tab)
    walk.tab.wait_for_function(
        f"wanted => Math.abs({TOP} - Math.min(wanted, {LOWEST})) <= {SLACK_PX}", arg=top, timeout=REACHED_MS
    )


def draw_on_map(walk: Walk) -> None:
    """Draw a lasso somewhere on the map, or move the map by a key."""
    field = walk.tab.locator(FIELD)
    field.scroll_into_view_if_needed()
    box = box_of(field)
    x, y = (box[side] + box[size] * walk.chance.uniform(0.2, 0.5) for side, size in (("x", "width"), ("y", "height")))
    walk.tab.mouse.move(x, y)
    walk.tab.mouse.down()
    for dx, dy in ((180, 0), (180, 140), (0, 140)):
        walk.tab.mouse.move(x + dx, y + dy, steps=4)
    walk.tab.mouse.up()
    settle(walk.tab)
    walk.tab.locator(f"{FIELD} canvas").last.focus()
    walk.key(walk.chance.choice(MAP_KEYS))


Action = tuple[str, str, Callable[[Walk], None]]
ACTIONS: tuple[Action, ...] = (  # name, what must be there, what is done
    ("an example", "[class*='st-key-example-'] button", example),
    ("open a case", "[class*='st-key-card-'] img", open_case),
    ("open a case", "[class*='st-key-card-'] img", open_case),
    ("change how near", ".st-key-set-at button", lambda walk: walk.click(".st-key-set-at button")),
    ("show more", "[class*='st-key-more-'] button", lambda walk: walk.click("[class*='st-key-more-'] button")),
    ("labelled differently", ".st-key-counter button", lambda walk: walk.click(".st-key-counter button")),
    ("next case", ".st-key-next button:enabled", lambda walk: walk.key("ArrowRight")),
    ("previous case", ".st-key-previous button:enabled", lambda walk: walk.key("ArrowLeft")),
    ("a key of the case", PICTURES, lambda walk: walk.key(walk.chance.choice(CASE_KEYS))),
    ("draw on the map", FIELD, draw_on_map),
    ("search from the map", MAP_SEARCH, lambda walk: walk.click(MAP_SEARCH)),
    ("leave the case", PICTURES, return_to_results),
    ("leave the case", PICTURES, return_to_results),
    ("back", "h1", back),
    ("forward", "h1", forward),
    ("reload", "h1", reload),
    ("scroll", "h1", scroll),
    ("another page", "h1", go_to),
)


def check(walk: Walk, faults: list[str]) -> None:
    """Hold the page to what always holds: a heading, ways on, a title, no failure and no address without an answer."""
    tab, trail = walk.tab, walk.trail
    tab.get_by_role("heading", level=1).first.wait_for()
    assert tab.url.startswith("http"), trail
    assert tab.title().endswith("Casebind"), trail
    assert tab.get_by_test_id("stTopNavLink").count() + tab.get_by_role("link").count() > 0, trail
    assert tab.get_by_test_id("stException").count() == 0, trail
    said = tab.get_by_role("alert").all_inner_texts()
    assert not [one for one in said if "went wrong on our side" in one], trail
    assert not faults, (trail, faults)


def test_no_walk_ends_in_a_dead_end_or_loses_its_place(browser: Browser, server: str) -> None:
    tab = opened(browser, server, "dark")
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)) if "ResizeObserver" not in str(error) else None)
    walk = Walk(tab, random.Random(SEED))
    for _ in range(STEPS):
        name, _, act = walk.chance.choice([one for one in ACTIONS if walk.there(one[1])])
        walk.steps.append(name)
        try:
            act(walk)
        except BrowserError as problem:
            there = tab.evaluate(f"[{TOP}, {LOWEST}]")
            problem.add_note(f"{len(walk.steps)} steps, {walk.trail}, at {there} of {tab.url}, wanted {walk.places}")
            raise
        settle(tab)
        check(walk, faults)
    tab.context.close()
