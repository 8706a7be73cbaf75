"""`casebind bench app`: page switches and search reruns by one user, then several users at once.

The bars: 95 % of page switches within 300 ms, of reruns of a search within 1 s, of all that several users do within
3 s, and no error. Of the several users, one sits before a real browser; the others' browsers are on other machines,
and only what they ask of the server is done here.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.bench.app import steps
from engine.bench.app.browser import Window, chromium, window
from engine.bench.app.client import Client, session
from engine.bench.app.fill import fill
from engine.bench.app.server import Server, running
from engine.bench.app.steps import Action, ActionTiming, Page
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.model.release import Release

BARS_MS = {"page switch": 300, "rerun": 1000, "several users": 3000}
ROUNDS = 15  # visits of every page and repetitions of every kind of rerun, at least
THINK_S = 3.0  # the longest pause of a user between two actions; the shortest is a third of it
RERUNS = {"operating point": steps.POINTS, "code length": steps.BITS, "filter": steps.SEXES}
OPENED_BY = {"code length": steps.ADVANCED, "filter": steps.FILTERS}  # the popover in which a setting stands
OnProgress = Callable[[str], None]


def figures(taken: Iterable[ActionTiming]) -> dict[str, Any]:
    """Return n, p50, p95 and max in ms of what went well, and the errors."""
    taken = list(taken)
    ms = [one.ms for one in taken if not one.error]
    told: dict[str, Any] = {"n": len(ms), "errors": len(taken) - len(ms)}
    if ms:
        told |= {
            "p50_ms": round(float(np.percentile(ms, 50))),
            "p95_ms": round(float(np.percentile(ms, 95))),
            "max_ms": round(max(ms)),
        }
    return told


def by_name(taken: Sequence[ActionTiming]) -> dict[str, dict[str, Any]]:
    """Return the figures of every kind of action."""
    found: dict[str, list[ActionTiming]] = defaultdict(list)
    for one in taken:
        found[one.name].append(one)
    return {name: figures(some) for name, some in found.items()}


def tour(pages: Sequence[Page]) -> list[Page]:
    """Return the pages of a walk that begins and ends at the first and goes from every page to every other once."""
    first, *others = pages
    return [page for i, other in enumerate(others) for page in (*_there_and_back(other, others[:i]), first)]


def _there_and_back(page: Page, earlier: Sequence[Page]) -> list[Page]:
    """Return the visits of a page that lead to each earlier one and back."""
    return [page, *(visit for one in earlier for visit in (one, page))]


def walk(pages: Sequence[Page], rounds: int) -> list[Page]:
    """Return a walk with at least `rounds` visits of every page: whole tours, or page after page where few suffice."""
    if rounds < len(pages) - 1:
        return [*pages[1:], pages[0]] * rounds
    return tour(pages) * -(-rounds // (len(pages) - 1))


async def prepare(user: Window, action: Action) -> None:
    """Do what is not timed; UsageError where it does not come to its end, since what follows would mean nothing."""
    took = await user.do(action)
    if took.error:
        raise UsageError(f"The app cannot be timed ({action.name}: {took.error}): look at it in a browser.")


async def switches(user: Window, rounds: int) -> list[ActionTiming]:
    """Visit every page at least `rounds` times; the first visits, which load code, are not timed."""
    for page in (*steps.PAGES[1:], steps.SEARCH):
        await prepare(user, steps.visit(page))
    taken = []
    for page in walk(steps.PAGES, rounds):
        took = await user.do(steps.visit(page))
        taken.append(ActionTiming(f"to {page.heading}", took.ms, took.error))
    return taken


async def reruns(user: Window, rounds: int) -> list[ActionTiming]:
    """Search by an example and change one setting after another, `rounds` times each."""
    if not await user.is_at(steps.SEARCH.heading):
        await prepare(user, steps.visit(steps.SEARCH))
    taken = [await user.do(steps.EXAMPLES[0])]
    for name, actions in RERUNS.items():
        if name in OPENED_BY:
            await prepare(user, OPENED_BY[name])
        turns = cycle(actions)
        taken += [await user.do(next(turns)) for _ in range(rounds)]
    return taken[1:]


async def loop(user: Window | Client, until: float, number: int, think_s: float = THINK_S) -> list[ActionTiming]:
    """Until the time is over: search by an example, change a setting, open a case of one's own, rate it, go back."""
    rng, case = random.Random(number), steps.own_case(number)
    taken: list[ActionTiming] = []
    examples, turn = [one for one in steps.EXAMPLES if await user.offers(one)], rng.randrange(3)
    while time.monotonic() < until:
        turn += 1
        point = steps.POINTS[2 if turn % 2 else 1]
        for action in (examples[turn % len(examples)], point, steps.POINTS[3], case, None, steps.BACK, steps.NEW):
            taken.append(await user.do(action or _other_mark(await user.text())))
            await asyncio.sleep(rng.uniform(think_s / 3, think_s))
            if taken[-1].error:
                await user.restart()
                break
    return taken


def _other_mark(page: str) -> Action:
    """Return a mark that is not the one that stands, which a second press would take back."""
    return steps.MARKS["Saved as Relevant" in page]


