"""Many studies of few bytes put straight into the tables of a workspace, and a serial oracle of what may be found."""

from __future__ import annotations

import numpy as np

from engine.workspace.workspace import Workspace

RELEASE, DIGEST = "r-crowd", "c" * 64


def crowd(
    place: Workspace,
    rng: np.random.Generator,
    n: int,
    modality: str = "cxr",
    patients: int | None = None,
    values: int = 6,
) -> None:
    """Put n studies with codes of few values, so that ties abound, into the tables in no order of their ids."""
    who = [f"p{number}" for number in rng.integers(0, patients or n, n)]
    ids = [f"{modality}-{number:07d}" for number in rng.permutation(n)]
    words = rng.integers(0, values, (4, n)).astype(np.uint64)
    with place.database.exclusive(), place.database.write() as cursor:
        cursor.execute("INSERT INTO cohorts VALUES ('crowd', '', '', false, '', 'keep') ON CONFLICT DO NOTHING")
        cursor.execute("INSERT INTO releases VALUES (?, ?, now()::TIMESTAMP) ON CONFLICT DO NOTHING", [RELEASE, DIGEST])
        cursor.execute(
            "INSERT INTO patients SELECT DISTINCT id, 'crowd', now()::TIMESTAMP, 0 FROM (SELECT unnest(?) AS id)"
            " ON CONFLICT DO NOTHING",
            [who],
        )
        cursor.execute("UPDATE patients SET number = nextval('patient_number') WHERE number = 0")
        cursor.execute(
            "INSERT INTO studies SELECT id, nextval('study_ordinal'), 'key-' || id, who, 'e-' || who, 'crowd', ?,"
            " '2020-01-01', age, CASE WHEN age % 2 = 0 THEN 'F' ELSE 'M' END, 'PA', ['Edema'], '', NULL, true, '', '',"
            " '', age / 100, 'f' || id, NULL, NULL, NULL, 'none', '{}', now()::TIMESTAMP, '', '', 0"
            " FROM (SELECT unnest(?) AS id, unnest(?) AS who, unnest(?) AS age)",
            [modality, ids, who, rng.integers(20, 90, n).tolist()],
        )
        cursor.execute(
            "INSERT INTO codes SELECT c.id, ?, ?, c.a, c.b, c.c, c.d, s.ordinal, p.number FROM (SELECT unnest(?) AS id,"
            " unnest(?::UBIGINT[]) AS a, unnest(?::UBIGINT[]) AS b, unnest(?::UBIGINT[]) AS c,"
            " unnest(?::UBIGINT[]) AS d) c JOIN studies s ON s.study_id = c.id JOIN patients p USING (patient_id)",
            [RELEASE, modality, ids, *words.tolist()],
        )


def permitted(place: Workspace, condition: str = "true", modality: str = "cxr") -> list[tuple[str, str, list[int]]]:
    """Return (study id, patient id, words) of what the tables say may be found, read by SQL alone."""
    found = place.database.read(
        "SELECT c.study_id, s.patient_id, [c.w0, c.w1, c.w2, c.w3] FROM codes c JOIN studies s USING (study_id)"
        " WHERE c.modality = ? AND s.patient_id NOT IN (SELECT patient_id FROM withdrawn WHERE scope = 'retrieval')"
        f" AND {condition}",
        [modality],
    )
    return [(study_id, patient, words) for study_id, patient, words in found]


def oracle(rows: list[tuple[str, str, list[int]]], query: np.ndarray, k: int, bits: int, radius: int = 256) -> list:
    """Return (distance, study id) of the k nearest, one per patient, by sorting everything in plain Python."""
    wanted = query.tolist()[: bits // 64]
    best: dict[str, tuple[int, str]] = {}
    for study_id, patient, words in rows:
        pair = (sum((a ^ b).bit_count() for a, b in zip(words, wanted, strict=False)), study_id)
        best[patient] = min(best.get(patient, pair), pair)
    return [pair for pair in sorted(best.values()) if pair[0] <= radius][:k]


def ask(place: Workspace, query: np.ndarray, k: int, bits: int, clauses: tuple = (), radius: int | None = None) -> list:
    """Return (distance, study id) as a search finds them, past what is deleted between the search and the look-up."""
    while True:
        views, permits = place.snapshots.latest_with_masks(RELEASE, ("cxr",), clauses)
        hits = views["cxr"].nearest(query, k, bits, permits["cxr"], place.snapshots.study_ids_of, radius)
        names = place.snapshots.study_ids_of(hits.ordinals)
        if len(names) == hits.ordinals.size:
            break
    near = zip(hits.ordinals.tolist(), hits.distances.tolist(), strict=True)
    return [(far, names[ordinal]) for ordinal, far in near]
