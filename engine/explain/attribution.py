"""Explain one pair: which parts of the query, and which of the match, carry their similarity.

The similarity s is the cosine of the two embeddings. The query's map shares out s − s₀ over the query with the match
held as it is, where s₀ is the similarity of the query's baseline to the match; the match's map likewise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from engine.errors import UsageError
from engine.explain.baselines import baseline
from engine.explain.convergence import rule_of
from engine.explain.maps import SMALL_RISE, ExplainableRelease, PairMaps, RawMap, RawMaps
from engine.explain.path_integral import PathIntegral
from engine.explain.placing import pair_maps
from engine.modalities import spec_of
from engine.strings import text
from engine.study import Film, Study

FILM_BATCH, TRACE_BATCH = 4, 32  # inputs per pass, for memory
Progress = Callable[[float, str], None]


def explain_pair(
    release: ExplainableRelease,
    query: Study,
    match: Study,
    *,
    budget: int | None = None,
    progress: Progress = lambda share, words: None,
) -> Iterator[PairMaps]:
    """Yield both maps, a rough pair first, then finer ones until both have converged or their gradients are spent.

    budget   : gradients of either side; None for those of its modality (engine.explain.convergence)
    progress : called as progress(share 0..1, sentence) after every few gradients; what it raises ends the work
    Closing the generator stops the work; nothing is left running.
    """
    if query.facts.get("like"):
        raise UsageError("A query made of several cases has no recording to explain: ask with one of them.")
    embedded = {"query": _Embedded(release, query), "match": _Embedded(release, match)}
    similarity = float(embedded["query"].values @ embedded["match"].values)
    sides: dict[str, _InputAttribution] = {}
    for name, study, other in (("query", query, "match"), ("match", match, "query")):
        if embedded[name].attributed:
            sides[name] = _InputAttribution(release, study, embedded[name], embedded[other].values, budget)
    for side in sides.values():
        side.path.on_batch = lambda: progress(*_progress(sides))
        side.begin()
    while True:
        open_sides = [side for side in sides.values() if side.open]
        raw = {name: side.raw() for name, side in sides.items()}
        yield pair_maps(query, match, RawMaps(raw.get("query"), raw.get("match"), similarity, not open_sides))
        if not open_sides:
            return
        max(open_sides, key=lambda side: side.gap).refine()


def attributed_side(
    release: ExplainableRelease, study: Study, other: torch.Tensor, budget: int | None = None
) -> RawMap:
    """Return the map of one study's similarity to an embedding (256,) that is held, as explain_pair makes it."""
    side = _InputAttribution(release, study, _Embedded(release, study), other, budget)
    side.begin()
    while side.open:
        side.refine()
    return side.raw()


