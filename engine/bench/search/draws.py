"""Codes and queries to time searches on: uniform, in clusters, and a workspace's own enlarged.

Codes are (4, n) uint64, queries (q, 4) uint64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.index.code_columns import Columns

WORDS = 4
BITS = 256
CHUNK = 1 << 16  # codes drawn at once
CENTRES = 2000
CLUSTER_FLIPS, QUERY_FLIPS = 0.08, 0.04  # share of bits in which a member, a query of it, differs
STEPS = 256  # to which a share of bits is rounded
SHARED_DRAW = 256  # codes that share one drawn distance
MIN_PAIRS = 20  # within one modality; with fewer, pairs across modalities count


@dataclass(frozen=True, eq=False)
class CodeSet:
    """Codes, queries of them, and where they come from in words."""

    name: str
    codes: np.ndarray
    queries: np.ndarray
    origin: str


def flips(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    """Return uint64 words in which every bit is set with the given probability, rounded to 1 / STEPS.

    The binary digits of the share, lowest first: an or with random bits adds a half, an and halves what is there.
    """
    wanted, found = round(share * STEPS), np.zeros(shape, np.uint64)
    for digit in range(STEPS.bit_length() - 1):
        noise = rng.integers(0, 2**64, shape, dtype=np.uint64)
        found = found | noise if wanted >> digit & 1 else found & noise
    return found


def uniform(rng: np.random.Generator, n: int, queries: int) -> CodeSet:
    """Return codes without any structure: the worst case of every index."""
    codes = rng.integers(0, 2**64, (WORDS, n), dtype=np.uint64)
    asked = rng.integers(0, 2**64, (queries, WORDS), dtype=np.uint64)
    return CodeSet("uniform", codes, asked, "every bit at random")


def clustered(rng: np.random.Generator, n: int, queries: int) -> CodeSet:
    """Return codes around CENTRES random ones."""
    centres = rng.integers(0, 2**64, (WORDS, CENTRES), dtype=np.uint64)
    codes = np.empty((WORDS, n), np.uint64)
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        chosen = centres[:, rng.integers(0, CENTRES, stop - start)]
        codes[:, start:stop] = chosen ^ flips(rng, chosen.shape, CLUSTER_FLIPS)
    asked = codes[:, rng.integers(0, n, queries)]
    asked = np.ascontiguousarray((asked ^ flips(rng, asked.shape, QUERY_FLIPS)).T)
    origin = f"{CENTRES} centres, members {CLUSTER_FLIPS:.0%} of bits away, queries {QUERY_FLIPS:.0%} from a member"
    return CodeSet("clustered", codes, asked, origin)


def enlarged(rng: np.random.Generator, stored: Sequence[Columns], n: int, queries: int) -> CodeSet:
    """Return a workspace's codes, enlarged by copies as far away as its patients' codes are from each other."""
    own = np.concatenate([columns.words for columns in stored], axis=1)
    apart = within_patients(stored)
    codes = np.empty((WORDS, n), np.uint64)
    for start in range(0, n, SHARED_DRAW):
        codes[:, start : start + SHARED_DRAW] = _copies(rng, own, apart, min(SHARED_DRAW, n - start))
    asked = np.concatenate([_copies(rng, own, apart, 1).T for _ in range(queries)])
    origin = (
        f"{own.shape[1]} codes of the workspace, copied with bits flipped as between two codes of one patient "
        f"(median {np.median(apart):.0f} of {BITS}, {apart.size} pairs)"
    )
    return CodeSet("learned", codes, np.ascontiguousarray(asked), origin)


def within_patients(stored: Sequence[Columns]) -> np.ndarray:
    """Return the distances, (pairs,) int64, between codes of one patient, within modalities where there are enough."""
    alone = [_pairs(columns.words, np.asarray(columns.patients)) for columns in stored]
    found = np.concatenate(alone)
    if found.size < MIN_PAIRS:
        words = np.concatenate([columns.words for columns in stored], axis=1)
        found = _pairs(words, np.concatenate([columns.patients for columns in stored]))
    if found.size == 0:
        raise UsageError("No patient of the workspace has two codes, so its codes cannot be enlarged: ingest a cohort.")
    return found


def _pairs(words: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Return the distances between neighbouring codes of one patient in the order of the patients."""
    order = np.argsort(patients, kind="stable")
    same = np.flatnonzero(patients[order][1:] == patients[order][:-1])
    apart = words[:, order[same]] ^ words[:, order[same + 1]]
    return np.bitwise_count(apart).sum(axis=0).astype(np.int64)


def _copies(rng: np.random.Generator, own: np.ndarray, apart: np.ndarray, n: int) -> np.ndarray:
    chosen = own[:, rng.integers(0, own.shape[1], n)]
    return chosen ^ flips(rng, chosen.shape, rng.choice(apart) / BITS)
