"""The path of docs/deploy.md: Caddy with the shipped file before the app, from a one-time link to a search."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.accounts import PASSWORD, invite
from helpers.browser import drop, faults_of, violations, wait_for_cards
from helpers.server import free_port, start, stop
from playwright.sync_api import Browser, expect

from engine.settings import DEMO, ROOT

pytestmark = pytest.mark.browser

NAME = "casebind.localhost"  # browsers look for names below localhost on their own machine (RFC 6761)
STARTS_IN_S = 120.0
SITE = "{\n"  # the first line of the file: its options for the whole server
ROOT_CERTIFICATE = "caddy/pki/authorities/local/root.crt"


@dataclass(frozen=True)
class Hospital:
    """An app behind its proxy. port : of the proxy; root : the certificate that browsers of the site would know"""

    port: int
    folder: Path
    root: Path

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}"

    def ask(self, path: str) -> http.client.HTTPResponse:
        """Ask the proxy as a program does that knows the site's authority and no other."""
        context = ssl.create_default_context(cafile=self.root)
        connection = http.client.HTTPSConnection(f"{NAME}:{self.port}", timeout=60)
        plain = socket.create_connection(("127.0.0.1", self.port), 60)
        connection.sock = context.wrap_socket(plain, server_hostname=NAME)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


@pytest.fixture(scope="module")
def site(shipped_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """The app with accounts, behind Caddy as deploy/Caddyfile has it; both on this machine alone."""
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("There is no caddy: apt-get install caddy, to walk the path of docs/deploy.md.")
    home = tmp_path_factory.mktemp("site")
    folder, port = Path(shutil.copytree(shipped_folder, home / "ws")), free_port()
    address = f"{NAME}:{port}"
    app, upstream = start(folder, home / "app.log", CASEBIND_SIGN_IN="accounts", CASEBIND_ADDRESS=f"https://{address}")
    try:
        shipped = (ROOT / "deploy" / "Caddyfile").read_text("utf-8")
        assert shipped.count(f"\n{SITE}") == 1
        (home / "Caddyfile").write_text(shipped.replace(f"\n{SITE}", f"\n{SITE}\tdefault_bind 127.0.0.1\n"), "utf-8")
        environment = {
            **os.environ,
            "CASEBIND_HOST": address,
            "CASEBIND_TLS": "internal",
            "CASEBIND_UPSTREAM": upstream.removeprefix("http://"),
            "XDG_DATA_HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
        }
        command = [caddy, "run", "--adapter", "caddyfile", "--config", str(home / "Caddyfile")]
        with (home / "caddy.log").open("wb") as log:
            proxy = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            made = Hospital(port, folder, home / ROOT_CERTIFICATE)
            assert _answers(made, proxy), (home / "caddy.log").read_text(errors="replace")[-2000:]
            yield made
        finally:
            stop(proxy)
    finally:
        stop(app)


def _answers(site: Hospital, proxy: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + STARTS_IN_S
    while time.monotonic() < until and proxy.poll() is None:
        with suppress(OSError):
            if site.ask("/healthz").status == 200:
                return True
        time.sleep(0.3)
    return False


def test_the_proxy_keeps_inside_what_is_of_the_machine(site: Hospital) -> None:
    health = site.ask("/healthz")
    assert health.headers["strict-transport-security"] == "max-age=31536000"
    for path in ("/readyz", "/metrics", "/_stcore/metrics"):
        assert site.ask(path).status == 404, path
    assert site.ask("/media/x.png").status == 401


def test_somebody_comes_by_a_link_searches_with_an_upload_and_leaves(browser: Browser, site: Hospital) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, ignore_https_errors=True)
    tab = context.new_page()
    faults = faults_of(tab)
    tab.goto(f"{site.url}/invitation?token={invite(site.folder, 'anna')}")
    tab.keyboard.type(PASSWORD)  # the first field has the focus
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    tab.get_by_label("Name").wait_for()
    tab.goto(site.url)
    tab.locator(".st-key-sign-in").wait_for()
    tab.keyboard.type("anna")
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="I have read this and accept it").click()
    tab.get_by_test_id("stFileUploader").wait_for()
    (cookie,) = (one for one in context.cookies() if "casebind_session" in one["name"])
    assert cookie["name"] == "__Host-casebind_session" and cookie["secure"] and cookie["httpOnly"]
    drop(tab, site.url, *sorted((DEMO / "ecg").glob("syn-0045-e1-ecg*")))
    wait_for_cards(tab)
    expect(tab.locator(".st-key-who")).to_contain_text("anna · Treatment")
    assert violations(tab) == []
    tab.keyboard.press("z")
    tab.locator(".st-key-sign-in").wait_for()
    tab.goto(site.url)
    tab.locator(".st-key-sign-in").wait_for()
    assert [one for one in faults if "404" not in one] == []
    context.close()
