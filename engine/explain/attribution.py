"""Explain one pair: which parts of the query, and which of the match, carry their similarity.

The similarity s is the cosine of the two embeddings. The query's map shares out s − s₀ over the query with the match
held as it is, where s₀ is the similarity of the query's baseline to the match; the match's map likewise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from engine.errors import UsageError
from engine.explain.convergence import Rule, rule_of
from engine.explain.geometry import FILM_SIGMA_PX, TRACE_SIGMA_S, blur_film, smooth_trace, to_film, to_trace
from engine.explain.maps import SMALL_RISE, ExplainableRelease, InputMap, PairMaps
from engine.explain.path_integral import PathIntegral
from engine.explain.sentences import SIDE_INPUTS, SMALL_CHANGE, TEXT_SIDE
from engine.modalities import spec_of
from engine.strings import text
from engine.study import Film, Study, Trace

FILM_BLUR_PX = 20.0  # of 224: lungs and heart remain as shades, all detail is gone
FILM_BASELINE = "a strongly blurred copy of the film"
TRACE_BASELINE = "the zero line in every lead"
# (gradients per piece, pieces) of the rough map; (gradients per piece, pieces halved) of one refinement; batch sizes.
# Films: the cheapest of twelve schedules on curves of real films; about 20 gradients reach 5 %.
FILM_START, FILM_REFINE, FILM_BATCH = (2, 2), (2, 1), 4
TRACE_START, TRACE_REFINE, TRACE_BATCH = (3, 4), (3, 2), 32
MIN_PIECES = 4  # a path in fewer pieces may add up by luck, so its map is refined whatever its gap


def explain_pair(
    release: ExplainableRelease,
    query: Study,
    match: Study,
    *,
    budget: int | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Iterator[PairMaps]:
    """Yield both maps, a rough pair first, then finer ones until both have converged or their gradients are spent.

    budget   : gradients of either side; None for those of its modality (engine.explain.convergence)
    progress : called as progress(share 0..1, sentence) before each yield
    Closing the generator stops the work; nothing is left running.
    """
    if query.facts.get("like"):
        raise UsageError("A query made of several cases has no recording to explain: ask with one of them.")
    inputs = {"query": _tensors(release, query), "match": _tensors(release, match)}
    embedded = {name: _embed(release, study, inputs[name]) for name, study in (("query", query), ("match", match))}
    similarity = float(embedded["query"] @ embedded["match"])
    sides: dict[str, _InputAttribution] = {}
    for name, study, other in (("query", query, "match"), ("match", match, "query")):
        if spec_of(study.modality).attributed:
            sides[name] = _InputAttribution(release, study, inputs[name], embedded[other], similarity)
            if budget is not None:
                sides[name].rule = sides[name].rule._replace(budget=budget)
    notes = _notes(query, match)
    for side in sides.values():
        side.begin()
    while True:
        open_sides = [side for side in sides.values() if side.open]
        query_map, match_map = (sides[name].map() if name in sides else None for name in ("query", "match"))
        maps = PairMaps(query_map, match_map, similarity, not open_sides, notes + _small(query_map, match_map))
        if progress is not None:
            progress(*_progress(sides, maps.final))
        yield maps
        if maps.final:
            return
        max(open_sides, key=lambda side: side.gap).refine()


class _InputAttribution:
    """One input of the pair with its path integral; the other input's embedding is held."""

    def __init__(
        self,
        release: ExplainableRelease,
        study: Study,
        inputs: dict[str, torch.Tensor],
        other: torch.Tensor,
        similarity: float,
    ) -> None:
        module = _module(release, study)
        rest = {name: value for name, value in inputs.items() if name != "x"}

        def score(x: torch.Tensor) -> torch.Tensor:
            batched = {name: value.expand(len(x), *value.shape) for name, value in rest.items()}
            return module(x=x, **batched) @ other

        self.study, self.seconds = study, 0.0
        self.rule: Rule = rule_of(study.modality)
        self.film = isinstance(study.content, Film)
        x = inputs["x"]
        batch = FILM_BATCH if self.film else TRACE_BATCH
        self.path = PathIntegral(score, x, baseline(x, study), batch, known_scores={1.0: similarity})

    def begin(self) -> None:
        """Compute the rough map."""
        self._timed(lambda: self.path.start(*(FILM_START if self.film else TRACE_START)))

    def refine(self) -> None:
        """Halve the pieces of the path that add up worst."""
        self._timed(lambda: self.path.refine(*(FILM_REFINE if self.film else TRACE_REFINE)))

    @property
    def gap(self) -> float:
        """The convergence gap as InputMap defines it."""
        return abs(self.path.miss) / max(abs(self.path.rise), SMALL_RISE)

    @property
    def open(self) -> bool:
        """Whether refinement is still owed and may be paid for."""
        nodes, most = FILM_REFINE if self.film else TRACE_REFINE
        affordable = self.path.steps + 2 * nodes * most <= self.rule.budget
        return affordable and (self.gap > self.rule.limit or len(self.path.pieces) < MIN_PIECES)

    def map(self) -> InputMap:
        """Return the map as it stands, on the study's own axes."""
        low, high = self.path.ends
        place, words = (place_film, FILM_BASELINE) if self.film else (place_trace, TRACE_BASELINE)
        values, smoothing = place(self.path.values, self.study)
        return InputMap(
            self.study.modality, values, words, high, low, self.gap, self.path.steps, self.seconds, smoothing
        )

    def _timed(self, work: Callable[[], None]) -> None:
        started = time.perf_counter()
        work()
        self.seconds += time.perf_counter() - started


