"""What near means in this collection: its own studies ask, and their nearest are counted, their own patients left out.

Every labelled study asks the others as a query would, and of its ten nearest in each modality it is counted which share
a finding with it (engine.metrics.counted). What a rater said of a pair counts too, as much as the rater is to be
trusted. Queries of synthetic studies and of recordings are counted apart, as are the cohorts of the neighbours: one
says nothing of the other.

The shipped cohort has counts of recordings from elsewhere beside it (`casebind evaluate calibration --write`): who
uploads to it brings a recording, and all its own studies are synthetic.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.background import ThreadJob
from engine.index.hamming import CodeArray
from engine.learning.counted_pairs import CountedQuery, Seen, Target, observe, own_queries, rated_queries, targets_of
from engine.metrics import counted
from engine.metrics.counted import cells_of
from engine.retrieval.calibration import RECORDED, SYNTHETIC
from engine.settings import DEMO
from engine.store import calibrations
from engine.workspace.serving import serving_release
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

CLOSE = 0.99  # share of the collection's own queries whose nearest is near enough to be called close
CLOSE_RECORDED = 0.975  # the same of recordings from elsewhere
MIN_QUERIES = 30  # to say from which distance nothing is close
RANDOM_PAIRS = 200_000


def keep_current(workspace: Workspace, newest: Release, *, at_most: int | None = None) -> bool:
    """Count the pairs of a workspace where that is to be done; return whether it was.

    newest  : the installed release; the pairs are those under the one whose codes are searched
    at_most : studies beyond which nothing is done now
    """
    if workspace.releases.serving() is None:
        return False
    stamped = current_stamp(workspace, newest)
    release = serving_release(workspace, newest)
    if calibrations.stamp_of(workspace.database, release.digest) == stamped:
        return False
    if at_most is not None and sum(workspace.all_counts().values()) > at_most:
        return False
    calibrations.save(workspace.database, release.digest, stamped, count(workspace, release))
    return True


def current_stamp(workspace: Workspace, newest: Release) -> str:
    """Return what changes with the studies, consent and ratings of a workspace, and with the rule of counting."""
    file = recordings_file(newest)
    shipped = file.read_bytes() if file.is_file() else b""
    rule = sha256(repr((counted.RULE, CLOSE, CLOSE_RECORDED)).encode() + shipped).hexdigest()[:12]
    return f"{calibrations.stamp(workspace.database)} {rule}"


class Counting(ThreadJob):
    """The counting of a workspace's pairs in a thread."""

    failure, advice = "The pairs of the collection could not be counted", "nothing is said of neighbours until they are"


_jobs: dict[str, Counting] = {}
_lock = threading.Lock()


def count_in_background(workspace: Workspace, newest: Release) -> Counting | None:
    """Begin to count where that is to be done and nobody does; return the job, or None where all is current."""
    with _lock:
        running = _jobs.get(str(workspace.path))
        if running is not None and not running.over:
            return running
        if workspace.releases.serving() is None:
            return None
        release = serving_release(workspace, newest)
        if calibrations.stamp_of(workspace.database, release.digest) == current_stamp(workspace, newest):
            return None
        job = _jobs[str(workspace.path)] = Counting()
    job.start("casebind counting", lambda: (keep_current(workspace, newest), None)[1])
    return job


def count(workspace: Workspace, release: Release) -> dict[str, Any]:
    """Return what is kept of a workspace's pairs under a release, as JSON."""
    targets = targets_of(workspace, release)
    queries = own_queries(workspace, release, targets) + rated_queries(workspace)
    return counts_of(queries, targets, shipped_counts(release))


def counts_of(
    queries: Sequence[CountedQuery], targets: Mapping[str, Target], shipped: Shipped | None = None
) -> dict[str, Any]:
    """Return the counts of all pairs of modalities and code lengths, completed by what is shipped beside a cohort."""
    pairs: dict[str, dict[str, Any]] = defaultdict(dict)
    for seen in observe(queries, targets):
        cells: dict[str, dict[str, Any]] = defaultdict(dict)
        for (cohort, origin), observed in seen.parts.items():
            cells[cohort][origin] = [asdict(cell) for cell in cells_of(observed, seen.bits)]
        close = close_limits(seen)
        if shipped is not None and seen.source in targets:
            cohorts = set(targets[seen.into].cohorts)
            random = random_distances(targets[seen.source].codes, targets[seen.into].codes, seen.bits)
            shipped.complete(seen, cells, close, cohorts, random)
        pairs[f"{seen.source}>{seen.into}"][str(seen.bits)] = {"close": close, "cells": cells}
    return {"pairs": pairs}


