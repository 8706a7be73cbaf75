"""Maps of why two studies match, computed in a thread of their own so that looking on never waits for them."""

from __future__ import annotations

import streamlit as st

from engine.background import ThreadJob
from engine.explain.attribution import explain_pair
from engine.explain.maps import ExplainableRelease, PairMaps
from engine.strings import text
from engine.study import Study
from pages.shared import resources

PairKey = tuple[str, str]  # query id, study id


class _StoppedError(Exception):
    """Ends a refinement between two of its steps."""


class Refinement(ThreadJob):
    """One pair's maps while they are refined: `best` is the finest so far, `step` says in words what is done."""

    failure, advice = "A map could not be computed", "try again"

    def __init__(self, query: Study, match: Study, best: PairMaps | None = None) -> None:
        super().__init__(text("detail.first"))
        self.best = best
        self.stopped_by_user = False
        release = resources.release()
        self.start("explain", lambda: self._refine(release, query, match))

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

    def _refine(self, release: ExplainableRelease, query: Study, match: Study) -> None:
        for maps in explain_pair(release, query, match, progress=self._on_progress):
            if maps.final or steps(maps) >= steps(self.best):
                self.best = maps


def steps(maps: PairMaps | None) -> int:
    """Return the gradients that went into both sides of a map."""
    return sum(side.steps for side in (maps.query, maps.match) if side) if maps else 0


def refinement_of(pair: PairKey, query: Study, match: Study) -> Refinement:
    """Return the refinement of a pair, begun or gone on with; those of other pairs are stopped."""
    known: dict[PairKey, Refinement] = st.session_state.setdefault("maps", {})
    for other, one in known.items():
        if other != pair and not one.over:
            one.stop()
    present = known.get(pair)
    if present is None:
        present = known[pair] = Refinement(query, match)
    elif present.over and not (present.complete or present.stopped_by_user or present.error):
        present = known[pair] = Refinement(query, match, present.best)  # it ended early
    return present


def stop_refinements() -> None:
    """Stop whatever is being refined, and let a failed or stopped one be tried again."""
    known: dict[PairKey, Refinement] = st.session_state.get("maps", {})
    for one in known.values():
        one.stop()
        one.allow_restart()
