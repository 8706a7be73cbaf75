"""A workspace of many studies without content, for timing the search alone."""

from __future__ import annotations

import numpy as np

from engine.actor import single_user
from engine.bench.search import draws
from engine.store import bench_rows
from engine.workspace.workspace import Workspace

RELEASE = "bench"
PER_PATIENT = 3  # studies, on average
WITHDRAWN = 50  # one patient in so many


def fill(workspace: Workspace, rng: np.random.Generator, n: int, queries: int) -> np.ndarray:
    """Put n films with codes in clusters into the tables; return queries near them, (queries, 4) uint64."""
    import pandas as pd

    drawn = draws.clustered(rng, n, queries)
    numbers = rng.integers(1, max(2, n // PER_PATIENT), n)
    frame = pd.DataFrame({f"w{word}": drawn.codes[word] for word in range(4)})
    frame = frame.assign(id=rng.permutation(n), patient=numbers, age=rng.integers(20, 90, n))
    with workspace.database.exclusive(), workspace.database.write() as cursor:
        bench_rows.insert_films(cursor, RELEASE, frame)
    workspace.set_consents(bench_rows.patient_ids(workspace.database)[::WITHDRAWN], False, actor=single_user())
    return drawn.queries
