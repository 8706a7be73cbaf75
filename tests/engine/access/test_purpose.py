"""The purpose of use is part of a session: an emergency needs a reason, ends sooner and stands in the audit."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from engine.access import accounts, sessions
from engine.actor import single_user
from engine.errors import UsageError
from engine.store import people as table
from engine.store.people import People

PASSWORD = "four unrelated words stand here"


def people_with_anna(folder: Path) -> People:
    people = People(folder)
    token = accounts.add(people, "anna", ["clinician"], {"department": "radiology"}, actor=single_user())
    accounts.set_password(people, token, PASSWORD)
    return people


def test_the_purpose_is_part_of_the_session(tmp_path: Path) -> None:
    people = people_with_anna(tmp_path)
    for use in ("treatment", "teaching", "research", "operations"):
        session = sessions.live(people, sessions.begin(people, "anna", PASSWORD, "here", use=use, reason="not asked"))
        assert session is not None and (session.actor().use, session.actor().reason) == (use, "")
        assert session.actor().signed_in
    with pytest.raises(UsageError):
        sessions.begin(people, "anna", PASSWORD, "here", use="marketing")
    people.close()


def test_an_emergency_has_a_reason_an_end_and_a_row_in_the_audit(tmp_path: Path) -> None:
    people = people_with_anna(tmp_path)
    for reason in ("", "   now   "):
        with pytest.raises(UsageError, match="needs a reason"):
            sessions.begin(people, "anna", PASSWORD, "here", use="emergency", reason=reason)
    token = sessions.begin(people, "anna", PASSWORD, "here", use="emergency", reason="shock room,  no history")
    session = sessions.live(people, token)
    assert session is not None and session.actor().reason == "shock room, no history"
    body = next(row for row in people.audit.rows() if row["kind"] == "break-glass")
    assert (body["who"], body["use"], body["about"]) == ("anna", "emergency", {"reason": "shock room, no history"})
    with sqlite3.connect(people.path) as file:
        now = time.time()
        file.execute("UPDATE sessions SET began_at = ?, used_at = ?", (now - sessions.EMERGENCY_S - 1, now))
    assert sessions.live(people, token) is None
    people.close()


def test_a_file_of_an_earlier_version_is_carried_over(tmp_path: Path) -> None:
    people = people_with_anna(tmp_path)
    token = sessions.begin(people, "anna", PASSWORD, "here")
    people.close()
    with sqlite3.connect(tmp_path / table.FILE) as file:
        file.execute("DROP TABLE keys")
        file.execute("DROP TABLE provider_sessions")
        file.execute("DROP INDEX accounts_of_providers")
        for table_name, name in (
            ("sessions", "use"),
            ("sessions", "reason"),
            ("accounts", "issuer"),
            ("accounts", "subject"),
        ):
            file.execute(f"ALTER TABLE {table_name} DROP COLUMN {name}")
        file.execute("PRAGMA user_version = 2")
    people = People(tmp_path)
    session = sessions.live(people, token)
    assert session is not None and session.use == "treatment"
    people.close()
