"""Eight senders at once while users search: what it costs the users, and whether an object or a search fails.

The app runs in a process of its own and takes up what `casebind listen`, another process, receives; senders, which are
other machines elsewhere, share a third one. The same users do the same first alone and then while objects arrive; only
what is asked while some still wait is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.bench.app.bench import figures, loop
from engine.bench.app.client import Client, session
from engine.bench.app.fill import fill
from engine.bench.app.server import first_trouble, running
from engine.bench.app.steps import ActionTiming
from engine.bench.arriving import listening
from engine.bench.sending_process import SENDERS, SendingProcess
from engine.hospital.inbox import Inbox, count_waiting
from engine.store import arrivals
from engine.workspace.workspace import open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

BAR = 1.5  # times as long as alone
WINDOW_S = 10.0  # in which users go on before it is asked again whether objects wait
NICENESS = 19  # of the process that sends
RERUN = "operating point"  # the action that runs a search anew
LAST_S = 900.0  # after which it is given up


def run(
    folder: Path,
    release: Release,
    *,
    cases: int,
    users: int,
    objects: int,
    seconds: float,
    think_s: float,
    on_progress: Callable[[str], None],
    looks: bool = False,
) -> dict[str, Any]:
    """Fill a workspace, run app and listener on it and measure. looks: whether text is looked for in films."""
    place = folder / "workspace"
    on_progress(f"Making a workspace of {cases:,} synthetic studies …")
    fill(place, release, cases)
    Inbox(place).close()
    with running(place, folder / "server.log") as server, listening(place, looks=looks) as listener:
        found = asyncio.run(
            _measured(
                place,
                server.url,
                listener.port,
                users=users,
                objects=objects,
                seconds=seconds,
                think_s=think_s,
                say=on_progress,
            )
        )
    with open_workspace(place) as opened:
        states = arrivals.counts(opened.database)
    log = first_trouble(folder / "server.log") if found["first_errors"] else ""
    asked = {"cases": cases, "users": users, "senders": SENDERS, "objects": objects}
    return {**asked, **found, "states": states, "server_log": log}


async def _measured(
    place: Path,
    url: str,
    port: int,
    *,
    users: int,
    objects: int,
    seconds: float,
    think_s: float,
    say: Callable[[str], None],
) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        senders = stack.enter_context(SendingProcess(NICENESS))
        senders.make(objects)
        everyone = [await stack.enter_async_context(session(url)) for _ in range(users)]
        await _together(everyone, WINDOW_S, think_s)  # loads what is loaded once
        say(f"{users} users alone for {seconds:g} s …")
        alone = await _together(everyone, seconds, think_s)
        say(f"{SENDERS} senders with {objects} films and ECGs beside them …")
        sending = senders.begin(port, at_once=SENDERS)
        begun, beside = time.monotonic(), list[ActionTiming]()
        while not sending.done() or count_waiting(place):
            beside += await _together(everyone, WINDOW_S, think_s)
            if time.monotonic() - begun > LAST_S:
                break
        took = time.monotonic() - begun
        acknowledged = sending.result()
    reruns = [[one for one in some if one.name == RERUN] for some in (alone, beside)]
    ratio = {
        name: round(figures(reruns[1])[name] / max(1, figures(reruns[0])[name]), 2) for name in ("p50_ms", "p95_ms")
    }
    return {
        "taken_up_within_s": round(took, 1),
        "acknowledged": acknowledged,
        "alone": {"all": figures(alone), "reruns": figures(reruns[0])},
        "beside": {"all": figures(beside), "reruns": figures(reruns[1])},
        "ratio": ratio,
        "first_errors": list(dict.fromkeys(one.error for one in (*alone, *beside) if one.error))[:5],
        "within": {
            "none failed": acknowledged == objects and not any(one.error for one in (*alone, *beside)),
            "reruns": ratio["p50_ms"] <= BAR and ratio["p95_ms"] <= BAR,
        },
    }


async def _together(everyone: Sequence[Client], seconds: float, think_s: float) -> list[ActionTiming]:
    until = time.monotonic() + seconds
    done = await asyncio.gather(*(loop(one, until, number, think_s) for number, one in enumerate(everyone)))
    return [took for taken in done for took in taken]


def as_lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for a person."""
    lines = []
    for name, title in (("alone", "Alone"), ("beside", f"Beside {found['senders']} senders")):
        for part in ("reruns", "all"):
            one = found[name][part]
            lines.append(
                f"{title}, {part}: n {one['n']}, p50 {one.get('p50_ms', '–')} ms, p95 {one.get('p95_ms', '–')} ms, "
                f"errors {one['errors']}"
            )
    held = {name: "holds" if one else "does not hold" for name, one in found["within"].items()}
    return [
        f"{found['cases']:,} studies, {found['users']} users; {found['acknowledged']} of {found['objects']} objects "
        f"acknowledged and taken up within {found['taken_up_within_s']} s: "
        + ", ".join(f"{n} {state}" for state, n in sorted(found["states"].items())),
        *lines,
        f"Reruns beside senders take {found['ratio']['p50_ms']} (median) and {found['ratio']['p95_ms']} (95 %) times "
        "as long as alone; " + "; ".join(f"{name}: {one}" for name, one in held.items()) + ".",
        *(f"Error: {words}" for words in found["first_errors"]),
        *([f"What the app's log says of it: {found['server_log']}"] if found["server_log"] else []),
    ]
