"""Whoever comes first after a start of the server, by an address of a page: the page, and no word of a missing one.

Where there is no workspace, one sentence names the command that makes one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.browser import new_tab, settle
from helpers.server import start, stop
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser


def test_the_first_visitor_is_shown_the_page_of_the_address_and_which_command_makes_a_workspace(
    browser: Browser, tmp_path: Path
) -> None:
    process, url = start(tmp_path / "nowhere", tmp_path / "server.log")
    try:
        tab = new_tab(browser)
        tab.goto(f"{url}/releases?who=Ada")
        tab.get_by_role("heading", level=1).first.wait_for()
        settle(tab)
        assert tab.url == f"{url}/releases?who=Ada"
        expect(tab.get_by_text("Page not found")).to_have_count(0)
        expect(tab.get_by_role("dialog")).to_have_count(0)
        tab.get_by_role("button", name="I have read this").click()
        expect(tab.get_by_role("alert").first).to_contain_text("casebind demo")
        tab.get_by_role("link", name="Search", exact=True).click()
        settle(tab)
        expect(tab.get_by_role("alert").first).to_contain_text("casebind demo")
        tab.context.close()
    finally:
        stop(process)
