"""A site of a federation as a process: `python federation_site.py FOLDER NAME ADDRESS HOW [--secure]`.

HOW is how it learns: a number that it moves every map by, or what goes wrong, exchange by exchange, joined by commas:
nan, other (another release), wide (maps of another shape), hang (it says so by a file and answers nothing), full (a
sentence in the place of an answer).
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.errors import WorkspaceError
from engine.federation.flower import flower
from engine.federation.site import Ask, SiteSetting, attend
from engine.federation.state import SharedState

FULL = "The disk is full: free some."


class Scripted:
    """A hospital that learns as it is told; what it was asked and received lies in its folder."""

    def __init__(self, folder: Path, name: str, how: list[str]) -> None:
        self.folder, self.name, self.how = folder, name, how

    def learn(self, asked: Ask) -> tuple[SharedState, int]:
        """Return a state that is moved."""
        how = self.how[min(asked.number, len(self.how)) - 1]
        with (self.folder / "learnt").open("a") as out:
            out.write(f"{asked.number}\n")
        if how == "hang":
            (self.folder / "hangs").touch()
            time.sleep(600)
        if how == "full":
            raise WorkspaceError(FULL)
        vector = asked.state.vector()
        moved = asked.state.with_vector(vector + (np.nan if how == "nan" else direction(self.name, len(vector), how)))
        if how == "other":
            moved = replace(moved, ground=replace(moved.ground, encoders="others"))
        if how == "wide":
            moved = replace(moved, weight=np.zeros((5, 5), np.float32))
        return moved, 10

    def receive(self, asked: Ask) -> str:
        """Keep the result."""
        np.save(self.folder / "result.npy", asked.state.vector())
        return "kept"


def direction(name: str, n: int, how: str) -> np.ndarray:
    """Return what a site moves a state by: nearly the same at all of them, times what it is told, (n,)."""
    common, own = np.random.default_rng(0).normal(size=n), np.random.default_rng(list(name.encode())).normal(size=n)
    scale = float(how) if how.lstrip("-").replace(".", "").isdigit() else 1.0
    return scale * (common + 0.1 * own)


if __name__ == "__main__":
    where, called, address, told, *more = sys.argv[1:]
    attend(
        SiteSetting(Path(where), called, address, secure="--secure" in more),
        flower(),
        Scripted(Path(where), called, told.split(",")),
        say=lambda words: print(words, flush=True),
        once=True,
    )
