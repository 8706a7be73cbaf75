"""faiss's binary flat index gives the scan's answers; it stands in where numba is missing and loads beside torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from engine.index.code_columns import Columns
from engine.index.flat import FlatIndexes
from engine.index.hamming import nearest, to_bits
from engine.index.snapshot import Base, Delta, FlatBase, Snapshot, full_snapshot


def few_values(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return (4, n) uint64 codes that are near each other, so that most distances are tied."""
    return rng.integers(0, 4, (4, n)).astype(np.uint64)


def pairs(found: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, int]]:
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 1024, 3001])
@pytest.mark.parametrize("bits", [64, 128, 256])
def test_any_mask_any_k_and_any_radius_with_ties(n: int, bits: int) -> None:
    rng = np.random.default_rng(n + bits)
    codes = few_values(rng, n)
    flat = FlatIndexes(codes)
    for share in (0.0, 0.02, 0.5, 1.0):
        allowed = to_bits(rng.random(n) < share)
        for k, radius in ((1, None), (10, 3), (7, 0), (10, -1), (0, None), (n + 5, None), (5000, 2)):
            for query in few_values(rng, 3).T:
                for mask in (allowed, None):
                    expected = nearest(codes, query, k, bits, mask, radius)
                    assert pairs(flat.nearest(query, k, bits, mask, radius)) == pairs(expected)


def test_only_the_lengths_asked_for_take_memory() -> None:
    codes = few_values(np.random.default_rng(0), 1000)
    base = FlatBase(Columns(codes, np.arange(1000), np.arange(1000)))
    before = base.nbytes
    base.nearest(codes[:, 0].copy(), 5, 128, to_bits(np.ones(1000, bool)), 1000)
    assert base.nbytes == before + 1000 * 16


def changed(base: Base, rng: np.random.Generator) -> Snapshot:
    """Return a snapshot that has lost some studies of the base and gained others, tied with what stays."""
    n = base.n
    ids = np.array([f"s{number:05}" for number in rng.choice(2 * n, n // 10, replace=False) * 2 + 1], object)
    numbers = np.array([int(name[1:]) for name in ids]) + 10 * n
    new = Delta(ids, Columns(few_values(rng, ids.size), numbers, rng.integers(0, n, ids.size)))
    return full_snapshot(base).plus(new).without(rng.choice(n, n // 5, replace=False))


def test_snapshots_with_changes_and_one_study_per_patient() -> None:
    rng = np.random.default_rng(1)
    for n in (50, 700):
        columns = Columns(few_values(rng, n), np.arange(n), rng.integers(0, n // 3, n))
        seed = int(rng.integers(1 << 30))
        scanned = changed(Base(columns), np.random.default_rng(seed))
        by_faiss = changed(FlatBase(columns), np.random.default_rng(seed))

        def ids_of(ordinals: np.ndarray) -> dict[int, str]:
            return {int(ordinal): f"s{2 * ordinal:05}" for ordinal in ordinals}

        for bits in (64, 128, 256):
            for k, radius in ((1, None), (12, 2), (n, None)):
                query, denied = few_values(rng, 1)[:, 0], rng.choice(n, n // 4)
                answers = [
                    one.nearest(query, k, bits, one.mask(denied=denied), ids_of, radius) for one in (scanned, by_faiss)
                ]
                for name in ("ordinals", "distances", "patients"):
                    assert getattr(answers[0], name).tolist() == getattr(answers[1], name).tolist()


ASK = """
import sys
{missing}
import numpy as np
from engine.index import hamming
from engine.index import snapshot
from engine.index.autotune import choose_index
from engine.index.code_columns import Columns
hamming.COMPILED_FROM = 1
rng = np.random.default_rng(6)
base = snapshot.Base(Columns(rng.integers(0, 8, (4, 3000)).astype(np.uint64), np.arange(3000), np.arange(3000)))
choose_index(base, rng)
for share in (0.3, 1.0):
    allowed = hamming.to_bits(rng.random(3000) < share)
    for query in rng.integers(0, 8, (5, 4)).astype(np.uint64):
        for bits in (64, 128, 256):
            found = base.nearest(query, 40, bits, allowed, hamming.from_bits(allowed, 3000).sum(), 9)
            print([part.tolist() for part in found])
print("faiss" in sys.modules, "numba" in sys.modules and sys.modules["numba"] is not None)
"""


def run(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True)
    return done.stdout.splitlines()


def test_where_numba_is_missing_faiss_finds_what_the_scan_finds() -> None:
    with_numba = run(ASK.format(missing=""))
    without = run(ASK.format(missing="sys.modules['numba'] = None"))  # any import of it now fails
    assert without[:-1] == with_numba[:-1]
    assert len(with_numba) == 31
    assert (with_numba[-1], without[-1]) == ("False True", "True False")


BESIDE = """
{imports}
import numpy as np
from engine.index.flat import FlatIndexes
codes = np.arange(1000, dtype=np.uint64) << np.arange(4, dtype=np.uint64)[:, None]
a, b = torch.arange(250000.0).reshape(500, 500), torch.eye(500)
for _ in range(3):
    assert bool((a @ b == a).all())
    print(FlatIndexes(codes).nearest(codes[:, 7].copy(), 2, 256)[0].tolist())
"""


@pytest.mark.parametrize("imports", ["import torch, faiss", "import faiss, torch"])
def test_torch_and_faiss_bring_openmp_into_one_process_in_either_order(imports: str) -> None:
    assert run(BESIDE.format(imports=imports)) == ["[7, 3]"] * 3
