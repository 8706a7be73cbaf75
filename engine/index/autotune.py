"""Choosing between scan and multi-index hashing by measuring both on the workspace's own codes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from engine.index.hamming import NearestPositions, compiled, nearest, to_bits
from engine.index.lookup import bits_among
from engine.index.multi_index import MultiIndex, build, min_work
from engine.index.snapshot import Base

INDEX_FROM = 300_000  # codes below which a scan takes less than 0.1 ms per 64 bits
SAMPLES = 24  # queries
TURNS = 3  # of a sample, when its pace is measured
TUNING_K = 40  # neighbours: what a search for 10 patients asks for first
GAIN = 0.8  # an index stays where its median query takes at most this share of the scan's time
MAX_OVERHEAD = 0.28  # share of a scan's time that a query may lose to the index before it scans
HOPEFUL_NS = 5.0  # per bucket or code visited, were memory never waited for
CODE_LENGTHS = (256, 128, 64)


@dataclass(frozen=True)
class IndexChoice:
    """What was measured for one code length: medians in seconds, and the work that a query may cost."""

    bits: int
    scan_s: float
    index_s: float
    budget: float

    @property
    def gains(self) -> bool:
        """Say whether the index is worth its memory."""
        return self.index_s <= GAIN * self.scan_s


def choose_index(base: Base, rng: np.random.Generator, lengths: tuple[int, ...] = CODE_LENGTHS) -> list[IndexChoice]:
    """Give the base an index for the code lengths at which it gains, or none; return what was measured.

    The samples are codes of the base, each asked for without its own patient, as a search does.
    """
    if base.n < INDEX_FROM or compiled(base.n) is None:
        return []
    samples = [_without_own(base, int(place)) for place in rng.choice(base.n, SAMPLES, replace=False)]
    scans = {bits: [_timed_scan(base, *sample, bits) for sample in samples] for bits in lengths}
    hopeful = [bits for bits in lengths if _may_gain(base.n, bits, scans[bits])]
    if not hopeful:
        return []
    index = build(base.columns.words, max(hopeful))
    choices = [measure(base, index, samples, scans[bits], bits) for bits in hopeful]
    gaining = [choice for choice in choices if choice.gains]
    if gaining:
        longest = max(choice.bits for choice in gaining)
        base.index = index if longest == index.bits else index.prefix(longest)
        base.budgets = {choice.bits: choice.budget for choice in gaining}
    return choices


def measure(
    base: Base,
    index: MultiIndex,
    samples: list[tuple[np.ndarray, np.ndarray]],
    scans: list[tuple[float, NearestPositions]],
    bits: int,
) -> IndexChoice:
    """Return the medians over the samples and the budget that keeps a query below 1 + AT_STAKE scans."""
    words = base.columns.words
    scan_s = float(np.median([seconds for seconds, _ in scans]))
    pace = [_pace(index, words, sample, scan_s, bits) for sample in samples]
    budget = MAX_OVERHEAD * scan_s / float(np.quantile(pace, 0.75))
    taken = []
    for query, allowed in samples:
        begun = time.perf_counter()
        found, _ = index.nearest(words, query, TUNING_K, bits, allowed, budget=budget)
        taken.append(time.perf_counter() - begun + (scan_s if found is None else 0.0))
    return IndexChoice(bits, scan_s, float(np.median(taken)), budget)


def _pace(
    index: MultiIndex, words: np.ndarray, sample: tuple[np.ndarray, np.ndarray], scan_s: float, bits: int
) -> float:
    """Return the seconds that one sample takes per bucket or code visited.

    The least of several turns: the first finds cold tables, and whatever else the machine does only makes one longer.
    """
    (query, allowed), taken, work = sample, math.inf, 0.0
    for _ in range(TURNS):
        begun = time.perf_counter()
        _, work = index.nearest(words, query, TUNING_K, bits, allowed, budget=scan_s / (HOPEFUL_NS * 1e-9))
        taken = min(taken, time.perf_counter() - begun)
    return taken / max(work, 1.0)


def _may_gain(n: int, bits: int, scans: list[tuple[float, NearestPositions]]) -> bool:
    """Say whether the least work that half the samples need could be faster than a scan."""
    scan_s = float(np.median([seconds for seconds, _ in scans]))
    reach = sorted(int(found[1][-1]) if found[1].size else bits for _, found in scans)[len(scans) // 2]
    return min_work(n, reach, bits) * HOPEFUL_NS * 1e-9 <= GAIN * scan_s


def _without_own(base: Base, position: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a code of the base, (4,) uint64, and the bits of all codes but its patient's."""
    patients = base.columns.patients
    own = np.asarray(patients[np.array([position])])
    return base.columns.words[:, position].copy(), to_bits(np.ones(base.n, bool)) & ~bits_among(patients, own)


def _timed_scan(base: Base, query: np.ndarray, allowed: np.ndarray, bits: int) -> tuple[float, NearestPositions]:
    begun = time.perf_counter()
    found = nearest(base.columns.words, query, TUNING_K, bits, allowed)
    return time.perf_counter() - begun, found
