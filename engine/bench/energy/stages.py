"""The stages of a query, each repeated under a meter until it has worked long enough to be told from noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, pairwise
from time import process_time
from typing import Any

import numpy as np

from engine.bench.search import draws
from engine.explain.attribution import explain_pair
from engine.index.hamming import nearest
from engine.model.release import Release
from engine.study import Study
from engine.training.meter import EnergyUsed, start_meter

ENCODE, SEARCH, EXPLAIN = "encode", "search", "explain"
CODES, DENSE = "codes", "dense float"
WORDS = (
    "pleural effusion",
    "atrial fibrillation",
    "enlarged heart",
    "left bundle branch block",
    "pneumonia of the right lower lobe",
    "sinus tachycardia",
)
K, DIMENSIONS, QUERIES, SEED = 10, 256, 50, 27
Studies = dict[str, list[Study]]


@dataclass(frozen=True)
class StageEnergy:
    """One stage for one kind of query, or one way of searching: what `queries` of them used together."""

    stage: str
    of: str
    queries: int
    used: EnergyUsed

    @property
    def joules(self) -> float:
        """Of the processor, for one query."""
        return self.used.joules / self.queries

    def as_dict(self) -> dict[str, Any]:
        """Return one query's joules with the meter's error, memory apart, and Wh of a thousand queries."""
        memory = self.used.memory_joules
        return {
            "stage": self.stage,
            "of": self.of,
            "joules": interval(self.joules, self.used.error, self.queries),
            "wh_per_1000": interval(self.joules / 3.6, self.used.error, self.queries),
            "memory_joules": None if memory is None else rounded(memory / self.queries),
            "cpu_ms": rounded(1000 * self.used.cpu_seconds / self.queries),
            "metered_cpu_s": round(self.used.cpu_seconds, 1),
            "metered_s": round(self.used.seconds, 1),
        }


def interval(value: float, error: float, n: int) -> dict[str, float | int]:
    """Return a value between what it may be by the meter's error, and the queries that it is the mean of."""
    low, high = (rounded(value * (1 + sign * error)) for sign in (-1, 1))
    return {"value": rounded(value), "low": low, "high": high, "n": n}


def rounded(value: float) -> float:
    """Return a number to four significant digits."""
    return float(f"{value:.4g}")


def metered(work: Sequence[Callable[[], object]], seconds: float) -> tuple[int, EnergyUsed]:
    """Do one piece of work after the other until they took so many seconds of the processor; return how many, and what.

    The first of them is done once before, so that nothing is loaded or compiled under the meter.
    """
    work[0]()
    meter, began = start_meter(), process_time()
    for done, piece in enumerate(cycle(work), 1):
        piece()
        if process_time() - began >= seconds:
            return done, meter.stop()
    raise AssertionError("cycle ends only where there is no work")


def encoding(release: Release, studies: Studies, seconds: float) -> Iterator[StageEnergy]:
    """Yield what encoding takes, preparation of the recording with it, for each kind."""
    for kind, found in studies.items():
        work = [partial(release.embed, [one]) for one in found]
        yield StageEnergy(ENCODE, kind, *metered(work, seconds))


def searching(n: int, seconds: float) -> Iterator[StageEnergy]:
    """Yield what the ten nearest of n random studies take: by codes of 256 bits, and by 256 floats of each.

    Dense search is a product of all embeddings with the query's and a partial sort, as exact flat indices do it.
    """
    rng = np.random.default_rng(SEED)
    drawn = draws.uniform(rng, n, QUERIES)
    by_code = [partial(nearest, drawn.codes, query, K, DIMENSIONS) for query in drawn.queries]
    yield StageEnergy(SEARCH, CODES, *metered(by_code, seconds))
    gallery, queries = (rng.standard_normal((rows, DIMENSIONS), np.float32) for rows in (n, QUERIES))
    yield StageEnergy(SEARCH, DENSE, *metered([partial(dense, gallery, query) for query in queries], seconds))


def dense(gallery: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the ten nearest of (n, 256) embeddings to one of (256,), nearest first, by their cosine."""
    score = gallery @ query
    best = np.argpartition(-score, min(K, len(score) - 1))[:K]
    return np.asarray(best[np.argsort(-score[best])])


def explaining(release: Release, studies: Studies, seconds: float) -> Iterator[StageEnergy]:
    """Yield what the maps of a pair of the same kind take, both sides to their convergence."""
    for kind, found in studies.items():
        work = [partial(_maps, release, query, match) for query, match in pairwise(found)]
        yield StageEnergy(EXPLAIN, kind, *metered(work, seconds))


def _maps(release: Release, query: Study, match: Study) -> object:
    return list(explain_pair(release, query, match))