def baseline(x: torch.Tensor, study: Study) -> torch.Tensor:
    """Return what x (1, 224, 224) or (leads, m) is compared with: a film without detail, or flat lines."""
    if not isinstance(study.content, Film):
        return torch.zeros_like(x)
    height, width = study.content.pixels.shape[:2]
    return torch.from_numpy(blur_film(x[0].numpy(), (height, width), FILM_BLUR_PX))[None]


def place_film(values: np.ndarray, study: Study) -> tuple[np.ndarray, str]:
    """Carry (1, 224, 224) to the film's pixels; return the map and how it was smoothed, in words."""
    film = study.content
    if not isinstance(film, Film):
        raise TypeError(f"a {study.modality} study holds no film")
    shape = film.pixels.shape[0], film.pixels.shape[1]
    words = f"Gaussian, σ {FILM_SIGMA_PX:g} of 224 pixels ({FILM_SIGMA_PX / 2.24:.1f} % of the film's longer side)"
    return to_film(blur_film(values[0], shape, FILM_SIGMA_PX), shape), words


def place_trace(values: np.ndarray, study: Study) -> tuple[np.ndarray, str]:
    """Carry (leads, m) to the trace's own samples; return the map and how it was smoothed, in words."""
    trace = study.content
    if not isinstance(trace, Trace):
        raise TypeError(f"a {study.modality} study holds no trace")
    start, end = study.window_s or (0.0, trace.duration_s)
    fs = spec_of(study.modality).model_fs
    placed = to_trace(smooth_trace(values, fs), fs, trace, start, end - start)
    return placed, f"Gaussian, σ {1000 * TRACE_SIGMA_S:.0f} ms along time"


def _tensors(release: ExplainableRelease, study: Study) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(np.asarray(value, np.float32)) for name, value in release.inputs(study).items()}


def _module(release: ExplainableRelease, study: Study) -> Callable[..., torch.Tensor]:
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


def _embed(release: ExplainableRelease, study: Study, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the study's embedding (256,)."""
    batched = {name: value[None] for name, value in inputs.items()}
    with torch.no_grad():
        embedding: torch.Tensor = _module(release, study)(**batched)[0]
    return embedding


def _notes(query: Study, match: Study) -> tuple[str, ...]:
    held = {query.modality, match.modality}
    return ((TEXT_SIDE,) if "text" in held else ()) + ((SIDE_INPUTS,) if "ecg" in held else ())


def _small(query: InputMap | None, match: InputMap | None) -> tuple[str, ...]:
    named = {"query": query, "match": match}
    low = [name for name, one in named.items() if one is not None and abs(one.rise) < SMALL_RISE]
    return (SMALL_CHANGE.format(sides=" and the ".join(low), limit=SMALL_RISE),) if low else ()


def _progress(sides: dict[str, _InputAttribution], final: bool) -> tuple[float, str]:
    """Return the share of the gradients that are computed, 1 at the end, and a sentence that counts them."""
    if not sides:
        return 1.0, TEXT_SIDE
    done, most = sum(side.path.steps for side in sides.values()), sum(side.rule.budget for side in sides.values())
    return 1.0 if final else done / most, text("explain.progress", done=done, most=most)
