"""Whoever comes first after a start of the server, by an address of a page: the page, and no word of a missing one."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.browser import settle
from helpers.server import start, stop
from playwright.sync_api import Browser, expect

from engine.workspace.workspace import open_workspace

pytestmark = pytest.mark.browser


def test_the_first_visitor_is_shown_the_page_of_the_address(browser: Browser, tmp_path: Path) -> None:
    with open_workspace(tmp_path / "ws", create=True):
        pass
    process, url = start(tmp_path / "ws", tmp_path / "server.log")
    try:
        tab = browser.new_context().new_page()
        tab.goto(f"{url}/releases?who=Ada")
        tab.get_by_role("heading", level=1).first.wait_for()
        settle(tab)
        assert tab.url == f"{url}/releases?who=Ada"
        expect(tab.get_by_text("Page not found")).to_have_count(0)
        expect(tab.get_by_role("dialog")).to_have_count(0)
        tab.context.close()
    finally:
        stop(process)
