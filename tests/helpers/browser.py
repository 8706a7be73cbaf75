"""Walking the app in a browser as a user does: wait, reach by key, look at every state, download."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from helpers.server import standing
from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page, expect
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as TimedOut

MOST_TABS = 60
LOOK_MS = 20_000  # after which a page that has not come to rest is looked at
PATIENCE_MS = 120_000  # two shared cores; a first query loads the models
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],  # what passes is not listed element by element
}
Look = Callable[[str], None]
Appearance = tuple[Literal["dark", "light"], int]  # colour scheme, width in pixels
HEIGHT = 1000
DRAWN_FRAMES = 3  # after which what was done before is drawn: viewers draw in the next frame
CALM_FRAMES, CALM_MS = 8, 120  # so long nothing happens before a page counts as settled; a busy page has long frames
# A busy server begins some time after it is asked; until it answers, the page looks as if nothing were to come.
NOTE_SOCKETS = """
window.WebSocket = class extends window.WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', () => { window.answeredAt = performance.now(); });
  }
  send(data) { window.askedAt = performance.now(); super.send(data); }
};
"""
SETTLED = """([number, frames, least]) => {
  if (window.settling !== number) [window.settling, window.calmFrames] = [number, 0];
  const now = performance.now(), unanswered = window.askedAt > (window.answeredAt ?? 0) && now - window.askedAt < 15000;
  const app = document.querySelector('[data-testid=stApp]')?.dataset;
  const running = app?.testScriptState !== 'notRunning' || app.testConnectionState !== 'CONNECTED';
  const pending = '[data-stale=true], [data-testid=stMain] [data-testid=stSkeleton]';
  if (unanswered || running || document.querySelector(pending)) window.calmFrames = 0;
  else if ((window.calmFrames += 1) === 1) window.calmFrom = now;
  return window.calmFrames >= frames && now - window.calmFrom >= least;
}"""
UNSETTLED = """() => {
  const app = document.querySelector('[data-testid=stApp]')?.dataset, now = performance.now();
  const places = '[data-stale=true], [data-testid=stMain] [data-testid=stSkeleton]';
  return JSON.stringify({
    script: app?.testScriptState, connection: app?.testConnectionState, visible: document.visibilityState,
    askedAgoMs: now - window.askedAt, answeredAgoMs: now - window.answeredAt, calmFrames: window.calmFrames,
    pending: [...document.querySelectorAll(places)].slice(0, 8).map(e => e.className),
  });
}"""
_settlings = count(1)


def settle(tab: Page) -> None:
    """Wait until nothing is asked for, computed or redrawn, and stays so.

    Waits with a bound: a call that asks the page once, without one, would wait for a hung page for ever. Where rest
    never comes, the error says what the page waits for and where its server stands.
    """
    number = next(_settlings)
    for _ in range(PATIENCE_MS // LOOK_MS):
        with suppress(TimedOut):
            tab.wait_for_function(SETTLED, arg=[number, CALM_FRAMES, CALM_MS], timeout=LOOK_MS)
            return
        tab.bring_to_front()  # a window that its browser holds for covered draws no frames, by which this waits
    raise AssertionError(f"The page never came to rest: {tab.evaluate(UNSETTLED)}\n{standing(tab.url)}")


def drawn_up(tab: Page) -> None:
    """Wait until what a pointer or a key did before is drawn; what the server sends is waited for by `settle`."""
    tab.wait_for_function(SETTLED, arg=[next(_settlings), DRAWN_FRAMES, 0])


def box_of(place: Locator) -> FloatRect:
    """Return where an element lies, in CSS pixels, once it holds still.

    One that is just being renewed has no place, and one below what is still being drawn has another in a moment.
    """
    ends = time.monotonic() + PATIENCE_MS / 1000
    while True:
        place.wait_for()
        with suppress(BrowserError):  # renewed between two looks
            place.element_handle().wait_for_element_state("stable", timeout=PATIENCE_MS)
            box = place.bounding_box()
            if box is not None:
                return box
        assert time.monotonic() < ends, f"{place} has no place on the page"


def wait_for_cards(tab: Page) -> None:
    """Wait for results, all of them: a click before may meet a button that is about to be renewed."""
    tab.locator("[class*='st-key-card-']").first.wait_for(state="attached")
    settle(tab)


def press(tab: Page, key: str) -> None:
    """Press a key once the page has come to rest: one that it still draws may not know its keys yet."""
    settle(tab)
    tab.keyboard.press(key)


def page_of(tab: Page, name: str) -> None:
    """Go to a page as users do, within the app; on a narrow window it may stand in the menu of further pages."""
    settle(tab)
    target = tab.get_by_role("link", name=name, exact=True).or_(tab.get_by_role("button", name=name, exact=True))
    if not target.count():
        tab.get_by_role("button", name=re.compile(r"^\d+ more$")).click()
        target = tab.get_by_role("menuitem", name=name)
    target.first.click()
    tab.get_by_role("heading", level=1).first.wait_for()
    settle(tab)


def looking(tab: Page, name: str, violations: Callable[[Page], list[str]], also: Appearance | None = None) -> Look:
    """Return what keeps a screenshot and asks axe; called with the name of a state.

    also : a second appearance in which every state is looked at; the walk goes on in the one that was seen last, so
        that both are walked in
    Screenshots go to the folder that CASEBIND_ARTEFACTS names, where it is set.
    """
    folder = os.environ.get("CASEBIND_ARTEFACTS")

    def one(state: str) -> None:
        settle(tab)
        scheme, width = appearance(tab)
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            tab.screenshot(path=Path(folder) / f"{name}-{scheme}-{width}-{state}.png", full_page=True)
        found = violations(tab)
        assert found == [], f"{state}, {scheme}, {width} px: {found}"

    both = [also] if also is not None else []

    def look(state: str) -> None:
        one(state)
        if both:
            usual, other = appearance(tab), both.pop()
            appear(tab, other)
            one(state)
            both.append(usual)

    return look


def appearance(tab: Page) -> Appearance:
    """Return the colour scheme and the width of a tab."""
    dark = tab.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    return "dark" if dark else "light", tab.evaluate("() => innerWidth")


def appear(tab: Page, wanted: Appearance) -> None:
    """Change the colour scheme and the width of a tab, and wait until the app follows.

    The server draws anew in the other colours when it is asked to, as R of Streamlit does; an open dialog would close.
    """
    scheme, width = wanted
    tab.set_viewport_size({"width": width, "height": HEIGHT})
    tab.emulate_media(color_scheme=scheme)
    tab.wait_for_function(
        "scheme => getComputedStyle(document.querySelector('.stApp')).colorScheme === scheme", arg=scheme
    )
    if not tab.get_by_role("dialog").count():
        tab.evaluate("() => document.activeElement.blur()")
        tab.keyboard.press("r")
    settle(tab)


def faults_of(tab: Page) -> list[str]:
    """Return a list to which every console error and uncaught exception of the tab is added from now on."""
    faults: list[str] = []
    tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    return faults


def focus(tab: Page, target: Locator) -> None:
    """Reach an element by Tab alone."""
    for _ in range(MOST_TABS):
        if target.evaluate("one => one === document.activeElement"):
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"{MOST_TABS} tabs do not lead to {target}")


def leave(tab: Page) -> None:
    """Leave whatever has the focus: keys rest while a box is written in."""
    tab.evaluate("() => document.activeElement.blur()")
    settle(tab)


def download(tab: Page, label: str) -> bytes:
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name=label, exact=True).click()
    return Path(waiting.value.path()).read_bytes()


def be_patient(browser: Browser) -> None:
    """Let everything that is waited for in this browser, in whatever context, take as long as a busy machine needs."""
    of_its_own = browser.new_context

    def new_context(**options: Any) -> BrowserContext:
        context = of_its_own(**options)
        context.set_default_timeout(PATIENCE_MS)
        return context

    browser.new_context = new_context  # type: ignore[method-assign]
    expect.set_options(timeout=PATIENCE_MS)


def new_tab(browser: Browser, scheme: str = "dark", width: int = 1440) -> Page:
    """A tab in a context of its own."""
    context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
    context.add_init_script(NOTE_SOCKETS)
    return context.new_page()


def opened(browser: Browser, url: str, scheme: str, width: int = 1440, *, cookie: str = "") -> Page:
    """A tab of one colour scheme past the notice; with the cookie of somebody who is signed in."""
    tab = new_tab(browser, scheme, width)
    if cookie:
        name, _, value = cookie.partition("=")
        tab.context.add_cookies([{"name": name, "value": value, "url": url}])
    tab.goto(url)
    button = tab.get_by_role("button", name="I have read this")
    button.or_(tab.get_by_test_id("stFileUploader")).first.wait_for()
    if button.count():
        button.click()
        tab.get_by_test_id("stFileUploader").wait_for()
    return tab


def violations(tab: Page) -> list[str]:
    """What axe-core finds, one line per rule with the first element."""
    tab.wait_for_function("!document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]')")
    if not tab.evaluate("() => 'axe' in window"):
        tab.evaluate(AXE_SCRIPT)
    found = tab.evaluate("async rules => (await axe.run(rules)).violations", RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]} ({len(one['nodes'])})" for one in found]


def drop(tab: Page, url: str, *files: Path) -> None:
    """Open the empty search screen and drop files."""
    tab.goto(url)
    tab.get_by_test_id("stFileUploader").wait_for()
    tab.set_input_files("input[type=file]", [str(file) for file in files])
