"""One headless Chromium and what a user does in it, timed inside the page.

It shares the processors with the server, so figures are on the safe side.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from engine.bench.app.steps import ACCEPT, ANY_EXAMPLE, SEARCH, Action, ActionTiming
from engine.errors import UsageError

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext
    from playwright.async_api import Page as Tab

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FIRST_MS, LIMIT_MS = 240_000, 90_000  # patience with the first page, which loads the models, and with a click
LOOK_EVERY_MS = 15
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
SIZE = {"width": 1440, "height": 1000}

# Clicks, once what is to be clicked is drawn, and waits until the pattern has come or changed, the script has ended and
# nothing stale is on the page.
CLICK = """async ({click, words, nth, until, within, limit, every}) => {
  const app = () => document.querySelector('[data-testid=stApp]');
  const main = document.querySelector('[data-testid=stMain]');
  const text = () => [...document.querySelectorAll(within)].map(one => one.textContent.trim()).join(' ');
  const found = () => { const m = text().match(new RegExp(until)); return m ? m[0] : null; };
  const pause = () => new Promise(done => setTimeout(done, every));
  const target = () => {
    const all = [...document.querySelectorAll(click)].filter(one => !one.disabled);
    return words ? all.find(one => one.textContent.trim() === words) : all[nth % all.length];
  };
  const begun = performance.now();
  while (!target()) {
    if (performance.now() - begun > limit) return {ms: 0, error: `nothing to click at ${click} ${words}`};
    await pause();
  }
  const before = found();
  target().click();
  for (;;) {
    await pause();
    const ms = performance.now() - begun, after = found();
    const bad = main.querySelector('[data-testid=stException], [data-testid=stAlertContentError]');
    if (bad) return {ms, error: bad.textContent};
    const still = app().dataset.testScriptState === 'notRunning' && !main.querySelector('[data-stale=true]');
    if (still && after && after !== before) return {ms, error: ''};
    if (ms > limit) return {ms, error: `no answer to ${click} ${words} within ${limit} ms`};
  }
}"""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run one headless browser; UsageError that says how to get what is missing."""
    try:
        from playwright.async_api import async_playwright
    except ImportError as error:
        raise UsageError("The browser is driven by playwright, which is missing: `pip install playwright`.") from error
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise UsageError("There is no Chromium to measure the app with: run `make browser`, or install chromium.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


class Window:
    """One user's window: a browser context with the app in it."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab, self.url = tab, url

    async def do(self, action: Action) -> ActionTiming:
        """Do one action and time it."""
        given: dict[str, Any] = {
            "click": action.click,
            "words": action.words,
            "nth": action.nth,
            "until": action.until,
            "within": action.within,
            "limit": LIMIT_MS,
            "every": LOOK_EVERY_MS,
        }
        return ActionTiming(action.name, **await self.tab.evaluate(CLICK, given))

    async def text(self) -> str:
        """Return the words on the page."""
        return await self.tab.locator("[data-testid=stMain]").inner_text()

    async def restart(self) -> None:
        """Load the app anew, as after an error, past the notice."""
        await self.tab.goto(self.url)
        ready, notice = self.tab.get_by_role("heading", name=SEARCH.heading), self.tab.locator(ACCEPT.click)
        await ready.or_(notice).first.wait_for()
        if await notice.count():
            await notice.click()
            await ready.wait_for()
        await self.tab.locator(ANY_EXAMPLE.click).first.wait_for()
        await self.tab.locator(SETTLED).wait_for()

    async def offers(self, action: Action) -> bool:
        """Say whether what the action clicks is on the page."""
        return await self.tab.locator(action.click).count() > 0

    async def is_at(self, heading: str) -> bool:
        """Say whether the page with this heading is open."""
        return await self.tab.get_by_role("heading", name=heading, level=1).count() > 0


@asynccontextmanager
async def window(browser: Browser, url: str) -> AsyncIterator[Window]:
    """Open the app as a new user."""
    context: BrowserContext = await browser.new_context(viewport=SIZE, color_scheme="dark")  # type: ignore[arg-type]
    context.set_default_timeout(FIRST_MS)
    try:
        one = Window(await context.new_page(), url)
        await one.restart()
        yield one
    finally:
        await context.close()
