"""`casebind listen` and `casebind inbox` in a shell: what came is said, and one sentence where they cannot."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest
from helpers.archive_objects import beside, ecg, listen_command, pacs_file, put
from helpers.archive_processes import sent

from engine.cli import run
from engine.hospital.inbox import Inbox
from engine.hospital.settings import listen_settings
from engine.settings import ROOT
from engine.workspace.workspace import open_workspace

ONE_SENDER = '[listen]\nport = 0\ncohort = "Ward 3"\n[[sender]]\ntitle = "CART"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    open_workspace(tmp_path / "ws", create=True).close()
    return tmp_path / "ws"


def test_what_is_sent_to_the_command_is_taken_up_into_the_cohort_of_the_settings(folder: Path, capsys):
    pacs_file(folder, ONE_SENDER)
    with subprocess.Popen(listen_command(folder), cwd=ROOT, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        port = int(re.findall(r":(\d+);", listener.stdout.readline())[0])
        assert sent(port, [ecg(), beside(0)]) == [0, 0]
        listener.send_signal(signal.SIGTERM)
        assert listener.wait(60) == 0
    at = ["--workspace", str(folder)]
    assert run(["inbox", "list", *at]) == 0 and "2 waiting" in capsys.readouterr().out
    assert run(["inbox", "run", *at]) == 0 and "1 set aside, 1 stored." in capsys.readouterr().out
    assert run(["inbox", "list", "--json", *at]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["counts"] == {"stored": 1, "set aside": 1} and said["lasts"]["object"][1] == "CART"
    with open_workspace(folder) as place:
        assert [row.cohort for row in place.all_rows()] == ["Ward 3"]
        assert {row.kind for row in place.audit_rows()} >= {"listener started", "listener stopped", "object taken up"}
    assert run(["inbox", "clear", "--days", "0", *at]) == 0 and "1 objects" in capsys.readouterr().out
    assert run(["inbox", "again", *at]) == 0 and "0 objects" in capsys.readouterr().out
    assert run(["inbox", "run", *at]) == 0 and "Nothing waits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("[listen", "cannot be read"),
        ("[listn]\n", "know no [listn]"),
        ('[listen]\nport = "104"\n', "'port' in listen of pacs.toml is no int"),
        ("[listen]\nports = 104\n", "know no 'ports'"),
        ('[[sender]]\nname = "CART"\n', "know no 'name'"),
        ('[[sender]]\nhost = "127.0.0.1"\n', "lack something in sender"),
        ('[[sender]]\ntitle = "A TITLE THAT IS TOO LONG"\n', "1 to 16 plain characters"),
        ('[listen]\naddress = "pacs.example"\n', "is no IP address"),
        ('[listen]\ncertificate = "a.pem"\n[[sender]]\ntitle = "CART"\n', "needs certificate, key and ca"),
        ("", "No sender is named"),
    ],
)
def test_settings_that_cannot_be_end_in_one_sentence(folder: Path, words: str, said: str, capsys):
    pacs_file(folder, words)
    assert run(["listen", "--workspace", str(folder)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_port_that_is_taken_is_said(folder: Path, capsys):
    from engine.hospital.listener import Listener

    pacs_file(folder, ONE_SENDER)
    listener = Listener(folder, listen_settings(folder))
    pacs_file(folder, ONE_SENDER.replace("port = 0", f"port = {listener.port}"))
    assert run(["listen", "--workspace", str(folder)]) == 2
    assert "another one may run" in capsys.readouterr().err
    listener.close()


def test_the_statement_is_printed_and_nothing_is_opened(folder: Path, capsys):
    pacs_file(folder, ONE_SENDER)
    assert run(["listen", "--conformance", "--workspace", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("# DICOM conformance statement of Casebind")
    with Inbox(folder) as inbox:
        put(inbox, [])
        assert inbox.received.lasts() == {}