class _Embedded:
    """One study's model inputs and its embedding; the pass that made it also serves the gradient at the input."""

    def __init__(self, release: ExplainableRelease, study: Study) -> None:
        self.inputs, self.module = tensors(release, study), module_of(release, study)
        self.attributed = spec_of(study.modality).attributed
        batched = {name: value[None] for name, value in self.inputs.items()}
        if self.attributed:
            batched["x"] = batched["x"].clone().requires_grad_(True)
        with torch.set_grad_enabled(self.attributed):
            self._made = self.module(**batched)[0]
        self._x, self.values = batched["x"], self._made.detach()

    def top(self, other: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Return the similarity to the other embedding and its gradient in the input's shape, once."""
        height = self._made @ other
        (gradient,) = torch.autograd.grad(height, self._x)
        return float(height.detach()), gradient[0]

    def score(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Return the similarities (n,) of inputs (n, …) in this one's place to the other embedding."""
        rest = {name: value.expand(len(x), *value.shape) for name, value in self.inputs.items() if name != "x"}
        similarities: torch.Tensor = self.module(x=x, **rest) @ other
        return similarities


class _InputAttribution:
    """One input of the pair with its path integral; the other input's embedding is held."""

    def __init__(
        self, release: ExplainableRelease, study: Study, embedded: _Embedded, other: torch.Tensor, budget: int | None
    ) -> None:
        self.study, self.seconds, self.rule = study, 0.0, rule_of(study.modality)
        self.embedded, self.other = embedded, other
        self.budget = self.rule.budget if budget is None else budget
        x, batch = embedded.inputs["x"], FILM_BATCH if isinstance(study.content, Film) else TRACE_BATCH
        low = _low(release, study, other)
        self.path = PathIntegral(
            lambda x: embedded.score(x, other), x, baseline(x, study), batch=batch, power=self.rule.power, low=low
        )

    def begin(self) -> None:
        """Compute the rough map."""
        self._timed(self._begin)

    def _begin(self) -> None:
        self.path.top = self.embedded.top(self.other)
        self.path.start(self.rule.pieces)

    def refine(self) -> None:
        """Halve the stretches of the path that add up worst."""
        self._timed(lambda: self.path.refine(self.rule.refined))

    @property
    def measure(self) -> float:
        """What gap and spread are measured against, as InputMap defines it."""
        return max(abs(self.path.rise), SMALL_RISE)

    @property
    def gap(self) -> float:
        """The convergence gap as InputMap defines it."""
        return abs(self.path.miss) / self.measure

    @property
    def spread(self) -> float:
        """The spread as InputMap defines it."""
        return float(np.abs(self.path.misses).sum()) / self.measure

    @property
    def open(self) -> bool:
        """Whether refinement is still owed and may be paid for."""
        affordable = self.path.steps + self.rule.refined <= self.budget
        return affordable and (self.gap > self.rule.limit or self.spread > self.rule.spread_limit)

    def raw(self) -> RawMap:
        """Return the map as it stands, on the model's axes."""
        low, high = self.path.ends
        return RawMap(self.path.values, high, low, self.gap, self.spread, self.path.steps, self.seconds)

    def _timed(self, work: Callable[[], None]) -> None:
        started = time.process_time()
        work()
        self.seconds += time.process_time() - started


def _low(release: Any, study: Study, other: torch.Tensor) -> float | None:
    """Return the similarity of the average film to the other side; None where the baseline is the study's own."""
    if not isinstance(study.content, Film) or study.facts.get("region"):
        return None
    height, width = study.content.pixels.shape[:2]
    return float(_average_embedding(release, (height, width)) @ other)


@lru_cache(maxsize=64)
def _average_embedding(release: Any, shape: tuple[int, int]) -> torch.Tensor:
    """Return the embedding (256,) of the average film between the margins of a film of this shape."""
    blank = Study("cxr", Film(np.zeros(shape, np.uint8), 8), "blank")
    inputs = tensors(release, blank)
    return embed(release, blank, {**inputs, "x": baseline(inputs["x"], blank)})


def tensors(release: ExplainableRelease, study: Study) -> dict[str, torch.Tensor]:
    """Return one study's model inputs as float32 tensors, without a batch axis."""
    return {name: torch.as_tensor(np.asarray(value, np.float32)) for name, value in release.inputs(study).items()}


def module_of(release: ExplainableRelease, study: Study) -> Callable[..., torch.Tensor]:
    """Return what embeds batched inputs as the search compares them; of a film searched by a part, that part alone."""
    module: Any = release.module(study.modality)
    mapping = release.mapping(study.modality)
    film, box = study.content, study.facts.get("region")
    if not box or not isinstance(film, Film):
        return lambda **inputs: mapping(module(**inputs))
    from engine.model.region import embed_region
    from engine.model.trunk import load_trunk, lower

    def part(x: torch.Tensor) -> torch.Tensor:
        return mapping(embed_region(module, lower(load_trunk(), x), film, box))

    return part


def embed(release: ExplainableRelease, study: Study, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the study's embedding (256,)."""
    batched = {name: value[None] for name, value in inputs.items()}
    with torch.no_grad():
        embedding: torch.Tensor = module_of(release, study)(**batched)[0]
    return embedding


def _progress(sides: dict[str, _InputAttribution]) -> tuple[float, str]:
    """Return the share of the gradients that are computed and a sentence that counts them."""
    done, most = sum(side.path.steps for side in sides.values()), sum(side.budget for side in sides.values())
    return min(1.0, done / max(1, most)), text("explain.progress", done=done, most=most)
