"""No act without a row in the audit and no row without an act, also where the process is killed between."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from helpers.schemas import drop_made_since
from helpers.studies import fill

from engine.actor import Actor
from engine.errors import WorkspaceError
from engine.store import audit_file
from engine.store.acts import KINDS, Act
from engine.store.audit_chain import Tree, canonical, first_hash, row_hash
from engine.store.audit_file import AuditFile
from engine.workspace.workspace import open_workspace

ANN = Actor("ann", session="s-1", roles=("clinician",))
STEPS = {  # what is killed: (module, name of a function, whether it runs first)
    "before the commit": ("engine.store.delivery:Delivery.delete", False),
    "after the commit": ("engine.store.delivery:Delivery.move", False),
    "inside the transaction of the audit": ("engine.store.audit_file:AuditFile._add", True),
    "after the audit": ("engine.store.delivery:Delivery.move", True),
}
KILLED = """
import importlib, os, signal, sys
from engine.actor import Actor
from engine.workspace.workspace import open_workspace
place, (where, first, turns) = open_workspace(sys.argv[1]), (sys.argv[2], sys.argv[3] == "True", int(sys.argv[4]))
module, path = where.split(":")
owner, name = path.split(".")
kind = getattr(importlib.import_module(module), owner)
act, calls = getattr(kind, name), []
def dying(*values, **named):
    calls.append(1)
    done = act(*values, **named) if first or len(calls) < turns else None
    if len(calls) == turns:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(kind, name, dying)
for turn in range(10):
    place.set_consent(f"p{turn}", False, actor=Actor("ann"), scope="training")
"""


def test_rows_are_numbered_without_gaps_and_chained(tmp_path: Path) -> None:
    with AuditFile(tmp_path) as audit:
        assert [audit.append(ANN, Act("search", returned=("s1",), about={"k": n})) for n in range(3)] == [1, 2, 3]
        before = first_hash(audit.workspace())
        for n, row in enumerate(audit.stored(), 1):
            body = json.loads(row.body)
            assert (row.n, body["n"], body["who"], body["session"], body["kind"]) == (n, n, "ann", "s-1", "search")
            assert row.body == canonical(body) and row.hash == row_hash(before, row.body)
            before = row.hash


def test_the_root_is_that_of_rfc_6962() -> None:
    vectors = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", bytes(range(0x50, 0x58))]
    roots = ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"]  # Certificate Transparency's vectors
    roots += ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]
    roots += ["aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"]
    tree, found = Tree(), []
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for leaf in vectors:
        tree.add(row_hash(b"", leaf))
        found.append(tree.root().hex())
    assert found[:3] == roots
    assert found[6] == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


def test_two_who_append_at_once_leave_no_gap(tmp_path: Path) -> None:
    with AuditFile(tmp_path) as here, AuditFile(tmp_path) as there:
        numbers = [one.append(ANN, Act("search")) for _ in range(5) for one in (here, there)]
        assert numbers == list(range(1, 11)) and here.size() == there.size() == 10


def test_rows_are_neither_changed_nor_deleted_by_statements(tmp_path: Path) -> None:
    with AuditFile(tmp_path) as audit:
        audit.append(ANN, Act("search"))
    with sqlite3.connect(tmp_path / audit_file.FILE) as file:
        for statement in ("UPDATE rows SET who = 'bob'", "DELETE FROM rows"):
            with pytest.raises(sqlite3.IntegrityError, match="only appended"):
                file.execute(statement)


def test_a_clock_that_goes_back_is_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2020, 1, 1, tzinfo=tz)

    with AuditFile(tmp_path) as audit:
        audit.append(ANN, Act("search"))
        monkeypatch.setattr(audit_file, "datetime", Earlier)
        assert audit.append(ANN, Act("search")) == 3
        back = audit.rows("kind = ?", ("clock went back",))
        assert [row["n"] for row in back] == [2] and back[0]["about"]["seconds"] > 1e7
        assert audit.append(ANN, Act("search")) == 4  # once, not at every row


def test_a_file_that_cannot_be_written_refuses_what_is_only_read(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
        place.database.audit.close()
        with pytest.raises(WorkspaceError, match="audit"):
            place.audit("search", actor=ANN)
        place.set_consent("p1", False, actor=ANN)  # the act is noted with its change, and follows
        assert "audit" in place.journal_failure
    with open_workspace(tmp_path) as place:
        assert [(row.kind, row.patients) for row in place.audit_rows()] == [("consent withdrawn", ("p1",))]


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_leaves_as_many_rows_as_acts(tmp_path: Path, step: str) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
    where, first = STEPS[step]
    command = [sys.executable, "-c", KILLED, str(tmp_path), where, str(first), "4"]
    done = subprocess.run(command, timeout=240, check=False, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()[-500:]
    for _ in range(2):  # a second opening adds nothing
        with open_workspace(tmp_path) as place:
            acts = place.database.read("SELECT patient_id FROM consent WHERE scope = 'training' ORDER BY number")
            rows = [row.patients for row in reversed(place.audit_rows())]
            assert rows == acts and len(acts) in (3, 4)
            assert [row.audit_id for row in place.audit_rows()] == list(range(len(acts), 0, -1))


def test_acts_that_are_in_the_audit_are_deleted_from_the_record(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
        for turn in range(205):
            place.set_consent("p1", bool(turn % 2), actor=ANN)
        assert place.database.read("SELECT count(*) FROM acts_due")[0][0] < 10
        place.database.forget()
        assert place.database.read("SELECT count(*) FROM acts_due") == [(0,)]
        assert place.database.audit.size() == 205


def test_the_audit_of_an_earlier_version_moves_over_whole(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        fill(place)
    with duckdb.connect(str(tmp_path / "casebind.duckdb")) as old:
        drop_made_since(old, 16)
        old.execute("DELETE FROM schema_version WHERE version >= 16")
        old.execute("""INSERT INTO audit VALUES
            (3, '2026-01-02 03:04:05', 'ann', 'search', 'q1', 'ff', ['s0001', 's0002', 'gone'], 'r1', 'women', NULL),
            (7, '2026-01-02 03:04:06', 'ann', 'consent retrieval withdrawn for p5', NULL, NULL, [], NULL, NULL, NULL),
            (9, '2026-01-02 03:04:07', 'bob', 'notice 3 accepted', NULL, NULL, [], NULL, NULL, NULL),
            (12, '2026-01-02 03:04:08', 'bob', 'refused', NULL, NULL, [], 'r1', NULL, 'too flat')""")
    (tmp_path / audit_file.FILE).unlink()
    for _ in range(2):
        with open_workspace(tmp_path) as place:
            last, notice, consent, first = place.audit_rows()
            assert (first.audit_id, first.query_id, first.code, first.filters) == (1, "q1", "ff", "women")
            assert first.returned == ("s0001", "s0002", "gone") and first.created_at == datetime(2026, 1, 2, 3, 4, 5)
            assert len(first.patients) in (1, 2)
            assert consent.patients == ("p5",)
            assert place.recorded("notice 3 accepted", actor=Actor("bob")) and notice.who == "bob"
            assert (last.refused, last.outcome) == ("too flat", "refused")
            assert [body["number"] for body in place.database.audit.rows()] == [3, 7, 9, 12]


def test_every_kind_is_named_once() -> None:
    assert len(KINDS) == len({kind.casefold() for kind in KINDS})
