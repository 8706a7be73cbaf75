"""Whoever watches the app is told what is not as it should be, by name and figure, and nothing of a patient."""

from __future__ import annotations

import asyncio
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.accounts import ask
from helpers.server import free_port
from helpers.studies import fill

from engine import counters
from engine.access.answers import answer
from engine.access.gate import Gate
from engine.actor import Actor
from engine.audit.key import signing_key
from engine.audit.seal import seal
from engine.errors import NotPermittedError, UsageError
from engine.store import audit_file
from engine.store.classes import Attributes
from engine.store.people import People
from engine.upkeep import monitoring
from engine.upkeep.readiness import Check, checks
from engine.workspace.agreements import agree
from engine.workspace.workspace import Workspace, open_workspace

ANN = Actor("ann")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(tmp_path / "ws", create=True) as opened:
        fill(opened)
        yield opened


def failing(place: Workspace, loaded: str = "loaded") -> list[str]:
    """Return the names of the checks that do not pass."""
    return [check.name for check in checks(place, loaded) if not check.ok]


def test_a_whole_workspace_is_ready_once_its_release_is_loaded(place):
    assert failing(place) == []
    assert failing(place, "loading") == failing(place, "failed") == ["release", "index"]
    assert [check.name for check in checks(place, "loaded")] == [
        "record", "release", "index", "disk", "audit", "checkpoint",
    ]  # fmt: skip


def test_a_study_without_its_code_makes_the_index_incomplete(place):
    with place.database.write() as cursor:
        cursor.execute("DELETE FROM codes WHERE study_id = 's0001'")
    (index,) = [check for check in checks(place, "loaded") if check.name == "index"]
    assert (index.ok, index.facts) == (False, {"state": "incomplete", "lacking": 1})


def test_room_and_the_age_of_the_last_checkpoint_count_by_the_sites_limits(place, tmp_path, monkeypatch):
    monkeypatch.setenv("CASEBIND_MIN_FREE_MB", "1e12")
    assert failing(place) == ["disk"]
    monkeypatch.delenv("CASEBIND_MIN_FREE_MB")
    monkeypatch.setenv("CASEBIND_CHECKPOINT_HOURS", "1e-9")
    place.audit("search", actor=ANN)
    assert failing(place) == ["checkpoint"], "there is none"
    seal(place.database.audit, place.path, signing_key(tmp_path / "key.pem"), ANN)
    assert failing(place) == [], "no row came since"
    place.audit("search", actor=ANN)
    assert failing(place) == ["checkpoint"], "one came, and the limit is over"
    monkeypatch.setenv("CASEBIND_CHECKPOINT_HOURS", "24")
    assert failing(place) == []
    for given in ("soon", "0", "inf", "-1"):
        monkeypatch.setenv("CASEBIND_CHECKPOINT_HOURS", given)
        with pytest.raises(UsageError, match="CASEBIND_CHECKPOINT_HOURS"):
            checks(place, "loaded")


def test_an_audit_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(audit_file, "WAIT_S", 0.05)
    with open_workspace(tmp_path / "held", create=True) as place:
        fill(place)
        with closing(sqlite3.connect(place.path / audit_file.FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert failing(place) == ["audit"]
        assert failing(place) == []


def asked(
    path: str, method: str = "GET", *, host: bytes = b"localhost", people: People | None = None, client: str = "::1"
) -> tuple[int, bytes]:
    """Return how a gate with two probes answers; 404 where it lets a request through."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(*_: Any) -> None:
        await answer(send, 404)

    probes = {"/healthz": lambda: (200, {"ok": True}), "/readyz": lambda: (503, {"ok": False})}
    gate = Gate(app, people, lambda message: True, probes=probes)
    scope = {"type": "http", "method": method, "path": path, "headers": [(b"host", host)], "query_string": b""}
    asyncio.run(gate({**scope, "scheme": "http", "client": (client, 1)}, None, send))
    return int(sent[0]["status"]), sent[1]["body"]


def test_the_gate_answers_probes_under_known_names_alone():
    assert asked("/healthz") == (200, b'{"ok": true}')
    assert asked("/readyz") == (503, b'{"ok": false}')
    assert asked("/readyz", "POST")[0] == 405
    assert asked("/healthz", host=b"elsewhere.example")[0] == 403


def test_whether_it_is_ready_is_said_to_this_machine_alone(place):
    people = People(place.path)
    for client, said in (("127.0.0.1", 503), ("::1", 503), ("10.0.0.9", 401), ("localhost.example", 401)):
        assert asked("/readyz", people=people, client=client)[0] == said, client
        assert asked("/healthz", people=people, client=client)[0] == 200
    people.close()


def read(port: int) -> str:
    """Return the figures."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_figures_count_what_was_done_and_name_nobody(place, monkeypatch):
    port = free_port()
    monkeypatch.setenv("CASEBIND_METRICS_PORT", str(port))
    monitoring.serve(lambda: [Check("disk", True, {"free_mb": 7})], lambda: place)
    with pytest.raises(UsageError, match="cannot be used"):
        monitoring.serve(list, lambda: place)
    for host in (f"elsewhere.example:{port}", "localhost.elsewhere.example", "[", ""):
        refused = ask(f"http://127.0.0.1:{port}", "/metrics", host=host)
        assert refused.status == 403 and "casebind_" not in refused.text, host
    assert ask(f"http://127.0.0.1:{port}", "/metrics", host=f"localhost:{port}").status == 200
    before = read(port)
    place.audit("search", actor=Actor("mueller"), query_id="q-secret", returned=("s0001",))
    counters.searched("search", 0.2)
    stranger = Actor("mueller", roles=("learner",), signed_in=True)
    with pytest.raises(NotPermittedError):
        place.set_consent("p1", False, actor=stranger)
    agree(place, place.all_rows()[0].cohort, Attributes(agreement_ends="2020-01-01"), actor=ANN)
    after = read(port)
    for line in (
        'casebind_acts_total{kind="search",outcome="done"}',
        'casebind_search_seconds_count{kind="search"}',
        'casebind_refusals_total{cause="permission"}',
    ):
        assert figure(after, line) == figure(before, line) + 1, line
    assert figure(before, "casebind_erasures_due") == 0 and figure(after, "casebind_erasures_due") == 12
    assert figure(after, 'casebind_ready{check="disk"}') == 1 and figure(after, "casebind_disk_free_megabytes") == 7
    assert [word for word in ("mueller", "q-secret", "s0001", "p1", "ward") if word in after] == []


def figure(said: str, name: str) -> float:
    """Return a figure, 0 where there is none yet."""
    return next((float(line.split()[-1]) for line in said.splitlines() if line.startswith(f"{name} ")), 0.0)


def test_a_port_that_is_none_is_one_sentence(monkeypatch):
    for given in ("http", "0", "70000", "-1"):
        monkeypatch.setenv("CASEBIND_METRICS_PORT", given)
        with pytest.raises(UsageError, match="CASEBIND_METRICS_PORT"):
            monitoring.port()