async def several_users(
    first: Window, server: Server, users: int, seconds: float, think_s: float
) -> tuple[list[ActionTiming], list[ActionTiming]]:
    """Let several users loop at once; return what the first, in a browser, saw, and what the others did."""
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(session(server.url)) for _ in range(users - 1)]
        until = time.monotonic() + seconds
        everyone: list[Window | Client] = [first, *others]
        seen, *rest = await asyncio.gather(*(loop(one, until, n, think_s) for n, one in enumerate(everyone)))
    return seen, [took for taken in rest for took in taken]


async def _measured(
    server: Server, users: int, seconds: float, rounds: int, think_s: float, *, on_progress: OnProgress
) -> dict[str, Any]:
    async with chromium() as browser, window(browser, server.url) as user:
        on_progress("One user: page switches and reruns …")
        await prepare(user, steps.EXAMPLES[0])  # waits for the models, once
        await prepare(user, steps.NEW)
        spent = [server.processor_ms()]
        switched = await switches(user, rounds)
        spent.append(server.processor_ms())
        rerun = await reruns(user, rounds)
        spent.append(server.processor_ms())
        alone_mb = server.memory_mb()
        on_progress(f"{users} users for {seconds:g} s …")
        await user.restart()
        spent.append(server.processor_ms())
        seen, others = await several_users(user, server, users, seconds, think_s)
        spent.append(server.processor_ms())
    parts = (("switches", switched, 0), ("reruns", rerun, 1), ("together", [*seen, *others], 3))
    taken = {"switches": switched, "reruns": rerun, "together": [*seen, *others], "in_browser": seen}
    return {
        **{name: {"all": figures(some), **by_name(some)} for name, some in taken.items()},
        "server_processor_ms": {  # an action; what is not timed in between is in it
            name: round((spent[at + 1] - spent[at]) / max(1, len(some))) for name, some, at in parts
        },
        "server_mb": {"one_user": alone_mb, "all_users": server.memory_mb(), "most": server.memory_mb(peak=True)},
        "first_errors": list(dict.fromkeys(one.error for some in taken.values() for one in some if one.error))[:5],
    }


def run(
    folder: Path,
    release: Release,
    *,
    cases: int,
    users: int,
    seconds: float,
    rounds: int,
    on_progress: OnProgress,
    think_s: float = THINK_S,
) -> dict[str, Any]:
    """Fill a workspace at `folder`, start the app on it and measure."""
    on_progress(f"Making a workspace of {cases:,} synthetic studies …")
    begun = time.monotonic()
    fill(folder / "workspace", release, cases)
    filled = round(time.monotonic() - begun, 1)
    load = os.getloadavg()[0]
    with running(folder / "workspace", folder / "server.log") as server:
        found = asyncio.run(_measured(server, users, seconds, rounds, think_s, on_progress=on_progress))
    asked = {
        "cases": cases,
        "users": users,
        "seconds": seconds,
        "rounds": rounds,
        "think_s": think_s,
        "cpus": os.cpu_count(),
    }
    return {**asked, "load_before": round(load, 2), "fill_s": filled, **found, "within": within(found)}


def within(result: dict[str, Any]) -> dict[str, bool]:
    """Say which bars hold: 95 % of all actions within them, and no errors anywhere."""
    parts = {"page switch": "switches", "rerun": "reruns", "several users": "together"}
    return {
        **{name: result[part]["all"].get("p95_ms", 1e9) <= BARS_MS[name] for name, part in parts.items()},
        "no errors": not any(result[part]["all"]["errors"] for part in ("switches", "reruns", "together")),
    }


def as_lines(result: dict[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [
        f"{result['cases']:,} synthetic studies, {result['cpus']} processors, load before {result['load_before']}; "
        f"made in {result['fill_s']} s."
    ]
    named = {
        "switches": "Page switches, one user",
        "reruns": "Search reruns, one user",
        "together": f"{result['users']} users at once, {result['seconds']:g} s",
        "in_browser": "What one of them saw in a browser on the same machine",
    }
    for part, title in named.items():
        lines.append(f"{title}:")
        for name, one in result[part].items():
            lines.append(
                f"  {name:28} n {one['n']:4}  p50 {one.get('p50_ms', '–'):>5} ms  p95 {one.get('p95_ms', '–'):>5} ms  "
                f"max {one.get('max_ms', '–'):>5} ms  errors {one['errors']}"
            )
    spent = result["server_processor_ms"]
    lines.append(
        f"The server's processor: {spent['switches']} ms a page switch, {spent['reruns']} ms a rerun, "
        f"{spent['together']} ms an action of several users."
    )
    memory = result["server_mb"]
    lines.append(
        f"Server memory: {memory['one_user']} MB with one user, {memory['all_users']} MB with all, "
        f"at most {memory['most']}."
    )
    lines += [f"Error: {words}" for words in result["first_errors"]]
    bars = (f"{name}: {'holds' if held else 'does not hold'}" for name, held in result["within"].items())
    lines.append("; ".join(bars) + ".")
    return "\n".join(lines)
