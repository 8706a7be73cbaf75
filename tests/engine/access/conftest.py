"""Gates on loopback before one page, where people sign in by accounts or at a provider."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from helpers.accounts import PASSWORD
from helpers.provider import Hospital, Visitor, hospital, write_settings

from engine.access import accounts
from engine.access.answers import answer
from engine.access.gate import Gate
from engine.access.ways import Way, way_in
from engine.actor import single_user
from engine.store.audit_file import AuditFile
from engine.store.people import People

AT_EVERY_CLICK = "ask_again_minutes = 0.00001"


@dataclass
class Site:
    """A gate before one page, and its people."""

    url: str
    folder: Path
    people: People
    way: Way
    provider: Hospital | None = None

    def visitor(self) -> Visitor:
        """Return a browser that nobody has used."""
        return Visitor(self.url)

    def acts(self, kind: str) -> list[dict[str, Any]]:
        """Return the rows of one kind in the audit."""
        return [row for row in self.people.audit.rows() if row["kind"] == kind]


async def page(scope: Any, receive: Any, send: Any) -> None:
    """Answer as a page of the app behind the gate, and its WebSocket as one that stays open."""
    if scope["type"] == "http":
        await answer(send, 200, b"the app")
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


@contextmanager
def gate_at(folder: Path, issuer: str, more: str = AT_EVERY_CLICK) -> Iterator[Site]:
    """Serve a gate on loopback where people sign in at a provider, which is asked again at every click."""
    write_settings(folder, issuer, more)
    with serving(folder) as site:
        yield site


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """Serve a gate on loopback where people sign in as CASEBIND_SIGN_IN says."""
    people, audit = People(folder), AuditFile(folder)
    way = way_in(people, folder)
    gate = Gate(page, people, lambda message: True, audit, way=way)
    server = uvicorn.Server(
        uvicorn.Config(gate, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Site(f"http://localhost:{port}", folder, people, way)
    server.should_exit = True
    thread.join(10)
    people.close()
    audit.close()


@pytest.fixture
def gate_of() -> Callable[..., AbstractContextManager[Site]]:
    """What serves a further gate."""
    return gate_at


@pytest.fixture
def department(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A gate whose people have accounts: tom and bob, clinicians."""
    monkeypatch.setenv("CASEBIND_SIGN_IN", "accounts")
    with serving(tmp_path) as found:
        for name in ("tom", "bob"):
            token = accounts.add(found.people, name, ["clinician"], {}, actor=single_user())
            accounts.set_password(found.people, token, PASSWORD)
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gate and its provider."""
    with pytest.MonkeyPatch.context() as patch, hospital() as provider:
        patch.setenv("CASEBIND_SIGN_IN", "oidc")
        with gate_at(tmp_path_factory.mktemp("site"), provider.url) as found:
            found.provider = provider
            yield found
