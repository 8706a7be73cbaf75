"""Maps of why two studies match, computed in a thread of their own so that looking on never waits for them."""

from __future__ import annotations

import logging
import threading

import streamlit as st

from engine.explain.attribution import explain_pair
from engine.explain.maps import ExplainableRelease, PairMaps
from engine.strings import text
from engine.study import Study
from pages.shared import resources

BUDGET_S = 15.0  # seconds of refinement before a map is left as it is
PairKey = tuple[str, str]  # query id, study id
_log = logging.getLogger("casebind.pages")


class _StoppedError(Exception):
    """Ends a refinement between two of its steps."""


class Refinement:
    """One pair's maps while they are refined: the finest so far, how far it is, whether it has ended."""

    def __init__(self, query: Study, match: Study, best: PairMaps | None = None) -> None:
        self.best = best
        self.progress = (0.0, text("detail.first"))
        self.failed = False
        self.stopped_by_user = False
        self._stop = threading.Event()
        release = resources.release()
        self._thread = threading.Thread(target=self._run, args=(release, query, match), name="explain", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether a finer map may still come."""
        return self._thread.is_alive()

    @property
    def complete(self) -> bool:
        """Whether the map needs no more refinement."""
        return self.best is not None and self.best.final

    def stop(self, by_user: bool = False) -> None:
        """End the refinement soon; the finest map is kept."""
        self.stopped_by_user = self.stopped_by_user or by_user
        self._stop.set()

    def _on_progress(self, share: float, words: str) -> None:
        if self._stop.is_set():
            raise _StoppedError
        self.progress = (share, words)

    def _run(self, release: ExplainableRelease, query: Study, match: Study) -> None:
        try:
            for maps in explain_pair(release, query, match, budget_s=BUDGET_S, progress=self._on_progress):
                if maps.final or steps(maps) >= steps(self.best):
                    self.best = maps
        except _StoppedError:
            return
        except Exception:
            _log.exception("A map could not be computed")
            self.failed = True


def steps(maps: PairMaps | None) -> int:
    """Return the gradients that went into both sides of a map."""
    return sum(side.steps for side in (maps.query, maps.match) if side) if maps else 0


def refinement_of(pair: PairKey, query: Study, match: Study) -> Refinement:
    """Return the refinement of a pair, begun or gone on with; those of other pairs are stopped."""
    known: dict[PairKey, Refinement] = st.session_state.setdefault("maps", {})
    for other, one in known.items():
        if other != pair and one.running:
            one.stop()
    found = known.get(pair)
    ended_early = (
        found is not None and not found.running and not (found.complete or found.stopped_by_user or found.failed)
    )
    if found is None or ended_early:
        found = known[pair] = Refinement(query, match, found.best if found else None)
    return found


def stop_refinements() -> None:
    """Stop whatever is being refined, and let a failed or stopped one be tried again."""
    known: dict[PairKey, Refinement] = st.session_state.get("maps", {})
    for one in known.values():
        one.stop()
        one.failed = one.stopped_by_user = False
