"""Walking the app in a browser as a user does: wait, reach by key, look at every state, download."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

MOST_TABS = 60
PATIENCE_MS = 120_000  # two shared cores; a first query loads the models
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],  # what passes is not listed element by element
}
Look = Callable[[str], None]
Appearance = tuple[Literal["dark", "light"], int]  # colour scheme, width in pixels
HEIGHT = 1000
CALM_MS = 250  # for so long nothing happens before a page counts as settled
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
SETTLED = """calm => {
  const now = performance.now(), unanswered = window.askedAt > (window.answeredAt ?? 0) && now - window.askedAt < 15000;
  const app = document.querySelector('[data-testid=stApp]')?.dataset;
  const running = app?.testScriptState !== 'notRunning' || app.testConnectionState !== 'CONNECTED';
  if (unanswered || running || document.querySelector('[data-stale=true]')) window.calmFrom = undefined;
  else window.calmFrom ??= now;
  return now - window.calmFrom >= calm;
}"""


def settle(tab: Page) -> None:
    """Wait until nothing is asked for, computed or redrawn, and stays so."""
    tab.evaluate("() => { window.calmFrom = undefined; }")
    tab.wait_for_function(SETTLED, arg=CALM_MS)


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
        leave(tab)
        press(tab, "r")
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


def new_tab(browser: Browser, scheme: str = "dark", width: int = 1440) -> Page:
    """A tab in a context of its own, with patience."""
    context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
    context.add_init_script(NOTE_SOCKETS)
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    return context.new_page()


def opened(browser: Browser, url: str, scheme: str, width: int = 1440) -> Page:
    """A tab of one colour scheme past the notice."""
    tab = new_tab(browser, scheme, width)
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
    found = Axe().run(tab, options=RULES).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]} ({len(one['nodes'])})" for one in found]


def drop(tab: Page, url: str, *files: Path) -> None:
    """Open the empty search screen and drop files."""
    tab.goto(url)
    tab.get_by_test_id("stFileUploader").wait_for()
    tab.set_input_files("input[type=file]", [str(file) for file in files])
