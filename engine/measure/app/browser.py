"""One headless Chromium and what a user does in it, timed inside the page.

Users are browser contexts, since a browser is what users have: each holds a session of its own with everything that
the page does for it. On one machine they share the processors with the server, so figures are on the safe side.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.measure.app.steps import EXAMPLE, SEARCH, Action

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext
    from playwright.async_api import Page as Tab

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
FIRST_MS, LIMIT_MS = 120_000, 30_000  # patience with the first page, which loads the models, and with a click
LOOK_EVERY_MS = 15
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
SIZE = {"width": 1440, "height": 1000}

# Clicks, and waits until the pattern has come or changed, the script has ended and nothing stale is on the page.
CLICK = """async ({click, words, until, within, limit, every}) => {
  const app = () => document.querySelector('[data-testid=stApp]');
  const main = document.querySelector('[data-testid=stMain]');
  const text = () => [...document.querySelectorAll(within)].map(one => one.textContent.trim()).join(' ');
  const found = () => { const m = text().match(new RegExp(until)); return m ? m[0] : null; };
  const all = [...document.querySelectorAll(click)].filter(one => !one.disabled);
  const target = words ? all.find(one => one.textContent.trim() === words) : all[0];
  if (!target) return {ms: 0, error: `nothing to click at ${click} ${words}`};
  const before = found(), begun = performance.now();
  target.click();
  for (;;) {
    await new Promise(done => setTimeout(done, every));
    const ms = performance.now() - begun, after = found();
    const bad = main.querySelector('[data-testid=stException], [data-testid=stAlertContentError]');
    if (bad) return {ms, error: bad.textContent};
    const still = app().dataset.testScriptState === 'notRunning' && !main.querySelector('[data-stale=true]');
    if (still && after && after !== before) return {ms, error: ''};
    if (ms > limit) return {ms, error: `no answer to ${click} ${words} within ${limit} ms`};
  }
}"""


@dataclass(frozen=True)
class Took:
    """How long one action took, ms, and what went wrong; "" where nothing did."""

    name: str
    ms: float
    error: str = ""


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


@asynccontextmanager
async def user(browser: Browser, url: str) -> AsyncIterator[Tab]:
    """Open the app as a new user, past the notice."""
    context: BrowserContext = await browser.new_context(viewport=SIZE, color_scheme="dark")  # type: ignore[arg-type]
    context.set_default_timeout(FIRST_MS)
    try:
        tab = await context.new_page()
        await tab.goto(url)
        ready, notice = tab.get_by_role("heading", name=SEARCH.heading), tab.locator(".st-key-accept button")
        await ready.or_(notice).first.wait_for()
        if await notice.count():
            await notice.click()
            await ready.wait_for()
        await tab.locator(EXAMPLE).first.wait_for()
        await tab.locator(SETTLED).wait_for()
        yield tab
    finally:
        await context.close()


async def do(tab: Tab, action: Action) -> Took:
    """Do one action and time it."""
    given: dict[str, Any] = {**asdict(action), "limit": LIMIT_MS, "every": LOOK_EVERY_MS}
    return Took(action.name, **await tab.evaluate(CLICK, given))


async def think(seconds: float) -> None:
    """Wait as long as a person looks."""
    await asyncio.sleep(seconds)
