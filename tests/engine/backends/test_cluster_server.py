"""The search on real PostgreSQL servers with pgvector equals the local one, and outlives sessions and restarts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from helpers.many_studies import DIGEST, RELEASE, crowd, oracle, permitted
from helpers.sites import LIMIT_S, check, code, every_change, films, found, until_full
from helpers.studies import COHORT

from engine.actor import single_user
from engine.backends.setting import IndexSetting, write_setting
from engine.bench.cluster.nodes import Postgres
from engine.store.filters import Filters
from engine.workspace.workspace import Workspace, open_workspace


@pytest.fixture
def folder(servers: Postgres, tmp_path: Path) -> Path:
    """A workspace of 500 films in three shards on two servers."""
    with open_workspace(tmp_path / "ws", create=True) as place:
        crowd(place, np.random.default_rng(0), 500, patients=200)
    write_setting(
        tmp_path / "ws",
        IndexSetting("pgvector", ("north", "south"), servers=servers.servers, shards=3, limit_s=LIMIT_S),
    )
    return tmp_path / "ws"


@pytest.fixture
def place(folder: Path) -> Iterator[Workspace]:
    with open_workspace(folder) as workspace:
        yield workspace


def loads(place: Workspace) -> int:
    """Return how many times tables of this workspace's servers were filled since they were started, by their oids."""
    total = 0
    for address in place.backend.setting.servers:
        with psycopg.connect(address) as connection:
            sql = "SELECT coalesce(sum(oid::bigint), 0) FROM pg_class WHERE relname ~ '^casebind_[0-9a-f]{24}$'"
            total += int(connection.execute(sql).fetchone()[0])
    return total


def test_every_kind_of_change_counts_at_once_on_servers(place: Workspace) -> None:
    every_change(place, np.random.default_rng(1))


def test_masks_of_every_form_hold_on_servers(place: Workspace) -> None:
    rng = np.random.default_rng(2)
    check(place, rng, Filters(age_min=40, age_max=60, sex="F"), "s.age BETWEEN 40 AND 60 AND s.sex = 'F'")  # a bitmap
    check(place, rng, Filters(age_min=30, age_max=30), "s.age = 30")
    check(place, rng, Filters(cohorts=("nowhere",)), "false")
    patients = sorted({patient for _, patient, _ in permitted(place)})
    place.set_consents(patients[:2], False, actor=single_user())  # a list
    check(place, rng)
    place.set_consents(patients[2:150], False, actor=single_user())  # a bitmap of those who are kept out
    check(place, rng)


def test_a_table_left_in_step_is_used_again_and_another_is_loaded_anew(folder: Path) -> None:
    rng = np.random.default_rng(3)
    with open_workspace(folder) as place:
        check(place, rng)
        place.add(COHORT, RELEASE, DIGEST, films(rng, range(10)))
        check(place, rng)
        filled = loads(place)
    with open_workspace(folder) as place:
        check(place, rng)
        assert loads(place) == filled
    setting = folder / "settings.json"
    aside = setting.rename(folder / "aside")
    with open_workspace(folder) as place:  # a session that the servers never hear of
        place.remove([permitted(place)[0][0]])
    aside.rename(setting)
    with open_workspace(folder) as place:
        check(place, rng)
        assert loads(place) != filled


def test_a_server_that_stops_is_named_and_used_again(place: Workspace, servers: Postgres) -> None:
    rng = np.random.default_rng(4)
    query = code(rng)
    check(place, rng)
    servers.kill("south")
    near, missing = found(place, query, 500, 256)
    assert missing == ("south",)
    there = place.database.read("SELECT study_id FROM codes WHERE ordinal % 3 <> 1")
    assert near == oracle([row for row in permitted(place) if (row[0],) in there], query, 500, 256)
    place.remove([permitted(place)[3][0]])
    place.set_consent(permitted(place)[5][1], False, actor=single_user())
    servers.start("south")
    until_full(place, query)
    check(place, rng)


def test_the_approximate_index_is_told_apart_and_finds_what_is_near(servers: Postgres, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    with open_workspace(tmp_path, create=True) as place:
        crowd(place, rng, 1500, values=2**16)
    write_setting(
        tmp_path,
        IndexSetting("pgvector", ("north", "south"), servers=servers.servers, limit_s=LIMIT_S, approximate=True),
    )
    with open_workspace(tmp_path) as place:
        query, few = rng.integers(0, 2**16, 4).astype(np.uint64), Filters(age_min=30, age_max=31)
        exact = oracle(permitted(place, "s.age BETWEEN 30 AND 31"), query, 10, 128)
        near, missing = found(place, query, 10, 128, few)
    assert missing == ()
    assert len(near) == 10  # the iterative scan goes on until the filter has left enough
    assert len(set(near) & set(exact)) >= 5
