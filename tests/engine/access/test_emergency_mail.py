"""An emergency is mailed to the officers when it begins and when it has ended, with nothing of patients in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.certificates import own_certificate
from helpers.mailbox import OFFICERS, Mailbox, mailbox

from engine.access import accounts, emergencies, mail_server, sessions
from engine.access.emergency_mail import send_due
from engine.access.mail_server import MailServer
from engine.actor import Actor, single_user
from engine.cli import run
from engine.errors import UsageError, WorkspaceError
from engine.sentences import spoken
from engine.store.acts import Act
from engine.store.audit_file import AuditFile
from engine.store.people import People
from engine.strings import speaking

PASSWORD = "four unrelated words stand here"
REASON = "Mr Miller in shock room 2"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    """The accounts of a workspace in which anna is a clinician."""
    made = People(tmp_path)
    token = accounts.add(made, "anna", ["clinician"], {}, actor=single_user())
    accounts.set_password(made, token, PASSWORD)
    yield made
    made.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Mailbox]:
    with mailbox(own_certificate(tmp_path / "server.pem")) as running:
        yield running


@pytest.fixture
def server(box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MailServer:
    """The mail server as the environment names it."""
    for name, value in box.settings(tmp_path, tmp_path / "server.pem").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CASEBIND_ADDRESS", "https://casebind.example")
    found = mail_server.mail_server()
    assert found is not None
    return found


def break_glass(people: People) -> Actor:
    """Sign anna in for an emergency, and show her two studies of which she opens one."""
    token = sessions.begin(people, "anna", PASSWORD, "here", use="emergency", reason=REASON)
    session = sessions.live(people, token)
    assert session is not None
    actor = replace(session.actor(), session="lasting", sign_in=session.number)  # as a page acts
    people.audit.append(actor, Act("search", returned=("s-1", "s-2"), patients=("p-1", "p-2")))
    people.audit.append(actor, Act("study opened", returned=("s-2",), patients=("p-2",)))
    people.audit.append(replace(actor, sign_in="another"), Act("study opened", returned=("s-3",), patients=("p-3",)))
    return actor


def reported(audit: AuditFile) -> list[tuple[str, str]]:
    rows = audit.rows("kind = ?", (emergencies.REPORTED,))
    return [(row["about"]["stage"], row["outcome"]) for row in rows]


def test_officers_are_told_when_it_begins_and_when_it_has_ended(
    people: People, box: Mailbox, server: MailServer
) -> None:
    assert send_due(people.audit, server) == 0
    actor = break_glass(people)
    assert send_due(people.audit, server) == 1 and send_due(people.audit, server) == 0
    sessions.end_by(people, actor.sign_in, actor)
    assert send_due(people.audit, server) == 1 and send_due(people.audit, server) == 0
    begun, ended = box.mails
    assert box.to == [list(OFFICERS), list(OFFICERS)]
    assert begun["Subject"] == ended["Subject"] == "Casebind: emergency access by anna"
    assert begun["Auto-Submitted"] == "auto-generated" and begun["Message-ID"] != ended["Message-ID"]
    (row,) = people.audit.rows("kind = ?", (emergencies.BEGUN,))
    words = ended.get_content()
    for said in (
        f"{row['recorded'][:10]}",
        "2 studies were shown.",
        f"row {row['n']}",
        "https://casebind.example/record",
    ):
        assert said in words
    for raw in box.raw:
        assert not [one for one in (b"Miller", b"s-1", b"s-2", b"p-1", b"p-2") if one in raw]
    assert reported(people.audit) == [("begun", "done"), ("ended", "done")]


def test_what_is_not_taken_waits_and_is_sent_by_whoever_comes_next(
    people: People, box: Mailbox, server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    break_glass(people)
    box.is_full = True
    for _ in range(2):
        with pytest.raises(WorkspaceError, match=r"took no mail \(status 452\)") as told:
            send_due(people.audit, server)
    assert reported(people.audit) == [("begun", "failed")], "however often it is tried"
    with speaking("de"):
        assert (
            spoken(told.value)
            == f"Der Mailserver {server.name} nahm keine Mail an (status 452): er wird wieder gefragt."
        )
    assert run(["audit", "mail", "--workspace", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    box.is_full = False
    assert run(["audit", "mail", "--workspace", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 mail sent.\n"
    assert len(box.mails) == 1 and reported(people.audit)[-1] == ("begun", "done")


def test_one_that_ended_before_it_was_mailed_is_one_mail_and_one_that_was_read_is_none(
    people: People, box: Mailbox, server: MailServer
) -> None:
    actor = break_glass(people)
    sessions.end_by(people, actor.sign_in, actor)
    break_glass(people)
    _, last = (row["n"] for row in people.audit.rows("kind = ?", (emergencies.BEGUN,)))
    people.audit.append(Actor("officer"), Act(emergencies.READ, about={"row": last}))
    assert send_due(people.audit, server) == 1
    assert "had access" in box.mails[0].get_content() and reported(people.audit) == [("ended", "done")]


def test_a_mail_that_is_sent_twice_has_one_number(
    people: People, box: Mailbox, server: MailServer, tmp_path: Path
) -> None:
    break_glass(people)
    people.audit.sync()
    (tmp_path / "killed").mkdir()
    shutil.copy(people.audit.path, tmp_path / "killed")  # as a process that was killed before the row has left it
    assert send_due(people.audit, server) == 1
    with AuditFile(tmp_path / "killed") as audit:
        assert send_due(audit, server) == 1
    assert box.mails[0]["Message-ID"] == box.mails[1]["Message-ID"]


def test_nothing_goes_to_a_server_that_is_not_trusted_or_speaks_plainly_elsewhere(
    people: People, box: Mailbox, server: MailServer
) -> None:
    break_glass(people)
    with pytest.raises(WorkspaceError, match="certificate"):
        send_due(people.audit, replace(server, ca=None))
    with pytest.raises(WorkspaceError, match="status 535"):
        send_due(people.audit, replace(server, user="another"))
    assert box.raw == []
    with mailbox() as plain:
        elsewhere = replace(server, host="127.1", port=plain.port, user=None)  # no name of this machine
        with pytest.raises(WorkspaceError, match="STARTTLS"):
            send_due(people.audit, elsewhere)
        assert plain.raw == []
        assert send_due(people.audit, replace(elsewhere, host="127.0.0.1")) == 1
        assert len(plain.raw) == 1


def test_it_ends_by_itself_after_an_hour(people: People) -> None:
    break_glass(people)
    now = datetime.now(UTC)
    (open_one,) = emergencies.unread(people.audit, now + timedelta(minutes=59))
    (over,) = emergencies.unread(people.audit, now + timedelta(minutes=61))
    assert (open_one.ended, open_one.due) == (None, "begun")
    assert over.ended == over.began + timedelta(hours=1) and over.due == "ended"
    assert (over.who, over.reason, over.studies) == ("anna", REASON, 2)


def test_a_trial_is_a_mail_and_no_report(
    people: People, box: Mailbox, server: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    break_glass(people)
    assert run(["audit", "mail", "--trial"]) == 0
    assert all(one in capsys.readouterr().out for one in OFFICERS[:1])
    assert "trial" in box.mails[0]["Subject"] and reported(people.audit) == []


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_it_is_written_in_the_language_of_the_site(
    people: People, box: Mailbox, server: MailServer, language: str
) -> None:
    break_glass(people)
    assert send_due(people.audit, replace(server, language=language)) == 1
    assert "emergency" not in box.mails[0].get_content() and "anna" in box.mails[0]["Subject"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"CASEBIND_MAIL_SERVER": "smtp://host"}, "host:port"),
        ({"CASEBIND_MAIL_SERVER": "host:99999"}, "host:port"),
        ({"CASEBIND_MAIL_FROM": ""}, "CASEBIND_MAIL_FROM holds 0 addresses"),
        ({"CASEBIND_MAIL_TO": "officer"}, "CASEBIND_MAIL_TO is 'officer'"),
        ({"CASEBIND_MAIL_TO": "a@b\nBcc: c@d"}, "CASEBIND_MAIL_TO is"),
        ({"CASEBIND_MAIL_USER": ""}, "go together"),
        ({"CASEBIND_MAIL_PASSWORD_FILE": "/nowhere"}, "cannot be read"),
        ({"CASEBIND_MAIL_LANGUAGE": "xx"}, "CASEBIND_MAIL_LANGUAGE"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], said: str
) -> None:
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=said):
        mail_server.mail_server()
