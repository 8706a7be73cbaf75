"""Frames a second of the viewers in a headless Chromium without a graphics processor, and what they ask the server.

Two films of 3000 × 2500 pixels and 16 bits stand side by side on Compare, and two 12-lead ECGs. The peer draws every
pixel of one film anew in every frame, in the same browser and run. The browser shares the processors with the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import single_user
from engine.bench.app.browser import SETTLED, chromium, window
from engine.bench.app.fill import fill
from engine.bench.app.server import running
from engine.bench.viewer.drags import PLAIN, SAVED_MS, Drag, dragged, prepared
from engine.store.records import Cohort, NewStudy, StudyRow
from engine.study import Film, Study, fingerprint
from engine.workspace.workspace import open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

WIDTH, HEIGHT, BITS = 3000, 2500, 16
CASES = 40  # beside the films
BAR_FPS = 30
FILMS = ("bench-film-1", "bench-film-2")
COHORT = Cohort("bench", "CC0 1.0", "drawn by casebind bench viewer", True, "the bench")
SHOW_ALL = "Show all"  # a film that stays zoomed in may hold the ruler's ends off the screen
ON_FILMS = (
    Drag("film window", ".panel", ("Window",)),
    Drag("film move", ".panel", ("Move",)),
    Drag("film zoom", ".panel", (SHOW_ALL,), wheel="zoom"),
    Drag("film ruler", ".drawn.ruler .handle", (SHOW_ALL,), placed="Ruler"),
)
ON_ECGS = (
    Drag("ECG caliper", ".caliper .handle:has(.dot)", placed="Put down a caliper"),
    Drag("ECG scroll", ".scroller", ("50 mm/s",), wheel="scroll"),
)


def film(seed: int) -> Film:
    """Return a film of smooth greys and noise in all 16 bits, as a detector has."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    smooth = 30_000 + 20_000 * np.cos(4 * across) * np.cos(3 * down)
    return Film((smooth + rng.normal(0, 300, smooth.shape)).clip(0, 65_535).astype(np.uint16), BITS, (0.14, 0.14))


def run(
    folder: Path, release: Release, *, seconds: float, on_progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the object that `bench viewer --json` prints; a workspace is made in `folder`. seconds : of each drag"""
    on_progress("Making a workspace with two films of 3000 × 2500 pixels.")
    fill(folder / "workspace", release, CASES)
    ecgs = _with_films(folder / "workspace", release)
    with running(folder / "workspace", folder / "server.log") as server:
        drags, plain = asyncio.run(_measured(server.url, ecgs, seconds, on_progress))
    for one in drags.values():
        one["fps"] = round(one["frames"] / one["seconds"], 1)
    plain_fps = plain["frames"] / plain["seconds"]
    return {
        "film": f"{WIDTH} × {HEIGHT}, {BITS} bits",
        "drags": drags,
        "plain_fps": round(plain_fps, 1),
        "window_ratio_vs_plain": round(drags["film window"]["fps"] / plain_fps, 1),
        "within": {
            f"{BAR_FPS} frames a second": all(one["fps"] >= BAR_FPS for one in drags.values()),
            "no message and no request": all(one["messages"] + one["requests"] == 0 for one in drags.values()),
        },
    }


def as_lines(found: dict[str, Any]) -> str:
    """Return what `bench viewer` prints."""
    lines = [f"Films of {found['film']}, two side by side, and two ECGs; a browser without a graphics processor."]
    for name, one in found["drags"].items():
        asked = f"{one['messages']} messages and {one['requests']} requests to the server"
        lines.append(f"  {name:<12} {one['fps']:>5} frames a second, {asked}")
    ratio = found["window_ratio_vs_plain"]
    lines.append(
        f"Every pixel of one film drawn anew: {found['plain_fps']} frames a second; ours is {ratio} times that."
    )
    lines += [f"{'within' if held else 'NOT within'}: {bar}" for bar, held in found["within"].items()]
    return "\n".join(lines)


def _with_films(folder: Path, release: Release) -> list[str]:
    """Put the films into the workspace; return the ids of two ECGs that it holds."""
    with open_workspace(folder) as place:
        rows = place.rows(actor=single_user())
        known = {row.study_id for row in rows}
        place.add(
            COHORT, release.name, release.digest, [_study(i, name) for i, name in enumerate(FILMS) if name not in known]
        )
        return [row.study_id for row in rows if row.modality == "ecg"][:2]


def _study(number: int, name: str) -> NewStudy:
    content = film(number)
    study = Study("cxr", content, "a film of the bench", fingerprint=fingerprint(content))
    vector = np.random.default_rng(number).normal(size=256).astype(np.float32)
    vector /= np.linalg.norm(vector)
    row = StudyRow(name, name, name, COHORT.name, "cxr", recognised=study.recognised, quality_score=1.0)
    row = replace(row, fingerprint=study.fingerprint, synthetic=True)
    return NewStudy(row, name, study, vector, np.packbits(vector > 0, bitorder="little"))


async def _measured(
    url: str, ecgs: list[str], seconds: float, on_progress: Callable[[str], None]
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    asked: dict[str, int] = {"messages": 0, "requests": 0}
    found: dict[str, dict[str, float]] = {}
    async with chromium() as browser, window(browser, url) as one:
        tab = one.tab
        tab.on("websocket", lambda socket: socket.on("framesent", lambda _: _count(asked, "messages")))
        tab.on("request", lambda _: _count(asked, "requests"))
        for pair, ready, drags in ((list(FILMS), ".panel[data-ready]", ON_FILMS), (ecgs, ".host[data-drawn]", ON_ECGS)):
            await tab.goto(f"{url}/compare?query={pair[0]}&case={pair[1]}")
            await tab.locator(ready).first.wait_for()
            await tab.locator(SETTLED).wait_for()
            for drag in drags:
                on_progress(f"{drag.name}: {seconds:g} s")
                await prepared(tab, drag)
                asked.update(messages=0, requests=0)
                found[drag.name] = {**await dragged(tab, drag, seconds), **asked}
                await tab.mouse.up()
                await tab.wait_for_timeout(SAVED_MS)
        on_progress(f"every pixel anew: {seconds:g} s")
        plain = await tab.evaluate(PLAIN, {"width": WIDTH, "height": HEIGHT, "seconds": seconds})
    return found, plain


def _count(asked: dict[str, int], name: str) -> None:
    asked[name] += 1
