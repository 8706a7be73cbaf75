"""Both sides of a pair by SHAP or by occlusion: the same sides, baselines and pictures as gradients have.

A film's shares are Owen's values of its cells; those of a trace and of a text are Kernel SHAP's, drawn in rounds until
most of what they share out is larger than twice its error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from engine.errors import UsageError
from engine.explain.attribution import FILM_BATCH, TRACE_BATCH, Progress, embed, module_of, tensors
from engine.explain.baselines import baseline
from engine.explain.coalitions import Game, Shares, halved, left_out, sampled
from engine.explain.maps import OCCLUSION, SHAP, SMALL_RISE, ExplainableRelease, PairMaps, RawMap, RawMaps, RawParts
from engine.explain.placing import pair_maps
from engine.explain.players import OCCLUDED_CELLS, Players, players_of, words_of
from engine.strings import text
from engine.study import Film, Note, Study

FILM_STEPS = (16, 32, 64)  # sets scored until each picture of a film
DRAWN = ((100, 2), (200, 3))  # sets a round, and rounds, until each picture of a trace
ENOUGH = 0.9  # of all |shares|: with so many of them clear of their errors no more is drawn


def explain_by_coalitions(
    release: ExplainableRelease,
    query: Study,
    match: Study,
    method: str = SHAP,
    *,
    progress: Progress = lambda share, words: None,
) -> Iterator[PairMaps]:
    """Yield both sides by SHAP or occlusion, coarse ones first, as explain_pair does; a text's words are shares too."""
    if query.facts.get("like"):
        raise UsageError("A query made of several cases has no recording to explain: ask with one of them.")
    inputs = [tensors(release, one) for one in (query, match)]
    embedded = [embed(release, one, given) for one, given in zip((query, match), inputs, strict=True)]
    similarity = float(embedded[0] @ embedded[1])
    sides = [
        _Side(release, study, given, other, method)
        for study, given, other in zip((query, match), inputs, reversed(embedded), strict=True)
    ]

    def report() -> None:
        done, most = sum(one.scored for one in sides), sum(one.most for one in sides)
        progress(min(1.0, done / most), text("explain.evaluated", done=done, most=most))

    for one in sides:
        one.on_batch = report
    while True:
        moved = [one.advance() for one in sides]
        raw = [one.raw() for one in sides]
        yield pair_maps(query, match, RawMaps(raw[0], raw[1], similarity, not any(moved)))
        if not any(moved):
            return


def shared_side(
    release: ExplainableRelease, study: Study, other: torch.Tensor, method: str = SHAP, pictures: int | None = None
) -> RawMap:
    """Return the map of one study's similarity to an embedding (256,) that is held, as explain_by_coalitions makes it.

    pictures : how many pictures are made, each finer than the last; None for all
    """
    side = _Side(release, study, tensors(release, study), other, method)
    made = 0
    while (pictures is None or made < pictures) and side.advance():
        made += 1
    return side.raw()


class _Side:
    """One side of a pair: its players, what sets of them are worth against the other side, its shares so far."""

    def __init__(
        self,
        release: ExplainableRelease,
        study: Study,
        inputs: dict[str, torch.Tensor],
        other: torch.Tensor,
        method: str,
    ) -> None:
        self.method, self.seconds, self.shares = method, 0.0, Shares(np.zeros(0), np.zeros(0), 0.0, 0.0, 0)
        self.scored = 0  # sets so far
        self.on_batch: Callable[[], None] = lambda: None
        cells = {"cells": OCCLUDED_CELLS} if method == OCCLUSION else {}
        self.players = players_of(study, inputs["x"].numpy(), **cells)
        worth = _words_worth if isinstance(study.content, Note) else _masked_worth
        batches = worth(release, study, inputs, other, self.players)
        self.game = Game(len(self.players.names), lambda sets: self._scored(batches, sets))
        self._stages = self._shares(isinstance(study.content, Film))

    @property
    def most(self) -> int:
        """Sets that are scored at most."""
        if self.method == OCCLUSION:
            return len(self.players.names) + 2
        if self.players.grid is not None:
            return FILM_STEPS[-1] + 2
        return int(min(2 ** len(self.players.names), sum(n * rounds for n, rounds in DRAWN)))

    def advance(self) -> bool:
        """Compute the next shares; return whether there were any left to compute."""
        began = time.process_time()
        found = next(self._stages, None)
        self.seconds += time.process_time() - began
        if found is not None:
            self.shares = found
        return found is not None

    def raw(self) -> RawMap:
        """Return the map as it stands, on the model's axes."""
        s, measure = self.shares, max(abs(self.shares.high - self.shares.low), SMALL_RISE)
        values = self.players.spread(s.values) if self.players.labels.size else s.values.astype(np.float32)
        parts = RawParts(self.method, self.players.names, self.players.labels, s.values, s.errors)
        return RawMap(values, s.high, s.low, abs(s.miss) / measure, 0.0, s.evaluations, self.seconds, parts)

    def _shares(self, film: bool) -> Iterator[Shares]:
        if self.method == OCCLUSION:
            yield left_out(self.game)
        elif self.players.grid is not None:
            yield from halved(self.game, self.players.grid, FILM_STEPS)
        else:
            for evaluations, rounds in DRAWN:
                *_, found = sampled(self.game, evaluations, rounds)
                yield found
                size = np.abs(found.values)
                if size[found.clear].sum() >= ENOUGH * size.sum():
                    return

    def _scored(self, batches: Callable[[np.ndarray], Iterator[np.ndarray]], sets: np.ndarray) -> np.ndarray:
        found = []
        for one in batches(sets):
            found.append(one)
            self.scored += len(one)
            self.on_batch()
        return np.concatenate(found)


Batches = Callable[[np.ndarray], Iterator[np.ndarray]]


def _masked_worth(
    release: ExplainableRelease, study: Study, inputs: dict[str, torch.Tensor], other: torch.Tensor, players: Players
) -> Batches:
    """Return what scores sets of a film's or a trace's players, batch by batch; who is not there is as the baseline."""
    x, module, labels = inputs["x"], module_of(release, study), torch.from_numpy(players.labels)
    low, rest = baseline(x, study), {name: value for name, value in inputs.items() if name != "x"}
    size = FILM_BATCH if isinstance(study.content, Film) else TRACE_BATCH

    def batches(sets: np.ndarray) -> Iterator[np.ndarray]:
        for first in range(0, len(sets), size):
            masks = torch.from_numpy(np.ascontiguousarray(sets[first : first + size]))
            masked = torch.where(masks[:, labels], x, low)
            with torch.no_grad():
                expanded = {name: value.expand(len(masked), *value.shape) for name, value in rest.items()}
                scores: torch.Tensor = module(x=masked, **expanded) @ other
            yield scores.numpy()

    return batches


def _words_worth(
    release: Any, study: Study, _inputs: dict[str, torch.Tensor], other: torch.Tensor, _players: Players
) -> Batches:
    """Return what scores sets of a text's words; the others are left out."""
    from engine.model.text import sentence_vectors

    words, module = words_of(study.note), module_of(release, study)

    def batches(sets: np.ndarray) -> Iterator[np.ndarray]:
        for first in range(0, len(sets), TRACE_BATCH):
            some = sets[first : first + TRACE_BATCH]
            kept = [" ".join(w for w, there in zip(words, one, strict=True) if there) for one in some]
            with torch.no_grad():
                scores: torch.Tensor = module(x=torch.from_numpy(sentence_vectors(kept))) @ other
            yield scores.numpy()

    return batches
