"""What comes, goes, changes or is withdrawn counts in the very next search, whoever searches meanwhile."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from helpers.many_studies import DIGEST, RELEASE, ask, crowd, oracle, permitted
from helpers.schemas import drop_made_since
from helpers.studies import COHORT, new_study

from engine.actor import Actor, single_user
from engine.backends import snapshots
from engine.errors import UsageError
from engine.index.code_columns import in_order
from engine.index.hamming import from_bits, words_of
from engine.index.lookup import bits_among
from engine.index.packed import PIECE, packed
from engine.store import codes as codes_module
from engine.store.filters import Filters
from engine.workspace.workspace import Workspace, open_workspace


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    with open_workspace(tmp_path / "ws", create=True) as workspace:
        yield workspace


def open_again(place: Workspace) -> Workspace:
    """Return the workspace as it is found after a restart."""
    folder = place.path
    place.close()
    return open_workspace(folder)


def films(rng: np.random.Generator, numbers: range, **row: object) -> list:
    """Return new films with codes near those of the crowd, so that they are tied with it."""
    made = []
    for number in numbers:
        study = new_study(number, "cxr", rng, **row)
        words = rng.integers(0, 6, 4).astype("<u8")
        made.append(replace(study, code=words.view(np.uint8)))
    return made


def code(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 6, 4).astype(np.uint64)


def check(place: Workspace, rng: np.random.Generator, filters: Filters | None = None, condition: str = "true") -> None:
    """Compare searches of all lengths, with and without a radius, with the oracle."""
    rows = permitted(place, condition)
    clauses = tuple((filters or Filters()).clauses())
    for bits in (64, 128, 256):
        for k, radius in ((5, None), (40, 2), (len(rows) + 3, None)):
            query = code(rng)
            expected = oracle(rows, query, k, bits, 256 if radius is None else radius)
            assert ask(place, query, k, bits, clauses, radius) == expected


def test_every_kind_of_change_counts_at_once(place: Workspace) -> None:
    rng = np.random.default_rng(0)
    crowd(place, rng, 400, patients=150)
    check(place, rng)
    place.add(COHORT, RELEASE, DIGEST, films(rng, range(30)))
    check(place, rng)
    place.add(COHORT, RELEASE, DIGEST, films(rng, range(30, 40), patient_id="p7"))  # of a patient who is there
    check(place, rng)
    place.set_consent("p7", False, actor=single_user())
    check(place, rng)
    place.set_consents(["p1", "p2", "p3"], False, actor=single_user())
    check(place, rng)
    place.remove(["s0001", "s0031", "cxr-0000005", "cxr-0000006", "unknown"])
    check(place, rng)
    place.set_consent("p7", True, actor=single_user())
    check(place, rng)
    ids = ["s0002", "cxr-0000007"]
    codes = np.zeros((2, 32), np.uint8)
    place.add_codes(RELEASE, DIGEST, ids, np.zeros((2, 256), np.float32), codes, replace=True)
    check(place, rng)
    assert {name for _, name in ask(place, np.zeros(4, np.uint64), 2, 256)} <= {
        name for _, name in oracle(permitted(place), np.zeros(4, np.uint64), 400, 256, 0)
    }
    place.remove([study for (study,) in place.database.read("SELECT study_id FROM studies")])
    assert ask(place, code(rng), 5, 256) == []


def test_codes_are_loaded_piece_by_piece_past_gaps_and_other_modalities(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes_module, "PIECE", 64)
    rng = np.random.default_rng(3)
    crowd(place, rng, 300, patients=90)
    place.add(COHORT, RELEASE, DIGEST, [new_study(number, "ecg", rng) for number in range(100, 230)])
    place.add(COHORT, RELEASE, DIGEST, films(rng, range(70)))
    place.remove([f"cxr-{number:07}" for number in range(64, 200)])  # whole pieces hold nothing
    place.set_consents(["p1", "p2"], False, actor=single_user())
    check(place, rng)
    with open_again(place) as again:
        check(again, rng)


@pytest.mark.parametrize("wanted", [[], [0], [3, 64, 999, 5000], [10**9, 7]])
def test_bits_of_the_numbers_that_are_wanted(wanted: list[int]) -> None:
    for n in (0, 1, 64, 65, 2 * PIECE + 3):
        values = (np.arange(n) * 7 % 1001).astype(np.uint32)
        found = from_bits(bits_among(values, np.array(wanted, np.int64)), n)
        assert np.array_equal(found, np.isin(values, wanted))
        same = from_bits(bits_among(packed([values], n), np.array(wanted, np.int64)), n)
        assert np.array_equal(same, found)


def test_filters_are_one_mask(place: Workspace) -> None:
    rng = np.random.default_rng(1)
    crowd(place, rng, 500)
    place.add(COHORT, RELEASE, DIGEST, films(rng, range(20), age=50.0, sex="F"))
    place.set_consents(["p3", "p4"], False, actor=single_user())
    place.set_consent("p5", False, actor=single_user(), scope="training")
    both = Filters(age_min=40, age_max=60, sex="F")
    check(place, rng, both, "s.age BETWEEN 40 AND 60 AND s.sex = 'F'")
    place.remove(["s0003"])
    check(place, rng, both, "s.age BETWEEN 40 AND 60 AND s.sex = 'F'")
    check(place, rng, Filters(quality_min=0.5), "s.quality_score >= 0.5")
    check(place, rng, Filters(acquired_from="2019"), "s.acquired_at >= '2019'")
    check(place, rng, Filters(acquired_from="2020-02"), "s.acquired_at >= '2020-02'")
    check(place, rng, Filters(acquired_from="2019", acquired_to="2020"), "s.acquired_at = '2020-01-01'")
    check(place, rng, Filters(consent="training"), "s.patient_id <> 'p5'")
    check(place, rng, Filters(cohorts=("nowhere",)), "false")
    said = Filters(acquired_from="2019", acquired_to="2020-06", quality_min=0.5, consent="training").sentence
    assert said == ("Only acquired from 2019 to 2020-06, of quality 0.5 or better, patients who let the model learn.")


def test_a_hundred_random_changes_with_compactions_in_between(place: Workspace, monkeypatch) -> None:
    monkeypatch.setattr(snapshots, "COMPACT_FROM", 25)  # so that a base is renewed every few changes
    rng, choice = np.random.default_rng(2), random.Random(2)
    crowd(place, rng, 120, patients=60)
    place.snapshots.background.delay_s = 0.0
    for turn in range(100):
        present = [study_id for study_id, _, _ in permitted(place)]
        kind = choice.choice(("add", "remove", "withdraw", "grant", "settle"))
        if kind == "add":
            place.add(COHORT, RELEASE, DIGEST, films(rng, range(10 * turn, 10 * turn + choice.randint(1, 9))))
        elif kind == "remove":
            place.remove(choice.sample(present, min(5, len(present))))
        elif kind == "settle":
            place.snapshots.background.drain()
        else:
            known = [one for (one,) in place.database.read("SELECT patient_id FROM patients")]
            place.set_consents(choice.sample(known, 3), kind == "grant", actor=single_user())
        query = code(rng)
        assert ask(place, query, 7, 128) == oracle(permitted(place), query, 7, 128)
    assert place.snapshots.latest(RELEASE, ("cxr",))["cxr"].base.n != 120


def test_a_base_is_renewed_behind_a_change(place: Workspace) -> None:
    rng = np.random.default_rng(3)
    crowd(place, rng, 100)
    place.snapshots.latest(RELEASE, ("cxr",))
    place.add(COHORT, RELEASE, DIGEST, films(rng, range(30)))
    before = place.snapshots.latest(RELEASE, ("cxr",))["cxr"]
    place.snapshots.compact((RELEASE, "cxr"))
    after = place.snapshots.latest(RELEASE, ("cxr",))["cxr"]
    assert (before.base.n, before.delta.ids.size) == (100, 30)
    assert (after.base.n, after.delta.ids.size, after.n) == (130, 0, before.n)
    check(place, rng)


def test_a_deletion_that_fails_brings_the_studies_back(place: Workspace) -> None:
    rng = np.random.default_rng(4)
    crowd(place, rng, 60)
    query = code(rng)
    expected = ask(place, query, 60, 256)
    meanwhile: list = []

    def fail() -> None:
        with place.database.exclusive(), place.snapshots.removing([expected[0][1]]):
            meanwhile.extend(ask(place, query, 60, 256))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert meanwhile == expected[1:]
    assert ask(place, query, 60, 256) == expected


def test_unknown_patients_and_scopes_withdraw_nothing(place: Workspace) -> None:
    crowd(place, np.random.default_rng(5), 10)
    patient = permitted(place)[0][1]
    with pytest.raises(UsageError, match="no patient nobody"):
        place.set_consents([patient, "nobody"], False, actor=single_user())
    with pytest.raises(UsageError, match="scope"):
        place.set_consents([patient], False, actor=single_user(), scope="sale")
    assert len(permitted(place)) == 10
    place.set_consents([patient], False, actor=Actor("ann"))
    row = place.audit_rows(1)[0]
    assert (row.kind, row.patients, row.about) == ("consent withdrawn", (patient,), {"scope": "retrieval"})


def test_sixteen_threads_search_while_one_writes(place: Workspace, monkeypatch) -> None:
    monkeypatch.setattr(snapshots, "COMPACT_FROM", 40)
    rng = np.random.default_rng(6)
    crowd(place, rng, 300, patients=200)
    place.snapshots.background.delay_s = 0.0
    query = code(rng)
    states = [oracle(permitted(place), query, 12, 256)]  # what a serial search finds after every change
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            first = max(0, len(states) - 2)  # the change to the last state may still be under way
            found = ask(place, query, 12, 256)
            if found not in states[first:]:
                wrong.append((first, len(states), found))

    threads = [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for turn in range(12):
        batch = films(rng, range(10 * turn, 10 * turn + 8))
        nearest = [name for _, name in states[-1][:3]]
        # The oracle of the next state is known before the change is made, so that no reader can be ahead of it.
        rows = permitted(place)
        if turn % 3 == 0:
            rows = [row for row in rows if row[0] not in nearest]
            states.append(oracle(rows, query, 12, 256))
            place.remove(nearest)
        elif turn % 3 == 1:
            rows += [(one.row.study_id, one.row.patient_id, words_of(one.code[None])[0].tolist()) for one in batch]
            states.append(oracle(rows, query, 12, 256))
            place.add(COHORT, RELEASE, DIGEST, batch)
        else:
            gone = {patient for name, patient, _ in rows if name in nearest}
            states.append(oracle([row for row in rows if row[1] not in gone], query, 12, 256))
            place.set_consents(sorted(gone), False, actor=single_user())
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert ask(place, query, 12, 256) == states[-1]


def test_an_old_workspace_learns_what_the_search_needs(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as place:
        crowd(place, np.random.default_rng(7), 80, patients=30)
        expected = ask(place, np.zeros(4, np.uint64), 80, 256)
    file = duckdb.connect(str(tmp_path / "casebind.duckdb"))
    file.execute("ALTER TABLE codes DROP COLUMN ordinal")
    file.execute("ALTER TABLE codes DROP COLUMN patient")
    file.execute("ALTER TABLE patients DROP COLUMN number")
    file.execute("DROP SEQUENCE patient_number")
    drop_made_since(file, 3)
    file.execute("DELETE FROM schema_version WHERE version >= 2")
    file.close()
    with open_workspace(tmp_path) as place:
        assert ask(place, np.zeros(4, np.uint64), 80, 256) == expected


def test_columns_follow_the_order_of_the_ids() -> None:
    words = np.arange(8, dtype=np.uint64).reshape(4, 2)[:, [0, 1, 0]].copy()
    ordinals, patients = (packed([np.array(numbers)], 3) for numbers in ([9, 4, 7], [1, 2, 3]))
    columns = in_order(words, ordinals, patients, np.array([7, 9, 4]))
    assert np.asarray(columns.ordinals).tolist() == [7, 9, 4]
    assert np.asarray(columns.patients).tolist() == [3, 1, 2]
    assert columns.words[0].tolist() == [0, 0, 1]
