"""Who fails at a sign-in has to wait and nobody else; what is sent in a flood, or half, fills and holds nothing."""

from __future__ import annotations

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from helpers.accounts import PASSWORD, ask, sign_in, who

from engine.access import accounts, answers, refused, sessions
from engine.actor import single_user
from engine.errors import UsageError
from engine.store.people import People

WRONG = "five words that do not fit"


def tries(url: str, name: str, password: str = WRONG, **headers: str) -> int:
    """Return how one attempt is answered."""
    return ask(url, "/sign-in", "POST", form={"name": name, "password": password}, **headers).status


def known_browser(url: str, name: str) -> str:
    """Sign in, and return what the browser keeps of it when the session is over."""
    answer = ask(url, "/sign-in", "POST", form={"name": name, "password": PASSWORD})
    (kept,) = [one for one in answer.headers.get_all("set-cookie", ()) if one.startswith("casebind_known=")]
    assert "HttpOnly" in kept and name not in kept
    return kept.partition(";")[0]


def test_attempts_at_once_are_counted_as_those_in_a_row(department):
    with ThreadPoolExecutor(20) as pool:
        found = Counter(pool.map(lambda _: tries(department.url, "tom"), range(40)))
    assert found == {401: sessions.FREE_FAILURES, 429: 40 - sessions.FREE_FAILURES}
    assert tries(department.url, "tom", PASSWORD) == 429


def test_whoever_fails_elsewhere_keeps_nobody_out_of_an_account(tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "FREE_OF_ACCOUNT", 12)
    people = People(tmp_path)
    accounts.set_password(people, accounts.add(people, "tom", ["rater"], {}, actor=single_user()), PASSWORD)

    def fails(address: str) -> type[UsageError]:
        with pytest.raises(UsageError) as problem:
            sessions.begin(people, "tom", WRONG, address)
        return problem.type

    assert [fails("10.0.0.1") for _ in range(6)] == [UsageError] * 5 + [sessions.TooManyAttemptsError]
    assert sessions.begin(people, "tom", PASSWORD, "10.0.0.2")
    one_subscriber = [fails(f"2001:db8:0:1::{last}") for last in range(1, 7)]
    assert one_subscriber == [UsageError] * 5 + [sessions.TooManyAttemptsError]
    assert [fails(f"10.0.0.{other}") for other in (3, 4)] == [UsageError] * 2
    assert fails("10.0.0.99") is sessions.TooManyAttemptsError, "guesses from everywhere have an end"
    people.close()


def test_a_browser_that_is_known_has_a_count_of_its_own(department, monkeypatch):
    monkeypatch.setattr(sessions, "FREE_OF_ADDRESS", 6)
    toms = known_browser(department.url, "tom")
    for number in range(sessions.FREE_OF_ADDRESS):
        assert tries(department.url, f"nobody-{number}") == 401
    assert tries(department.url, "nobody-else") == tries(department.url, "bob", PASSWORD) == 429
    forged = f"{toms[:-1]}{'0' if toms[-1] != '0' else '1'}"
    for cookie in (forged, "casebind_known=x", "casebind_known=", f"{toms}.{'0' * 64}"[:-1]):
        assert tries(department.url, "tom", PASSWORD, cookie=cookie) == 429
    assert tries(department.url, "bob", PASSWORD, cookie=toms) == 429, "it is known for tom alone"
    assert [tries(department.url, "tom", cookie=toms) for _ in range(6)] == [401] * 5 + [429]


def test_a_right_password_takes_back_what_its_browser_failed_at(department):
    for _ in range(2):
        assert [tries(department.url, "tom") for _ in range(4)] == [401] * 4
        assert who(department.url, sign_in(department.url, "tom")) == "tom"


def test_a_flood_of_sign_ins_is_a_number_in_a_row(department, monkeypatch):
    found = Counter(tries(department.url, "nobody") for _ in range(30))
    assert found == {401: 5, 429: 25}
    assert tries(department.url, "nobody") == 429
    rows = department.acts("sign-in refused")
    assert [row["about"].get("times") for row in rows] == [None] * 5 + [1]
    monkeypatch.setattr(refused, "EVERY_S", 0.0)
    assert tries(department.url, "nobody") == 429
    last = department.acts("sign-in refused")[-1]
    assert (last["who"], last["about"]["times"]) == ("unknown", 26) and "try again in" in last["refused"]


def send(url: str, path: str, body: bytes, *, says: int) -> socket.socket:
    """Send a form of which says bytes are promised; return the connection."""
    place = urlsplit(url)
    connection = socket.create_connection((place.hostname or "", place.port or 0), timeout=60)
    head = f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {says}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


@pytest.mark.parametrize("path", ["/sign-in", "/invitation"])
def test_a_form_that_does_not_come_whole_is_let_go_and_counts_for_nothing(path, department, monkeypatch):
    monkeypatch.setattr(answers, "WHOLE_IN_S", 0.3)
    for _ in range(3):
        send(department.url, path, b"name=tom&pass", says=200).close()
        with closing(send(department.url, path, b"name=tom&pass", says=200)) as slow:
            said = b"".join(iter(lambda: slow.recv(65536), b""))
        assert said.startswith(b"HTTP/1.1 400") and b"did not arrive whole" in said
    assert ask(department.url, path, "POST", form={"other": "x"}).status in (400, 410)
    assert department.acts("sign-in refused") == []
    assert department.people.read("SELECT count(*) FROM failures", ()) == [(0,)]
    assert who(department.url, sign_in(department.url, "tom")) == "tom"


def test_a_password_in_the_field_of_the_name_is_kept_nowhere(department):
    typed = "correct horse battery staple"
    assert tries(department.url, typed) == 401
    assert tries(department.url, "tom") == 401
    assert department.people.read("SELECT count(*) FROM failures", ()) == [(6,)]
    assert [row["who"] for row in department.acts("sign-in refused")] == ["unknown", "tom"]
    content = b"".join(file.read_bytes() for file in department.folder.iterdir() if file.is_file())
    assert content and typed.encode() not in content
