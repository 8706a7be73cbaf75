"""What the tests of many machines share: a crowd at real sites, every kind of change, and what must be found."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from helpers.many_studies import DIGEST, RELEASE, oracle, permitted
from helpers.studies import COHORT, new_study

from engine.access.sessions import Session
from engine.actor import Actor, single_user
from engine.backends.protocol import CodeQuery
from engine.backends.setting import IndexSetting, write_setting
from engine.bench.cluster.nodes import Nodes
from engine.store.classes import Attributes
from engine.store.filters import Clause, Filters
from engine.store.permission import policies
from engine.store.records import NewStudy
from engine.workspace.agreements import agree
from engine.workspace.workspace import Workspace

PATIENCE_S = 300.0  # two shared cores; `casebind bench cluster` states how long a return takes
LIMIT_S = 120.0  # for a site that is there, however busy the machine; one that is gone says so sooner


def ray_setting(place: Path, nodes: Nodes, **more: Any) -> None:
    write_setting(place, IndexSetting("ray", ("north", "south"), address=nodes.address, **more))


def found(
    place: Workspace,
    query: np.ndarray,
    k: int,
    bits: int,
    filters: Filters | None = None,
    radius: int | None = None,
    own: Clause | None = None,
    actor: Actor | None = None,
) -> tuple[list[tuple[int, str]], tuple[str, ...]]:
    """Return (distance, study id) of the nearest films as the workspace's backend finds them, and what is missing."""
    clauses = [*policies(place.database, actor or single_user()), *(filters or Filters()).clauses()]
    while True:
        answer = place.backend.nearest(RELEASE, {"cxr": CodeQuery(query, k, bits, radius)}, clauses, own)
        hits = answer.hits["cxr"]
        names = place.snapshots.study_ids_of(hits.ordinals)
        if len(names) == hits.ordinals.size:
            break
    near = zip(hits.ordinals.tolist(), hits.distances.tolist(), strict=True)
    return [(far, names[ordinal]) for ordinal, far in near], answer.missing


def until_full(place: Workspace, query: np.ndarray, limit_s: float = PATIENCE_S) -> None:
    """Wait until no site is missing any more; fail after the limit."""
    until = time.monotonic() + limit_s
    while found(place, query, 3, 64)[1]:
        assert time.monotonic() < until, "a site is still missing"
        time.sleep(0.05)


def code(rng: np.random.Generator) -> np.ndarray:
    """Return a query near the crowd's codes, (4,) uint64."""
    return rng.integers(0, 6, 4).astype(np.uint64)


def films(rng: np.random.Generator, numbers: range, **row: object) -> list[NewStudy]:
    """Return new films with codes near those of the crowd, so that they are tied with it."""
    made = [new_study(number, "cxr", rng, **row) for number in numbers]
    return [replace(one, code=rng.integers(0, 6, 4).astype("<u8").view(np.uint8)) for one in made]


def check(
    place: Workspace,
    rng: np.random.Generator,
    filters: Filters | None = None,
    sql: str = "true",
    actor: Actor | None = None,
) -> None:
    """Compare searches of all lengths, with and without a radius, with an oracle that reads the tables."""
    rows = permitted(place, sql)
    for bits in (64, 128, 256):
        for k, radius in ((5, None), (40, 2), (len(rows) + 3, None)):
            query = code(rng)
            wanted = oracle(rows, query, k, bits, 256 if radius is None else radius)
            assert found(place, query, k, bits, filters, radius, actor=actor) == (wanted, ())


def check_classes(place: Workspace, rng: np.random.Generator) -> None:
    """Let some films be a department's: its clinicians find them, others' find everything else, from now on."""
    place.add(COHORT, RELEASE, DIGEST, films(rng, range(40, 60), extra={"department": "cardiology"}))
    for department, sql in (("cardiology", "true"), ("radiology", "s.extra->>'department' IS NULL"), ("", "true")):
        actor = Session("s", "ada", ("clinician",), (("department", department),), 60.0).actor()
        if not department:
            agree(place, COHORT.name, Attributes("oncology"), actor=single_user())
            sql = f"s.cohort <> '{COHORT.name}'"
        check(place, rng, None, sql, actor)
    check(place, rng, Filters(age_min=40), "s.cohort <> 'ward' AND s.age >= 40", actor)
    agree(place, COHORT.name, Attributes(), actor=single_user())


def every_change(place: Workspace, rng: np.random.Generator) -> None:
    """Insert, withdraw, delete, grant, replace and forget; what is found is right after every one of them."""
    check(place, rng)
    place.add(COHORT, RELEASE, DIGEST, films(rng, range(30)))
    check(place, rng)
    place.set_consents(["p1", "p2", "p3"], False, actor=single_user())
    check(place, rng)
    place.add(COHORT, RELEASE, DIGEST, films(rng, range(30, 40), patient_id="p2"))  # of a patient who has withdrawn
    check(place, rng)
    place.remove(["s0001", "s0021", "cxr-0000005", "cxr-0000006", "unknown"])
    check(place, rng)
    place.set_consent("p2", True, actor=single_user())
    check(place, rng)
    codes = np.zeros((2, 32), np.uint8)
    place.add_codes(RELEASE, DIGEST, ["s0002", "cxr-0000007"], np.zeros((2, 256), np.float32), codes, replace=True)
    check(place, rng)
    check_classes(place, rng)
    own = Clause("s.patient_id NOT IN (?)", ("p9",), "patients other than the query's own")
    query = code(rng)
    assert found(place, query, 50, 128, own=own)[0] == oracle(permitted(place, "s.patient_id <> 'p9'"), query, 50, 128)
    place.remove([study for (study,) in place.database.read("SELECT study_id FROM studies")])
    assert found(place, query, 5, 256) == ([], ())
