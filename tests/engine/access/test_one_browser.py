"""A browser has one session: who signs in ends the one before, and a page ends no other than the one it shows."""

from __future__ import annotations

import json

import pytest
from helpers.accounts import PASSWORD, ask, cookie_of, sign_in, users, who
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

SIGNED_OUT = 4401


def number(url: str, cookie: str) -> str:
    """Return the number of a cookie's session, as its page is told."""
    return str(json.loads(ask(url, "/session", cookie=cookie).text)["number"])


def signs_in_where(url: str, name: str, cookie: str) -> str:
    """Sign in by a browser that has a cookie already; return its new one."""
    return cookie_of(ask(url, "/sign-in", "POST", form={"name": name, "password": PASSWORD}, cookie=cookie))


def test_who_signs_in_ends_the_session_that_the_browser_had_and_its_socket(department):
    toms = sign_in(department.url, "tom")
    with connect(department.url.replace("http", "ws"), additional_headers={"Cookie": toms}) as socket:
        bobs = signs_in_where(department.url, "bob", toms)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(60)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == SIGNED_OUT
    assert who(department.url, toms) is None and who(department.url, bobs) == "bob"
    assert [row["who"] for row in department.acts("signed out")] == ["tom"]


def test_a_failed_sign_in_leaves_the_session_alone(department):
    toms = sign_in(department.url, "tom")
    form = {"name": "bob", "password": "not the words of bob"}
    assert ask(department.url, "/sign-in", "POST", form=form, cookie=toms).status == 401
    assert who(department.url, toms) == "tom"


def test_sign_out_ends_the_session_that_the_page_shows_and_no_other(department):
    elsewhere, toms = sign_in(department.url, "bob"), sign_in(department.url, "tom")
    shown = number(department.url, toms)
    bobs = signs_in_where(department.url, "bob", toms)
    left = ask(department.url, "/sign-out", "POST", form={"session": shown}, cookie=bobs)
    assert left.status == 303 and "set-cookie" not in left.headers
    assert who(department.url, bobs) == "bob"
    shown = number(department.url, bobs)
    gone = ask(department.url, "/sign-out", "POST", form={"session": shown}, cookie=bobs)
    assert cookie_of(gone) == "casebind_session="
    assert who(department.url, bobs) is None and who(department.url, elsewhere) == "bob"
    assert [row["who"] for row in department.acts("signed out")] == ["tom", "bob"]


def test_a_password_that_is_chosen_ends_the_sessions_of_the_account_and_of_the_browser(department):
    bobs, toms = sign_in(department.url, "bob"), sign_in(department.url, "tom")
    link = users("link", "bob", "--workspace", str(department.folder)).splitlines()[0]
    form = {"token": link.partition("token=")[2], "password": f"{PASSWORD} too", "again": f"{PASSWORD} too"}
    with connect(department.url.replace("http", "ws"), additional_headers={"Cookie": bobs}) as socket:
        chosen = ask(department.url, "/invitation", "POST", form=form, cookie=toms)
        assert chosen.status == 200 and cookie_of(chosen) == "casebind_session="
        with pytest.raises(ConnectionClosed):
            socket.recv(60)
    assert who(department.url, toms) is None and who(department.url, bobs) is None


def test_a_page_of_the_same_name_without_tls_is_another_site(department, monkeypatch):
    host = department.url.partition("//")[2]
    toms = sign_in(department.url, "tom")

    def status(origin: str, **headers: str) -> int:
        return ask(department.url, "/session", "POST", origin=origin, cookie=toms, **headers).status

    assert (status(f"http://{host}"), status(f"https://{host}")) == (405, 403)
    with pytest.raises(InvalidStatus):
        connect(department.url.replace("http", "ws"), additional_headers={"Cookie": toms, "Origin": f"https://{host}"})
    monkeypatch.setenv("CASEBIND_ADDRESS", "https://casebind.example")
    assert status("https://casebind.example", host="casebind.example") == 405, "a proxy ends TLS"
    assert status("https://casebind.example:443", host="casebind.example") == 405
    assert status("https://casebind.example") == 405, "a proxy that does not pass the name on"
    assert status("http://casebind.example", host="casebind.example") == 403


def test_the_figures_of_everybodys_sessions_are_told_to_nobody(department):
    toms = sign_in(department.url, "tom")
    assert ask(department.url, "/_stcore/metrics").status == 401
    for path in ("/_stcore/metrics", "/_stcore/metrics/"):
        assert ask(department.url, path, cookie=toms).status == 404
    assert ask(department.url, "/_stcore/host-config", cookie=toms).status == 200
