"""Where people sign in nobody else is let in, by no address and by no trick; who is in is on every page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers.accounts import PASSWORD, ask, cookie_of, invite, sign_in, users, who
from helpers.browser import drop, faults_of, opened, settle, violations, wait_for_cards
from helpers.mailbox import Mailbox, mailbox
from helpers.server import free_port, start, stop
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from engine.settings import DEMO, ROOT

pytestmark = pytest.mark.browser

# What Streamlit answers to, as it says itself: one that a later version adds is walked, too.
ROUTES = """
import streamlit as st
for route in st.App("app.py")._build_starlette_app().routes:
    print(getattr(route, "path", ""), *sorted(getattr(route, "methods", None) or ()))
"""
HEALTH = ("/_stcore/health", "/healthz", "/readyz")
READY_IN_S = 240.0  # models are loaded first
FORGED = (
    "x-casebind-user",
    "x-casebind-session",
    "x-forwarded-user",
    "x-remote-user",
    "remote-user",
    "authorization",
    "x-streamlit-user",
)


@dataclass(frozen=True)
class Department:
    """A server with sign-in, its workspace, the cookie of anna, who is signed in, its figures, its officers' mails."""

    url: str
    folder: Path
    anna: str
    figures: str
    mails: Mailbox


@pytest.fixture(scope="module")
def department(shipped_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    """A department whose people sign in."""
    folder = Path(shutil.copytree(shipped_folder, tmp_path_factory.mktemp("department") / "ws"))
    token = invite(folder, "anna", "clinician,rater")
    port = str(free_port())
    log = folder.parent / "server.log"
    with mailbox() as mails:
        settings = {"CASEBIND_METRICS_PORT": port, **mails.settings(folder.parent)}
        process, url = start(folder, log, CASEBIND_SIGN_IN="accounts", **settings)
        kept = ask(url, "/invitation", "POST", form={"token": token, "password": PASSWORD, "again": PASSWORD})
        assert kept.status == 200
        yield Department(url, folder, sign_in(url, "anna"), f"http://127.0.0.1:{port}", mails)
        stop(process)


def test_no_address_answers_without_a_session(department):
    printed = subprocess.run([sys.executable, "-c", ROUTES], cwd=ROOT, capture_output=True, text=True, check=True)
    routes = [line.split() for line in printed.stdout.splitlines() if line.startswith("/")]
    assert len(routes) > 10
    paths = {re.sub(r"\{[^}]*\}", "x", path) for path, *_ in routes}
    paths |= {
        "/",
        "/metrics",
        "/compare",
        "/quiz?quiz=z-1",
        "/media/x.png",
        "/static/../_stcore/metrics",
        "//",
        "/sign-in/x",
    }
    for path in sorted(paths - set(HEALTH)):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            assert ask(department.url, path, method).status == 401, (method, path)
        forged = dict.fromkeys(FORGED, "anna")
        assert ask(department.url, path, **forged).status == 401, path
        assert ask(department.url, path, cookie="casebind_session=anna; _streamlit_user=anna").status == 401
    assert ask(department.url, "/_stcore/health").status == ask(department.url, "/healthz").status == 200


def test_whoever_watches_is_told_when_it_is_ready_and_nothing_of_anybody(department):
    until = time.monotonic() + READY_IN_S
    while (said := ask(department.url, "/readyz")).status != 200 and time.monotonic() < until:
        assert said.status == 503
        time.sleep(0.3)
    assert said.status == 200, said.text
    assert all(one["ok"] for one in json.loads(said.text)["checks"].values())
    figures = ask(department.figures, "/metrics").text
    assert 'casebind_ready{check="index"} 1.0' in figures and 'casebind_refusals_total{cause="session"}' in figures
    assert [word for word in ("anna", "syn-", "q-") if word in said.text + figures] == []
    for path in HEALTH:
        assert ask(department.url, path, host="elsewhere.example").status == 403
        assert ask(department.url, path, "POST").status in (401, 405)


def test_officers_get_a_mail_about_an_emergency_from_the_running_app(department):
    form = {"name": "anna", "password": PASSWORD, "purpose": "emergency", "reason": "Mr Miller, no history"}
    cookie = cookie_of(ask(department.url, "/sign-in", "POST", form=form))
    until = time.monotonic() + READY_IN_S
    while not department.mails.raw and time.monotonic() < until:
        time.sleep(0.2)
    (mail,) = department.mails.mails
    assert "anna signed in for an emergency" in mail.get_content() and "Miller" not in mail.as_string()
    assert ask(department.url, "/sign-out", "POST", cookie=cookie).status == 303
    assert who(department.url, department.anna) == "anna"


def test_a_page_is_sent_to_the_sign_in_and_comes_back_to_where_it_was(department):
    sent = ask(department.url, "/compare?query=q-1&rank=2", accept="text/html")
    assert (sent.status, sent.headers["location"]) == (303, "/sign-in?then=%2Fcompare%3Fquery%3Dq-1%26rank%3D2")
    form = {"name": "anna", "password": PASSWORD}
    for then, goes_to in (
        ("/compare?query=q-1", "/compare?query=q-1"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/sign-out", "/"),
    ):
        answer = ask(department.url, "/sign-in", "POST", form={**form, "then": then})
        assert (answer.status, answer.headers["location"]) == (303, goes_to)


def test_a_foreign_name_or_page_gets_nothing_even_with_a_cookie(department):
    for host in ("elsewhere.example", "127.0.0.1.elsewhere.example", "localhost.elsewhere.example:80", ""):
        assert ask(department.url, "/_stcore/health", host=host, cookie=department.anna).status == 403, host
    for origin in ("https://elsewhere.example", "http://127.0.0.1:9", "http://localhost", "http://[", "null"):
        assert ask(department.url, "/sign-out", "POST", origin=origin, cookie=department.anna).status == 403, origin
    assert who(department.url, department.anna) == "anna"


def socket_status(url: str, **headers: str) -> int:
    """Return how a WebSocket is answered: 101 where it opens."""
    try:
        with connect(url.replace("http", "ws") + "/_stcore/stream", additional_headers=headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_the_socket_opens_for_a_session_of_this_app_alone(department):
    assert socket_status(department.url, Cookie=department.anna, Origin=department.url) == 101
    assert socket_status(department.url) == 403
    assert socket_status(department.url, Cookie="casebind_session=guessed") == 403
    for origin in ("https://elsewhere.example", "http://127.0.0.1:9"):
        assert socket_status(department.url, Cookie=department.anna, Origin=origin) == 403


def test_a_copied_cookie_is_worth_nothing_after_sign_out(department):
    cookie = sign_in(department.url, "anna")
    assert who(department.url, cookie) == "anna"
    gone = ask(department.url, "/sign-out", "POST", cookie=cookie)
    assert gone.status == 303 and cookie_of(gone) == "casebind_session="
    assert who(department.url, cookie) is None
    assert ask(department.url, "/", cookie=cookie).status == 401
    assert who(department.url, department.anna) == "anna", "another session of the same person goes on"


def test_wrong_passwords_say_nothing_about_accounts_and_soon_have_to_wait(department):
    invite(department.folder, "berta")
    said = set()
    for name in ("berta", "nobody"):
        for _ in range(5):
            answer = ask(department.url, "/sign-in", "POST", form={"name": name, "password": "wrong wrong wrong"})
            said.add((answer.status, re.search(r'role="alert">([^<]*)', answer.text)[1]))
        answer = ask(department.url, "/sign-in", "POST", form={"name": name, "password": PASSWORD})
        assert answer.status == 429 and "try again in" in answer.text
    assert len(said) == 1 and next(iter(said))[0] == 401
    assert who(department.url, sign_in(department.url, "anna")) == "anna", "others are not kept waiting"


def test_a_link_sets_a_password_once_and_only_a_good_one(department):
    token = invite(department.folder, "carl")
    for password, again in (
        ("short", "short"),
        ("password1234", "password1234"),
        ("carl carl carl", "another one here"),
    ):
        answer = ask(department.url, "/invitation", "POST", form={"token": token, "password": password, "again": again})
        assert answer.status == 400 and 'role="alert"' in answer.text
    given = {"token": token, "password": PASSWORD, "again": PASSWORD}
    assert ask(department.url, "/invitation", "POST", form=given).status == 200
    assert ask(department.url, "/invitation", "POST", form=given).status == 410
    assert ask(department.url, f"/invitation?token={token}").status == 410
    cookie = sign_in(department.url, "carl")
    users("link", "carl", "--workspace", str(department.folder))
    assert who(department.url, cookie) == "carl"
    users("close", "carl", "--workspace", str(department.folder))
    assert who(department.url, cookie) is None, "a closed account is out at once"
    assert ask(department.url, "/sign-in", "POST", form={"name": "carl", "password": PASSWORD}).status == 401


def test_a_session_ends_when_nothing_is_pressed_and_not_by_asking_about_it(shipped_folder, tmp_path):
    folder = Path(shutil.copytree(shipped_folder, tmp_path / "ws"))
    token = invite(folder, "anna")
    process, url = start(folder, tmp_path / "log", CASEBIND_SIGN_IN="accounts", CASEBIND_IDLE_MINUTES="0.05")
    try:
        ask(url, "/invitation", "POST", form={"token": token, "password": PASSWORD, "again": PASSWORD})
        cookie, began = sign_in(url, "anna"), time.monotonic()
        while who(url, cookie) is not None:
            assert time.monotonic() - began < 120, "the idle time was renewed by asking"
            time.sleep(0.2)
        assert ask(url, "/", cookie=cookie).status == 401
    finally:
        stop(process)


def test_without_sign_in_other_machines_and_names_are_refused(shipped_folder, tmp_path):
    command = [sys.executable, "serve.py", "--server.address", "0.0.0.0", "--server.port", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and "Without sign-in the app is served to this machine alone" in done.stderr


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_somebody_is_invited_signs_in_searches_and_signs_out_in_every_tab(browser, department, scheme):
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    faults = faults_of(tab)
    name = f"dora-{scheme}"
    tab.goto(f"{department.url}/invitation?token={invite(department.folder, name)}")
    assert violations(tab) == []
    tab.keyboard.type(PASSWORD)  # the first field has the focus
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    tab.get_by_label("Name").wait_for()
    tab.goto(f"{department.url}/?query=syn-0001-e1-cxr")
    tab.locator(".st-key-sign-in").wait_for()
    assert violations(tab) == []
    tab.keyboard.type(name)  # the name has the focus
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    accept = tab.get_by_role("button", name="I have read this and accept it")
    accept.or_(tab.locator("[class*='st-key-card-']").first).first.wait_for()
    if accept.count():
        accept.click()
    wait_for_cards(tab)
    expect(tab.locator(".st-key-who")).to_contain_text(f"{name} · Treatment")
    assert violations(tab) == []
    shown = {word for one in tab.get_by_role("link").all_inner_texts() for word in one.split()}
    assert {"Search", "Compare", "Collections", "Quiz"} <= shown
    assert not {"Review", "Releases"} & shown, "a clinician does neither"
    tab.goto(f"{department.url}/releases")
    tab.get_by_text("That is not among what your roles may do").wait_for()
    other = context.new_page()
    other.goto(f"{department.url}/review")
    other.locator(".st-key-who", has_text=name).wait_for()
    settle(other)
    expect(other.get_by_label("Your name")).to_have_count(0)
    tab.bring_to_front()
    tab.keyboard.press("z")
    tab.locator(".st-key-sign-in").wait_for()
    other.locator(".st-key-sign-in").wait_for()
    tab.go_back()  # to a page that the browser has seen, and must not have kept
    tab.locator(".st-key-sign-in").wait_for()
    # Opened at an address of its own, Streamlit looks for its server below that address first, and is told 404.
    assert [one for one in faults if "404" not in one] == []
    context.close()


def stays_closed(tab: Page, address: str, *pages: str) -> None:
    """Nothing of somebody's query is shown by its address, on no page that takes it."""
    for page in ("/?", *pages):
        tab.goto(address.replace("/?", page))
        tab.locator("h1, [data-testid=stAlert]").first.wait_for()
        settle(tab)
        assert not tab.locator("[class*='st-key-card-'], .st-key-query-rail, .st-key-compare-query").count(), page


def test_a_query_opens_for_somebody_else_while_its_owner_shares_it(browser: Browser, department: Department) -> None:
    token = invite(department.folder, "greta")
    form = {"token": token, "password": PASSWORD, "again": PASSWORD}
    assert ask(department.url, "/invitation", "POST", form=form).status == 200
    owner = opened(browser, department.url, "light", cookie=department.anna)
    reader = opened(browser, department.url, "light", cookie=sign_in(department.url, "greta"))
    drop(owner, department.url, *(DEMO / "ecg").glob("syn-0045-e1-ecg*"))
    wait_for_cards(owner)
    address = owner.url
    assert "query=q-" in address
    stays_closed(reader, address, "/compare?case=syn-0002-e1-ecg&", "/map?")
    owner.get_by_role("button", name="Share", exact=True).click()
    owner.get_by_role("button", name="Let others open it").click()
    expect(owner.get_by_role("button", name="Stop sharing")).to_be_visible()
    assert violations(owner) == []
    reader.goto(address)
    wait_for_cards(reader)
    expect(reader.locator(".st-key-query-rail")).to_contain_text("ECG")
    reader.get_by_role("button", name="Share", exact=True).click()
    expect(reader.get_by_text(address.partition("?")[2])).to_be_visible()
    assert not reader.get_by_role("button", name="Stop sharing").count(), "sharing is its owner's to end"
    owner.get_by_role("button", name="Stop sharing").click()
    expect(owner.get_by_role("button", name="Let others open it")).to_be_visible()
    stays_closed(reader, address)
    owner.context.close()
    reader.context.close()


def test_a_page_is_drawn_anew_as_theirs_who_signs_in_in_another_tab(browser: Browser, department: Department) -> None:
    token = invite(department.folder, "hans")
    form = {"token": token, "password": PASSWORD, "again": PASSWORD}
    assert ask(department.url, "/invitation", "POST", form=form).status == 200
    tab = opened(browser, department.url, "light", cookie=sign_in(department.url, "anna"))
    expect(tab.locator(".st-key-who")).to_contain_text("anna · Treatment")
    other = tab.context.new_page()
    other.goto(f"{department.url}/sign-in")
    other.get_by_label("Name").fill("hans")
    other.get_by_label("Password").fill(PASSWORD)
    other.keyboard.press("Enter")
    for one in (other, tab):
        one.locator(".st-key-who", has_text="hans · Treatment").wait_for()
    tab.get_by_role("button", name="Sign out").click()
    for one in (tab, other):
        one.locator(".st-key-sign-in").wait_for()
    tab.context.close()


def test_a_page_that_was_drawn_before_a_role_went_gives_no_file_of_it(browser: Browser, department: Department) -> None:
    token = invite(department.folder, "olga", "privacy-officer")
    form = {"token": token, "password": PASSWORD, "again": PASSWORD}
    assert ask(department.url, "/invitation", "POST", form=form).status == 200
    tab = opened(browser, department.url, "light", cookie=sign_in(department.url, "olga"))
    tab.goto(f"{department.url}/record")
    csv = tab.get_by_role("button", name="CSV")
    with tab.expect_download():
        csv.click()
    came: list[object] = []
    tab.on("download", lambda one: came.append(one))
    users("roles", "olga", "--role", "learner", "--workspace", str(department.folder))
    csv.click()
    tab.get_by_role("button", name="Check now").click()  # answered after the file would have been
    tab.get_by_text("That is not among what your roles may do").first.wait_for()
    assert came == []
    tab.context.close()


def test_a_file_opens_for_the_session_alone_that_it_was_given_to(browser: Browser, department: Department) -> None:
    token = invite(department.folder, "hugo")
    form = {"token": token, "password": PASSWORD, "again": PASSWORD}
    assert ask(department.url, "/invitation", "POST", form=form).status == 200
    own, others = sign_in(department.url, "anna"), sign_in(department.url, "hugo")
    owner = opened(browser, department.url, "light", cookie=own)
    asked: list[str] = []
    owner.on("request", lambda one: asked.append(urlsplit(one.url).path))
    owner.goto(f"{department.url}/?query=syn-0001-e1-ecg")
    wait_for_cards(owner)
    owner.locator(".st-key-export button").click()
    with owner.expect_download() as made:
        owner.get_by_role("button", name="Results (CSV)").click()
    assert "syn-" in Path(made.value.path()).read_text("utf-8")
    (file,) = {path for path in asked if path.startswith("/media/")}
    assert ask(department.url, file, cookie=own).status == 200
    never = ask(department.url, f"/media/{'0' * 56}.csv", cookie=own)
    for cookie in (others, department.anna):
        for path in (file, file.replace("/media/", "/media//"), file.replace("/media", "/media/.")):
            answer = ask(department.url, path, cookie=cookie)
            assert (answer.status, answer.text) == (never.status, never.text) == (404, never.text), path
    owner.context.close()
