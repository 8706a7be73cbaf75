"""A ward's people sign in at a real provider in a real browser; what ends there, or is taken away there, ends here."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.accounts import ask
from helpers.browser import faults_of, settle, violations, wait_for_cards
from helpers.provider import Hospital, hospital, write_settings
from helpers.server import start, stop
from playwright.sync_api import expect

from pages.shared.markdown import APART

pytestmark = pytest.mark.browser

QUERY = "/?query=syn-0001-e1-cxr"


@dataclass(frozen=True)
class Ward:
    """A server whose people come from a provider."""

    url: str
    folder: Path
    provider: Hospital

    def change(self, sql: str) -> None:
        """Change what is kept of the sessions, as time does."""
        with closing(sqlite3.connect(self.folder / "people.db", timeout=20)) as file, file:
            file.execute(sql)

    def an_hour_passes(self) -> None:
        """Let the provider be due to be asked again."""
        self.change("UPDATE provider_sessions SET asked_at = asked_at - 3600")


@pytest.fixture(scope="module")
def ward(shipped_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A ward and its provider."""
    folder = Path(shutil.copytree(shipped_folder, tmp_path_factory.mktemp("ward") / "ws"))
    with hospital() as provider:
        write_settings(folder, provider.url)
        process, url = start(
            folder, folder.parent / "server.log", CASEBIND_SIGN_IN="oidc", AUTHLIB_INSECURE_TRANSPORT=""
        )
        yield Ward(url.replace("127.0.0.1", "localhost"), folder, provider)
        stop(process)


def visit(browser: Any, scheme: str, size: tuple[int, int]) -> tuple[Any, Any]:
    """Return a browser that nobody has used, and a tab; the provider's pages want a style sheet of the internet."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
    context.route("https://cdn.jsdelivr.net/**", lambda route: route.fulfill(content_type="text/css", body=""))
    return context, context.new_page()


def sign_in(tab: Any, subject: str) -> None:
    """Press the button of the sign-in page, and say at the provider who it is."""
    tab.get_by_role("button", name="Sign in at Hospital").click()
    tab.locator("input[name=sub]").fill(subject)
    tab.get_by_role("button", name="Authorize", exact=True).click()
    tab.locator(".st-key-who").or_(tab.locator(".st-key-sign-in")).first.wait_for()


def accept_notice(tab: Any) -> None:
    """Accept the notice where this person has not yet, and wait for the cards."""
    accept = tab.get_by_role("button", name="I have read this and accept it")
    accept.or_(tab.locator("[class*='st-key-card-']").first).first.wait_for()
    if accept.count():
        accept.click()
    wait_for_cards(tab)


def at_sign_in(tab: Any) -> None:
    """Wait until a tab, looked at again, is at the sign-in."""
    tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.locator(".st-key-sign-in").wait_for()


def test_a_day_of_somebody_on_the_ward(browser, ward):
    ward.provider.has("who-1", preferred_username="drwho", groups=["rad-doctors"], unit="RAD")
    context, tab = visit(browser, "light", (1440, 900))
    faults = faults_of(tab)
    tab.goto(f"{ward.url}{QUERY}")
    tab.locator(".st-key-sign-in").wait_for()
    assert violations(tab) == []
    sign_in(tab, "who-1")
    accept_notice(tab)
    assert "query=syn-0001-e1-cxr" in tab.url, "the address that was asked for"
    expect(tab.locator(".st-key-who")).to_contain_text("drwho · Treatment")
    review = tab.get_by_role("link", name="Review")
    expect(review).to_have_count(1)

    # A role that is taken away at the provider is gone at the click after the hour.
    ward.provider.has("who-1", preferred_username="drwho", groups=["rad-readers"], unit="RAD")
    ward.an_hour_passes()
    tab.get_by_role("link", name="Collections").click()
    expect(review).to_have_count(0)
    tab.goto(f"{ward.url}/review")
    tab.get_by_text("That is not among what your roles may do").wait_for()

    # An administrator sees where people come from, and changes nothing of theirs but closing.
    ward.provider.has("who-1", preferred_username="drwho", groups=["it", "rad-readers"], unit="RAD")
    ward.an_hour_passes()
    tab.goto(f"{ward.url}/people")
    scheme, _, host = ward.provider.url.partition("://")
    tab.get_by_text(f"drwho comes from {scheme}{APART}://{host}").wait_for()  # no link
    expect(tab.get_by_role("row", name="drwho")).to_contain_text(f"radiology · from {ward.provider.url}")
    settle(tab)
    expect(tab.get_by_role("heading", name="Add an account")).to_have_count(0)
    assert violations(tab) == []

    # A copied cookie works while the session does, and signing out ends both, in every tab and at the provider.
    tab.goto(f"{ward.url}{QUERY}")
    wait_for_cards(tab)
    copied = next(one["value"] for one in context.cookies(ward.url) if one["name"] == "casebind_session")
    assert ask(ward.url, "/", cookie=f"casebind_session={copied}").status == 200
    other = context.new_page()
    other.goto(f"{ward.url}/map")
    other.locator(".st-key-who", has_text="drwho").wait_for()
    settle(other)
    tab.bring_to_front()
    tab.keyboard.press("z")
    tab.get_by_role("button", name="End session").click()  # the provider's own
    tab.locator(".st-key-sign-in").wait_for()
    other.locator(".st-key-sign-in").wait_for()
    assert ask(ward.url, "/", cookie=f"casebind_session={copied}").status == 401
    # Opened at an address of its own, Streamlit looks for its server below that address first, and is told 404.
    assert [one for one in faults if not any(status in one for status in ("401", "403", "404"))] == []
    context.close()


def test_what_ends_elsewhere_ends_the_page_and_a_strange_way_back_is_the_sign_in(browser, ward):
    ward.provider.has("who-2", preferred_username="rosa", groups=["rad-doctors"], unit="RAD")
    context, tab = visit(browser, "dark", (1024, 768))
    tab.goto(f"{ward.url}/callback?code=made-up&state=made-up")
    expect(tab.get_by_role("alert")).to_have_text("That sign-in was used before, or took too long: sign in again.")
    assert violations(tab) == []
    sign_in(tab, "who-2")
    tab.goto(f"{ward.url}{QUERY}")
    accept_notice(tab)
    tab.go_back()
    tab.go_back()  # to the provider's page, whose button leads back once more: no error page
    tab.get_by_role("button", name="Authorize", exact=True).click()
    tab.locator(".st-key-who", has_text="rosa").wait_for()

    # The provider ends the session by its signed message.
    tab.goto(f"{ward.url}{QUERY}")
    wait_for_cards(tab)
    token = ward.provider.logout_token(sub="who-2")
    assert ask(ward.url, "/backchannel-logout", "POST", form={"logout_token": token}).status == 200
    at_sign_in(tab)

    # Nothing was pressed for a quarter of an hour.
    sign_in(tab, "who-2")
    wait_for_cards(tab)
    ward.change("UPDATE sessions SET used_at = used_at - 901")
    at_sign_in(tab)
    assert "then=" in tab.url, "and the way back is kept"

    # The last group is taken away: the click that follows is the last.
    sign_in(tab, "who-2")
    wait_for_cards(tab)
    ward.provider.has("who-2", preferred_username="rosa", groups=[])
    ward.an_hour_passes()
    tab.get_by_role("link", name="Collections").click()
    tab.locator(".st-key-sign-in").wait_for()
    sign_in(tab, "who-2")
    expect(tab.get_by_role("alert")).to_contain_text("Hospital gives you no role in Casebind")
    context.close()
