"""Ratings by eight people at once, with refreshes, double presses and a kill −9: none lost, none doubled.

A rating counts as given once a session was shown it as saved. Reports alone are rated, as they take no time to draw.
CASEBIND_RATINGS_EACH=125 makes it a thousand ratings.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.server import start, stop
from helpers.workspaces import build_workspace
from websockets.exceptions import WebSocketException

from engine.actor import single_user
from engine.bench.app.client import Client, session
from engine.model.release import load_release
from engine.store.records import MARKS
from engine.workspace.workspace import open_workspace
from pages.shared import notice

PEOPLE = 8
EACH = int(os.environ.get("CASEBIND_RATINGS_EACH", "15"))
RATINGS = PEOPLE * EACH
REFRESH_EVERY, TWICE_EVERY, KILL_AT = 4, 5, RATINGS // 2
ANSWERS_IN_S, SECOND_IN_S = 90.0, 0.5
SAVED = re.compile(r"Pair (\d+) saved as (Relevant|Partly|Irrelevant)")
BROKEN = (OSError, EOFError, TimeoutError, WebSocketException)  # what a client meets while there is no server


class App:
    """The running app, that may be killed and started anew on the same workspace."""

    def __init__(self, workspace: Path, logs: Path) -> None:
        self.workspace, self.logs = workspace, logs
        self.process: subprocess.Popen[bytes] | None = None
        self.url, self.starts = "", 0

    def start(self) -> None:
        self.starts += 1
        self.process, self.url = start(self.workspace, self.logs / f"server-{self.starts}.log")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Person:
    """One rater, and what was shown as saved: place in the queue → mark."""

    def __init__(self, number: int) -> None:
        self.who = f"Reader {number}"
        self.query = f"who=Reader+{number}&strategy=random&n={EACH}&seed={number}"
        self.shown: dict[int, str] = {}
        self.visits = self.broken = 0

    async def work(self, app: App) -> None:
        """Rate until the queue is at its end, over refreshes and whatever becomes of the server."""
        while len(self.shown) < EACH:
            self.visits += 1
            try:
                async with session(app.url, "review", self.query) as tab:
                    self.look(tab)
                    for _ in range(REFRESH_EVERY):
                        if len(self.shown) < EACH:
                            await self.rate(tab)
            except BROKEN:
                self.broken += 1
                await asyncio.sleep(0.2)

    async def rate(self, tab: Client) -> None:
        """Press a mark, now and then twice, and note what is shown as saved."""
        place = len(self.shown) + 1
        (fragment, button), *_ = tab.keyed(f"mark-{MARKS[(place * 7 + self.visits) % 3]}-{place}")
        async with asyncio.timeout(ANSWERS_IN_S):
            if place % TWICE_EVERY == 0:
                await twice(tab, fragment, button.id)
            else:
                await tab.run(fragment, button.id)
        self.look(tab)

    def look(self, tab: Client) -> None:
        found = SAVED.search(tab._text())
        if found:
            assert int(found[1]) in (len(self.shown), len(self.shown) + 1), "a pair was passed over"
            self.shown[int(found[1])] = found[2].lower()


async def twice(tab: Client, fragment: str, button: str) -> None:
    """Press a button twice before the first press is answered."""
    one, other = (asyncio.create_task(pressed(tab, fragment, button)) for _ in range(2))
    await asyncio.gather(one, other)
    await tab._take_in(fragment)
    with suppress(TimeoutError):  # both may be answered by one run
        async with asyncio.timeout(SECOND_IN_S):
            await tab._take_in(fragment)


async def pressed(tab: Client, fragment: str, button: str) -> None:
    from engine.bench.app.messages import BackMsg

    asked = BackMsg()
    tab._tell(asked.rerun_script, fragment, button)
    await tab.socket.send(asked.SerializeToString())


@pytest.fixture
def workspace_of_reports(tmp_path: Path) -> Path:
    """Reports of a hundred patients, the notice accepted."""
    folder = build_workspace(tmp_path / "ws", tmp_path / "files", load_release(), range(1, 101), 0, kinds=("text",))
    with open_workspace(folder) as place:
        place.audit(notice._kind(), actor=single_user())
    return folder


async def crowd(app: App, people: list[Person]) -> None:
    """Let everyone rate at once; kill the server half-way and start it again."""
    work = asyncio.gather(*(one.work(app) for one in people))
    while sum(len(one.shown) for one in people) < KILL_AT and not work.done():
        await asyncio.sleep(0.05)
    await asyncio.to_thread(app.kill)
    await asyncio.to_thread(app.start)
    await work


def test_ratings_survive_refreshes_and_a_kill(workspace_of_reports: Path, tmp_path: Path) -> None:
    app, people = App(workspace_of_reports, tmp_path), [Person(number) for number in range(PEOPLE)]
    app.start()
    try:
        asyncio.run(crowd(app, people))
    finally:
        stop(app.process)
    assert app.starts == 2 and sum(one.broken for one in people) >= 1
    assert all(one.visits > EACH // REFRESH_EVERY for one in people)
    with open_workspace(workspace_of_reports) as place:
        rows = place.database.read(
            "SELECT r.who, p.place + 1, r.mark, r.undone_at FROM ratings r JOIN review_queues q ON q.who = r.who"
            " JOIN review_pairs p ON p.queue_id = q.queue_id AND (p.query_id, p.study_id) = (r.query_id, r.study_id)"
        )
        assert place.database.read("SELECT count(*), count(DISTINCT uid) FROM ratings") == [(RATINGS, RATINGS)]
        assert place.database.read("SELECT count(*) FROM review_queues") == [(PEOPLE,)]
    kept = {(who, number): mark for who, number, mark, undone in rows if undone is None}
    shown = {(one.who, number): mark for one in people for number, mark in one.shown.items()}
    assert len(rows) == len(kept) == len(shown) == RATINGS
    assert kept == shown
