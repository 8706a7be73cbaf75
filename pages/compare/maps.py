"""Maps of why two studies match, computed in a thread of their own so that looking on never waits for them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.background import ThreadJob
from engine.explain.maps import GRADIENTS, PairMaps
from engine.explain.workspace_maps import explained
from engine.strings import language, speaking, text
from engine.study import Study
from pages.shared import resources

QUICK_S = 0.3  # seconds that a page waits for maps that may be stored
PairKey = tuple[str, str, str]  # query id, study id, method


class _StoppedError(Exception):
    """Ends a refinement between two of its steps."""


class Refinement(ThreadJob):
    """One pair's maps while they are refined: `best` is the finest so far, `step` says in words what is done.

    beside : the pair's gradients, computed after another method's maps, to say how far the two agree
    """

    failure, advice = "A map could not be computed", "try again"

    def __init__(self, query: Study, case: str, method: str) -> None:
        super().__init__(text("detail.first"))
        self.best: PairMaps | None = None
        self.beside: PairMaps | None = None
        self.stopped_by_user = False
        workspace, release, actor = resources.workspace(), resources.release(), resources.actor()
        spoken = language()

        def refine() -> None:
            with speaking(spoken):
                by = partial(explained, workspace, release, query, case, actor=actor, progress=self._on_progress)
                for maps in by(method=method):
                    self.best = maps
                if method != GRADIENTS:
                    *_, self.beside = by(method=GRADIENTS)

        self.start("explain", refine)
        self.wait(QUICK_S)  # what is stored is there at once

    @property
    def complete(self) -> bool:
        """Whether the map needs no more refinement."""
        return self.best is not None and self.best.final

    def stop(self, by_user: bool = False) -> None:
        """End the refinement soon; the finest map stays."""
        self.stopped_by_user = self.stopped_by_user or by_user
        super().stop()

    def allow_restart(self) -> None:
        """Let it be tried again, whether it failed or was stopped."""
        self.error, self.stopped_by_user = "", False

    def _on_progress(self, share: float, words: str) -> None:
        if self.stopping:
            raise _StoppedError
        self.share, self.step = share, words


def coloured(maps: PairMaps | None) -> tuple[bool, ...]:
    """Return which sides of the maps may be coloured; (), where there are none: the picture changes with it alone."""
    return tuple(side is not None and side.converged for side in (maps.query, maps.match)) if maps else ()


def refinement_of(pair: PairKey, query: Study) -> Refinement:
    """Return the refinement of a pair, begun where there is none; those of other pairs are stopped."""
    known: dict[PairKey, Refinement] = st.session_state.setdefault("maps", {})
    for other, one in known.items():
        if other != pair and not one.over:
            one.stop()
    present = known.get(pair)
    if present is None:
        present = known[pair] = Refinement(query, *pair[1:])
    elif present.over and not (present.complete or present.stopped_by_user or present.error):
        present = known[pair] = Refinement(query, *pair[1:])  # it ended early
    return present


def stop_refinements() -> None:
    """Stop whatever is being refined, and let a failed or stopped one be tried again."""
    known: dict[PairKey, Refinement] = st.session_state.get("maps", {})
    for one in known.values():
        one.stop()
        one.allow_restart()
