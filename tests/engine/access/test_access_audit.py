"""Accounts, sign-ins and what the gate refuses are in the audit, also where the process is killed between."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.access import accounts, refused, sessions
from engine.access.gate import Gate
from engine.actor import Actor
from engine.errors import UsageError
from engine.store.acts import Act
from engine.store.audit_file import AuditFile
from engine.store.people import People

BOSS, PASSWORD = Actor("boss"), "nine old lamps at dusk"
KILLED = """
import os, signal, sys
from pathlib import Path
from engine.actor import Actor
from engine.store.delivery import Delivery
from engine.store.people import People
people = People(Path(sys.argv[1]))
Delivery.move = lambda self, read: os.kill(os.getpid(), signal.SIGKILL)
people.add("ann", ("rater",), {}, 1.0, actor=Actor("boss"))
"""

ADDED = """
import sys
from pathlib import Path
from engine.actor import Actor
from engine.store.people import People
people = People(Path(sys.argv[1]))
people.add(sys.argv[2], ("rater",), {}, 1.0, actor=Actor("boss"))
people.close()
"""


def kinds(folder: Path) -> list[tuple[str, str]]:
    with AuditFile(folder) as audit:
        return [(body["who"], body["kind"]) for body in audit.rows()]


def test_accounts_and_sign_ins_are_on_record(tmp_path: Path) -> None:
    people = People(tmp_path)
    token = accounts.add(people, "ann", ["rater"], {"department": "heart"}, actor=BOSS)
    accounts.set_password(people, token, PASSWORD)
    for name, password in (("ann", "wrong"), ("nobody", "my secret typed here")):
        with pytest.raises(UsageError):
            sessions.begin(people, name, password, "10.0.0.1")
    cookie = sessions.begin(people, "ann", PASSWORD, "10.0.0.1")
    session = sessions.live(people, cookie)
    assert session is not None
    for _ in range(2):
        sessions.end(people, session)
    accounts.set_roles(people, "ann", ["teacher"], actor=BOSS)
    accounts.close(people, "ann", actor=BOSS)
    people.close()
    assert kinds(tmp_path) == [
        ("boss", "account added"),
        ("boss", "link made"),
        ("ann", "password set"),
        ("ann", "sign-in refused"),
        ("unknown", "sign-in refused"),
        ("ann", "signed in"),
        ("ann", "signed out"),
        ("boss", "role changed"),
        ("boss", "account closed"),
    ]
    with AuditFile(tmp_path) as audit:
        rows = audit.rows()
    assert rows[0]["about"] == {"account": "ann", "attributes": {"department": "heart"}, "roles": ["rater"]}
    assert rows[3]["about"] == {"address": "10.0.0.1"} and rows[3]["outcome"] == "refused"
    assert rows[5]["session"] == rows[6]["session"] == session.number and rows[5]["roles"] == ["rater"]
    assert (rows[7]["about"]["before"], rows[7]["about"]["roles"]) == (["rater"], ["teacher"])
    assert "secret" not in str(rows) and PASSWORD not in str(rows)


def test_a_kill_after_the_change_leaves_its_row(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    done = subprocess.run(command, timeout=120, check=False, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()[-500:]
    assert kinds(tmp_path) == []
    for _ in range(2):
        people = People(tmp_path)
        assert [one.name for one in people.accounts()] == ["ann"]
        people.close()
        assert kinds(tmp_path) == [("boss", "account added")]


def test_what_the_gate_refuses_is_on_record_and_a_flood_is_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def app(*_: Any) -> None:
        raise AssertionError("a stranger came through")

    def asked(host: bytes, path: str) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", host)], "query_string": b""}
        whole = {**scope, "scheme": "http", "client": ("10.0.0.9", 1)}
        asyncio.run(gate(whole, None, send))
        return int(sent[0]["status"])

    people, audit = People(tmp_path), AuditFile(tmp_path)
    gate = Gate(app, people, lambda message: True, audit)
    assert [asked(b"evil.example", "/media/x") for _ in range(5)] == [403] * 5
    assert asked(b"localhost", "/media/y") == 401
    rows = audit.rows()
    assert [(row["kind"], row["about"]["status"], row["about"]["times"]) for row in rows] == [
        ("gate refused", 403, 1),
        ("gate refused", 401, 1),
    ]
    assert (rows[0]["about"]["address"], rows[0]["about"]["path"]) == ("10.0.0.9", "/media/x")
    monkeypatch.setattr(refused, "EVERY_S", 0.0)
    assert asked(b"evil.example", "/media/x") == 403
    assert audit.rows()[-1]["about"]["times"] == 5
    audit.close()
    people.close()


def test_a_process_that_comes_and_goes_leaves_the_files_to_those_who_have_them_open(tmp_path: Path) -> None:
    """One process has the audit open several times, as the app does, while the shell opens and closes it."""
    audits, people = [AuditFile(tmp_path), AuditFile(tmp_path)], People(tmp_path)
    for name in ("ann", "bert"):
        audits[0].append(BOSS, Act("app started"))
        subprocess.run([sys.executable, "-c", ADDED, str(tmp_path), name], timeout=120, check=True)
        assert (tmp_path / "audit.db-wal").is_file() and (tmp_path / "people.db-wal").is_file()
    audits[1].append(BOSS, Act("app stopped"))
    assert [one.name for one in people.accounts()] == ["ann", "bert"]
    assert [kind for _, kind in kinds(tmp_path)] == [*["app started", "account added"] * 2, "app stopped"]
    for one in (*audits, people):
        one.close()


def test_a_session_that_ends_by_itself_is_on_record_once(tmp_path: Path) -> None:
    people = People(tmp_path)
    accounts.set_password(people, accounts.add(people, "ann", ["rater"], {}, actor=BOSS), PASSWORD)
    idle, whole = (sessions.begin(people, "ann", PASSWORD, "10.0.0.1") for _ in range(2))
    for cookie, column, seconds in ((idle, "used_at", 901), (whole, "began_at", 8 * 3600 + 1)):
        with people.writing() as run:
            run(f"UPDATE sessions SET {column} = {column} - ? WHERE token = ?", (seconds, accounts.digest(cookie)))
    assert [sessions.live(people, idle) for _ in range(2)] == [None, None]
    (row,) = ended(people)
    assert row["who"] == "casebind" and row["about"]["account"] == "ann"
    assert row["about"]["why"] == "nothing was pressed for too long"
    sessions.end_expired(people)  # as at the start of the app
    assert people.sessions() == [] and len(ended(people)) == 2
    assert ended(people)[1]["about"]["why"] == "it had lasted as long as a session may"
    people.close()


def ended(people: People) -> list[dict[str, Any]]:
    return [body for body in people.audit.rows() if body["kind"] == "sessions ended"]
