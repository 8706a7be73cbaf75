"""From opening a large workspace to its first answer, and how soon what is deleted or withdrawn is gone.

A process of its own opens the workspace, so that nothing is loaded yet. Its memory beside an empty process is that of
the codes, the compiled scan and the database's library; what the codes alone ask for is what a second process gains
that has searched a small workspace before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.actor import single_user
from engine.backends.protocol import CodeQuery
from engine.bench.search.fill import RELEASE, fill
from engine.errors import CasebindError
from engine.store import bench_rows, codes
from engine.workspace.workspace import Workspace, open_workspace

SEED, QUERIES, K = 20, 5, 10
SMALL = 1000  # studies of the workspace that is searched first
N_REMOVED = 10_000  # studies deleted, and studies of patients who withdraw
CODE_BYTES = 32


def memory_mb(peak: bool) -> float:
    """Return the memory that this process holds, or the most that it has held, MB.

    Read from /proc, since getrusage counts what the parent held before the process began; 0 where there is none.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    known = {name: text for name, _, text in (line.partition(":") for line in lines)}
    return float(known.get("VmHWM" if peak else "VmRSS", "0 kB").split()[0]) / 1024


def searched(workspace: Workspace, query: np.ndarray) -> tuple[np.ndarray, float]:
    """Ask for the nearest films: ordinals (≤k,), ms."""
    begun = time.perf_counter()
    hits = workspace.backend.nearest(RELEASE, {"cxr": CodeQuery(query, K, 256)}, ()).hits["cxr"]
    return hits.ordinals, (time.perf_counter() - begun) * 1000


def opened(path: Path) -> tuple[Workspace, dict[str, Any]]:
    """Open a filled workspace and ask once: seconds, and memory beside that of an empty process."""
    queries, before = np.load(path / "queries.npy"), memory_mb(peak=False)
    begun = time.perf_counter()
    place = open_workspace(path)
    searched(place, queries[0])
    taken = time.perf_counter() - begun
    n = codes.count_all(place.database)
    codes_mb = n * CODE_BYTES / 2**20
    most, held = memory_mb(peak=True) - before, memory_mb(peak=False) - before
    return place, {
        "n": n,
        "first_answer_s": round(taken, 2),
        "codes_mb": round(codes_mb),
        "memory_mb": round(held),
        "most_memory_mb": round(most),
        "memory_per_codes": round(held / codes_mb, 2),
        "most_memory_per_codes": round(most / codes_mb, 2),
    }


def added(path: Path, small: Path) -> dict[str, Any]:
    """Search a small workspace, then the large one: memory that the large one adds to a process that searches."""
    from engine.index import scan  # few codes do without the compiled scan

    assert scan
    first, _ = opened(small)
    place, found = opened(path)
    place.close()
    first.close()
    return {name: found[name] for name in ("memory_mb", "memory_per_codes", "most_memory_per_codes")}


def remove_and_search(workspace: Workspace, query: np.ndarray, withdraw: bool) -> dict[str, Any]:
    """Delete 10,000 studies, the nearest among them, or withdraw the consent of as many patients; ask right after."""
    nearest, _ = searched(workspace, query)
    names = list(workspace.snapshots.study_ids_of(nearest).values())
    first = [row.patient_id for row in workspace.all_rows(names)] if withdraw else names
    ids = bench_rows.patient_ids if withdraw else bench_rows.study_ids
    listed = list(dict.fromkeys([*first, *ids(workspace.database, N_REMOVED)]))[:N_REMOVED]
    begun = time.perf_counter()
    if withdraw:
        workspace.set_consents(listed, False, actor=single_user())
    else:
        workspace.remove(listed)
    changed = (time.perf_counter() - begun) * 1000
    found, taken = searched(workspace, query)
    left = set(found.tolist()) & set(nearest.tolist())
    return {
        "of": len(listed),
        "change_ms": round(changed, 1),
        "next_answer_ms": round(taken, 1),
        "still_there": len(left),
    }


def measured(path: Path) -> dict[str, Any]:
    """Measure a filled workspace in this process."""
    place, found = opened(path)
    queries = np.load(path / "queries.npy")
    found["search_ms"] = round(float(np.median([searched(place, q)[1] for q in queries])), 3)
    found["withdraw"] = remove_and_search(place, queries[1], True)
    found["delete"] = remove_and_search(place, queries[2], False)
    place.close()
    return found


def run(n: int, folder: Path) -> dict[str, Any]:
    """Fill a workspace of n films with codes in clusters, then measure it in processes of their own."""
    path, small = (_filled(folder / name, size) for name, size in (("workspace", n), ("small", SMALL)))
    # what the codes add comes first: measuring deletes some of them
    return {"added": _apart("added", path, small), **_apart("measured", path)}


def _filled(path: Path, n: int) -> Path:
    place = open_workspace(path, create=True)
    np.save(path / "queries.npy", fill(place, np.random.default_rng(SEED), n, QUERIES))
    place.close()
    return path


def _apart(name: str, *paths: Path) -> dict[str, Any]:
    """Return what one of these functions returns in a process of its own."""
    command = [sys.executable, "-m", "engine.bench.search.start", name, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CasebindError(f"The measured process ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def as_lines(result: dict[str, Any]) -> str:
    """Return the figures in words."""
    lines = [
        f"{result['n']:,} codes of 256 bits: first answer {result['first_answer_s']} s after opening, then "
        f"{result['search_ms']} ms.",
        f"Memory that the codes add to a process that searches: {result['added']['memory_mb']} MB, "
        f"{result['added']['memory_per_codes']} × the codes, at most {result['added']['most_memory_per_codes']} × "
        f"while loading; beside an empty process, libraries included: {result['memory_mb']} MB.",
    ]
    for name, words in (("withdraw", "patients withdrew"), ("delete", "studies were deleted")):
        one = result[name]
        lines.append(
            f"{one['of']:,} {words} in {one['change_ms']} ms; the next answer took {one['next_answer_ms']} ms and held "
            f"{one['still_there']} of them."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    ways: dict[str, Callable[..., dict[str, Any]]] = {"added": added, "measured": measured}
    print(json.dumps(ways[sys.argv[1]](*map(Path, sys.argv[2:]))))
