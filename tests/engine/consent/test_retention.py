"""Uploads end after some days unless something rests on them; the database has no byte of them afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.studies import COHORT, RELEASE, fill, new_study

from engine.actor import PURPOSES, Actor
from engine.cli import casebind
from engine.consent.retention import due_for_erasure, retain, upload_days
from engine.errors import UsageError
from engine.files import utc_now
from engine.store.classes import Attributes, agree
from engine.store.records import StoredQuery
from engine.workspace.byte_search import files_below
from engine.workspace.deletion import delete_queries
from engine.workspace.workspace import Workspace, open_workspace

ANN = Actor("ann")  # at this machine, where one person may do everything
ANNS_ACCOUNT = Actor("ann", roles=("clinician", "rater"), signed_in=True)
BOB = Actor("bob", roles=("clinician",), signed_in=True)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(tmp_path / "ws", create=True) as opened:
        fill(opened)
        yield opened


def ask(place: Workspace, query_id: str, kind: str = "ecg", days: int = 0, **facts: str) -> str:
    """Store a query of ann's, asked some days ago; return its id."""
    made = new_study(900, kind, np.random.default_rng(len(query_id)))
    asked = replace(made.study, facts=facts)
    stored = StoredQuery(query_id, "ann", asked, {}, RELEASE, made.code, made.embedding, utc_now())
    place.audit("search", actor=ANN, stored_query=stored)
    with place.database.write() as cursor:
        when = utc_now() - timedelta(days=days)
        cursor.execute("UPDATE queries SET created_at = ? WHERE query_id = ?", [when, query_id])
    return query_id


def left(place: Workspace) -> set[str]:
    return {one for (one,) in place.database.read("SELECT query_id FROM queries")}


def test_old_uploads_end_unless_something_rests_on_them(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    study = place.all_rows()[0]
    old, rated, kept, shared = (ask(place, f"q-upload-{name}", days=40) for name in ("old", "rated", "kept", "shared"))
    stays = {ask(place, "q-upload-new", days=20), ask(place, "q-typed", "text", 400)}
    stays |= {ask(place, "q-study", days=400, study_id=study.study_id, patient_id=study.patient_id)}
    place.rate(rated, study.study_id, "relevant", actor=ANN, release=RELEASE)
    with place.database.write() as cursor:
        cursor.execute("INSERT INTO collection_cases VALUES ('c', ?, 1, '', ?, now(), NULL)", [study.study_id, kept])
        cursor.execute("INSERT INTO shared_queries VALUES (?, 'ann', now(), NULL)", [shared])
    monkeypatch.setenv("CASEBIND_UPLOAD_DAYS", "never")
    assert retain(place, actor=ANN).uploads == 0
    monkeypatch.delenv("CASEBIND_UPLOAD_DAYS")
    assert retain(place, actor=ANN).uploads == 1
    assert left(place) == stays | {rated, kept, shared}
    assert [row.query_id for row in place.audit_rows(9) if row.kind == "upload deleted"] == [old]
    done = json.loads(CliRunner().invoke(casebind, ["retain", "--json", "--workspace", str(place.path)]).stdout)
    assert done == {"uploads": 0, "withdrawn": 0, "due": {}, "rewritten": True}
    assert old.encode() not in b"".join(
        one.read_bytes() for one in files_below(place.path, ["audit.db", "audit.db-wal"])
    )
    monkeypatch.setenv("CASEBIND_UPLOAD_DAYS", "15")
    assert retain(place, actor=ANN, rewrite=True).uploads == 1


def test_a_cohort_ends_with_its_agreement(place: Workspace) -> None:
    patients = {row.patient_id for row in place.all_rows()}
    today = utc_now().date()
    agree(place.database, COHORT.name, Attributes(agreement_ends=today.isoformat()), "ann")
    assert retain(place, actor=ANN).withdrawn == 0
    agree(place.database, COHORT.name, Attributes(agreement_ends=(today - timedelta(days=1)).isoformat()), "ann")
    place.set_consent(min(patients), False, actor=ANN)
    done = retain(place, actor=ANN)
    assert (done.withdrawn, done.due) == (len(patients), {COHORT.name: len(patients)})
    assert not any(place.consent(one, actor=ANN.acting_for(purpose)) for one in patients for purpose in PURPOSES)
    assert retain(place, actor=ANN).withdrawn == 0
    assert due_for_erasure(place) == {COHORT.name: sorted(patients)}


@pytest.mark.parametrize("given", ["0", "-3", "soon", ""])
def test_a_number_of_days_that_is_none_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEBIND_UPLOAD_DAYS", given)
    with pytest.raises(UsageError, match="CASEBIND_UPLOAD_DAYS"):
        upload_days()


def test_nobody_deletes_the_query_of_another_or_learns_that_it_exists(place: Workspace) -> None:
    own, foreign = ask(place, "q-of-ann"), ask(place, "q-shared-by-ann")
    with place.database.write() as cursor:
        cursor.execute("INSERT INTO shared_queries VALUES (?, 'ann', now(), NULL)", [foreign])
    said = set()
    for query_id in (own, foreign, "q-nowhere"):
        with pytest.raises(UsageError) as refused:
            delete_queries(place, [query_id], actor=BOB)
        said.add(str(refused.value))
    assert len(said) == 1
    with pytest.raises(UsageError):
        delete_queries(place, [own, "q-nowhere"], actor=ANNS_ACCOUNT)
    assert left(place) == {own, foreign}
    assert delete_queries(place, [own, foreign], actor=ANNS_ACCOUNT)["queries"] == 2
    assert left(place) == set()