def close_limits(seen: Seen) -> dict[str, int]:
    """Return origin → distance within which nearly all of the collection's own queries have their nearest."""
    limits = {}
    for origin in (SYNTHETIC, RECORDED):
        first = [far for query, far in seen.nearest if query.origin == origin]
        if len(first) >= MIN_QUERIES:
            limits[origin] = int(np.quantile(first, CLOSE))
    return limits


def random_distances(source: CodeArray, target: CodeArray, bits: int) -> np.ndarray:
    """Return the distances of random pairs of different patients, sorted, (n,) int."""
    rng, n = np.random.default_rng(0), min(RANDOM_PAIRS, source.ids.size * target.ids.size)
    a, b = rng.integers(0, source.ids.size, n), rng.integers(0, target.ids.size, n)
    apart = source.groups[a] != target.groups[b]
    words = bits // 64
    different = source.words[:words, a[apart]] ^ target.words[:words, b[apart]]
    return np.sort(np.bitwise_count(different).sum(0, dtype=np.int64))


@dataclass(frozen=True)
class Shipped:
    """The counts that are shipped beside a cohort, with recordings as queries; their cells hold for one release.

    pairs : "cxr>ecg" → bits → {"random_share", "cells"}: the share of random pairs that are nearer than what is called
            close, and cells as JSON
    """

    cohort: str
    pairs: dict[str, Any]
    holds: bool

    def complete(
        self, seen: Seen, cells: dict[str, dict[str, Any]], close: dict[str, int], cohorts: set[str], random: np.ndarray
    ) -> None:
        """Fill in what the workspace itself could not count, where it holds the cohort."""
        there = self.pairs.get(f"{seen.source}>{seen.into}", {}).get(str(seen.bits))
        if there is None or self.cohort not in cohorts:
            return
        close.setdefault(RECORDED, int(np.quantile(random, there["random_share"])))
        if self.holds and not cells[self.cohort].get(RECORDED):
            cells[self.cohort][RECORDED] = there["cells"]


def recordings_file(release: Release) -> Path:
    """Return the file of what is shipped beside the demonstration cohort."""
    return DEMO / f"recordings-{release.base}.json"


def shipped_counts(release: Release) -> Shipped | None:
    """Return what is shipped beside the demonstration cohort, or None where nothing is."""
    file = recordings_file(release)
    if not file.is_file():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    return Shipped(found["cohort"], found["pairs"], found["release_digest"] == release.digest)


def to_ship(
    queries: Sequence[CountedQuery], targets: Mapping[str, Target], release: Release, cohort: str, usual: Sequence[str]
) -> dict[str, Any]:
    """Return the counts of recordings as queries to one cohort, to be shipped beside it.

    usual : the data sets that stand for what the cohort is made after; from their nearest follows what is close
    """
    pairs: dict[str, dict[str, Any]] = defaultdict(dict)
    for seen in observe(queries, targets):
        first = [far for query, far in seen.nearest if query.source in usual]
        if len(first) >= MIN_QUERIES:
            random = random_distances(targets[seen.source].codes, targets[seen.into].codes, seen.bits)
            limit = np.quantile(first, CLOSE_RECORDED)
            share = float(np.searchsorted(random, limit, side="right") / len(random))
            observed = seen.parts.get((cohort, RECORDED))
            cells = [] if observed is None else [asdict(cell) for cell in cells_of(observed, seen.bits)]
            pairs[f"{seen.source}>{seen.into}"][str(seen.bits)] = {"random_share": round(share, 5), "cells": cells}
    return {"release_digest": release.digest, "cohort": cohort, "pairs": pairs}
