"""A workspace of many studies without content, for timing the search alone."""

from __future__ import annotations

import numpy as np

from engine.actor import single_user
from engine.bench.search import draws
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
        cursor.register("drawn", frame)
        cursor.execute("INSERT INTO cohorts VALUES ('bench', '', '', true, '')")
        cursor.execute("INSERT INTO releases VALUES (?, ?, now()::TIMESTAMP)", [RELEASE, "b" * 64])
        cursor.execute(
            "INSERT INTO patients SELECT DISTINCT 'p' || patient, 'bench', now()::TIMESTAMP, patient FROM drawn"
        )
        cursor.execute(
            "INSERT INTO studies SELECT printf('film-%08d', id), 1 + id, 'key-' || id, 'p' || patient, 'e' || patient,"
            " 'bench', 'cxr', '2020-01-01', age, 'F', 'PA', [], '', NULL, true, '', '', '', 1.0, '', NULL, NULL, NULL,"
            " 'none', '{}', now()::TIMESTAMP FROM drawn"
        )
        cursor.execute(
            "INSERT INTO codes SELECT printf('film-%08d', id), ?, 'cxr', w0, w1, w2, w3, 1 + id, patient FROM drawn"
            " ORDER BY id",
            [RELEASE],
        )
        cursor.unregister("drawn")
    known = [one for (one,) in workspace.database.read("SELECT patient_id FROM patients ORDER BY patient_id")]
    workspace.set_consents(known[::WITHDRAWN], False, actor=single_user())
    return drawn.queries
