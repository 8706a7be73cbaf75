"""A workspace keeps what it was given, through closing, threads and other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from helpers.shipped import SHIPPED
from helpers.studies import COHORT, DIGEST, RELEASE, fill, new_study

from engine.actor import Actor, single_user
from engine.errors import NotPermittedError, WorkspaceError
from engine.settings import ROOT
from engine.store import queries
from engine.store.database import migrations
from engine.store.filters import Filters
from engine.store.records import StoredQuery
from engine.strings import speaking
from engine.study import Film, IdentityRow, Study, Trace
from engine.workspace.study_files import check_files
from engine.workspace.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    with open_workspace(tmp_path / "ws", create=True) as place:
        yield place


def test_content_comes_back_exactly(workspace: Workspace) -> None:
    for one in fill(workspace):
        back = workspace.study(one.row.study_id, actor=single_user())
        kept, given = back.content, one.study.content
        assert back.modality == one.study.modality
        if isinstance(given, Film):
            assert kept.pixels.dtype == given.pixels.dtype
            assert np.array_equal(kept.pixels, given.pixels)
            assert (kept.bits, kept.spacing_mm) == (12, (0.14, 0.15))
        elif isinstance(given, Trace):
            assert np.array_equal(kept.samples, given.samples)
            assert (kept.leads, kept.fs, kept.units) == (given.leads, given.fs, given.units)
        else:
            assert kept == given


def test_trace_with_gaps_and_eight_bit_film_come_back(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    trace, film = new_study(1, "ecg", rng), new_study(2, "cxr", rng)
    samples = rng.normal(size=(12, 100)).astype(np.float32)
    samples[3, 10:20] = np.nan
    trace = replace(trace, study=replace(trace.study, content=replace(trace.study.content, samples=samples)))
    pixels = rng.integers(0, 256, (30, 50)).astype(np.uint8)
    film = replace(film, study=replace(film.study, content=Film(pixels, 8)))
    workspace.add(COHORT, RELEASE, DIGEST, [trace, film])

    assert np.array_equal(workspace.study("s0001", actor=single_user()).content.samples, samples, equal_nan=True)
    assert np.array_equal(workspace.study("s0002", actor=single_user()).content.pixels, pixels)
    assert workspace.study("s0002", actor=single_user()).content.pixels.dtype == np.uint8


def test_codes_are_in_step_with_the_table(workspace: Workspace) -> None:
    batch = fill(workspace)
    films = [one for one in batch if one.row.modality == "cxr"]
    array = workspace.codes(RELEASE, "cxr")
    assert array.ids.tolist() == [one.row.study_id for one in films]
    assert np.array_equal(array.words.T.copy().view(np.uint8), np.stack([one.code for one in films]))
    vectors = workspace.embeddings(RELEASE, [one.row.study_id for one in reversed(films)])
    assert np.array_equal(vectors, np.stack([one.embedding for one in reversed(films)]))

    workspace.remove([films[0].row.study_id])

    assert workspace.codes(RELEASE, "cxr").ids.tolist() == [one.row.study_id for one in films[1:]]
    assert workspace.all_counts()["cxr"] == len(films) - 1
    files = [path for path in workspace.studies_folder.rglob("*") if path.is_file()]
    assert len(files) == len(batch) - 1


def test_everything_survives_closing(tmp_path: Path) -> None:
    with open_workspace(tmp_path, create=True) as first:
        fill(first, encounter_id="e", patient_id="p", labels=("Effusion", "Edema"), age=0.0, extra={"ward": "7"})
        key = first.key
        first.set_consent("p", False, actor=single_user())
    with open_workspace(tmp_path) as second:
        (row,) = second.all_rows(["s0003"])
        assert (row.labels, row.age, row.extra, row.patient_id) == (("Effusion", "Edema"), 0.0, {"ward": "7"}, "p")
        assert not second.consent("p", actor=single_user())
        assert second.key == key
        assert second.siblings("e", actor=single_user()) == second.labels(actor=single_user()) == []
        with pytest.raises(NotPermittedError, match="withdrawn"):
            second.row("s0003", actor=single_user())
        second.set_consent("p", True, actor=single_user())
        assert len(second.siblings("e", actor=single_user())) == 12
        assert second.labels(actor=single_user()) == ["Edema", "Effusion"]


def test_a_batch_is_stored_whole_or_not_at_all(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    batch = [new_study(number, "ecg", rng) for number in (1, 2, 1)]
    with pytest.raises(duckdb.ConstraintException):
        workspace.add(COHORT, RELEASE, DIGEST, batch)
    assert workspace.all_counts() == {}
    assert workspace.codes(RELEASE, "ecg").ids.size == 0
    assert workspace.clean() == 2  # the files that were written before the rows were refused
    fill(workspace)
    assert sum(workspace.all_counts().values()) == 12


def test_one_workspace_per_process_and_folder(tmp_path: Path) -> None:
    first = open_workspace(tmp_path, create=True)
    second = open_workspace(tmp_path)
    assert first is second
    first.close()
    assert second.all_counts() == {}
    second.close()
    with pytest.raises(WorkspaceError, match="closed"):
        second.all_counts()


def test_second_process_gets_one_sentence(workspace: Workspace) -> None:
    script = (
        "import sys; from engine.workspace.workspace import open_workspace; from engine.errors import WorkspaceError\n"
        "try: open_workspace(sys.argv[1])\nexcept WorkspaceError as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(workspace.path)], capture_output=True, text=True, timeout=240, check=True
    ).stdout.strip()
    assert "in use by another process" in said
    assert "--workspace" in said
    assert "\n" not in said


def test_missing_damaged_and_newer_workspaces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no workspace"):
        open_workspace(tmp_path / "nowhere")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "casebind.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(WorkspaceError, match=r"damaged|cannot be opened"):
        open_workspace(tmp_path / "bad")
    with open_workspace(tmp_path / "new", create=True):
        pass
    file = duckdb.connect(str(tmp_path / "new" / "casebind.duckdb"))
    file.execute("INSERT INTO schema_version VALUES (99, now()::TIMESTAMP)")
    file.close()
    with pytest.raises(WorkspaceError, match="update Casebind"):
        open_workspace(tmp_path / "new")


@pytest.mark.parametrize("cut", [100, 20_000, 300_000, -262_144, -1])
def test_a_file_that_was_cut_off_is_one_sentence(tmp_path: Path, cut: int) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        fill(place)
    file = tmp_path / "ws" / "casebind.duckdb"
    os.truncate(file, cut if cut > 0 else file.stat().st_size + cut)
    with pytest.raises(WorkspaceError, match=r"cannot be opened.*restore it from a copy"):
        open_workspace(tmp_path / "ws")


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + bytes(4080), bytes(8192)])
def test_a_file_of_another_kind_is_named_so_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "casebind.duckdb"
    file.write_bytes(content)
    with pytest.raises(WorkspaceError, match="not a DuckDB file:"):
        Workspace(tmp_path, create=False)
    assert file.read_bytes() == content


@pytest.mark.parametrize("statement", ["CREATE TABLE sales (a INTEGER)", "CREATE TABLE schema_version (id TEXT)"])
def test_a_database_of_another_program_gets_no_tables_of_ours(tmp_path: Path, statement: str) -> None:
    file = tmp_path / "casebind.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(statement)
        connection.execute("CREATE TABLE patients (a INTEGER)")
    with pytest.raises(WorkspaceError, match="not the tables of a workspace"):
        Workspace(tmp_path, create=False)
    with duckdb.connect(str(file)) as connection:
        assert len(connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()) == 2


def test_files_of_studies_that_are_gone_damaged_or_others_are_named(workspace: Workspace) -> None:
    fill(workspace)
    assert check_files(workspace).whole
    files = {row.study_id: workspace.studies_folder / row.file for row in workspace.all_rows()}
    files["s0000"].unlink()
    os.truncate(files["s0001"], 40)
    files["s0003"].write_text("another report", encoding="utf-8")
    found = check_files(workspace)
    assert (found.missing, found.damaged, found.changed) == (("s0000",), ("s0001",), ("s0003",))
    assert found.sentence.startswith("of 12 files 1 missing (s0000) and 1 damaged (s0001) and 1 of other content")


def test_a_workspace_without_schema_is_migrated(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "casebind.duckdb")).close()
    with open_workspace(tmp_path) as place:
        found = place.database.read("SELECT max(version) FROM schema_version")
        assert found == [(migrations()[-1][0],)]
        assert place.all_counts() == {}


def test_denied_follows_consent_and_filters(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    batch = [
        new_study(1, "cxr", rng, age=30.0, sex="F", view="PA", labels=("Edema",)),
        new_study(2, "cxr", rng, age=60.0, sex="M", view="AP", labels=("Effusion", "Edema")),
        new_study(3, "ecg", rng, sex="F", labels=("NORM",), synthetic=True),
    ]
    workspace.add(COHORT, RELEASE, DIGEST, batch)

    def left(filters: Filters) -> list[str]:
        denied = workspace.denied(filters.clauses(), actor=single_user())
        found = []
        for modality in ("cxr", "ecg"):
            array = workspace.codes(RELEASE, modality)
            found += array.ids[array.mask(denied)].tolist()
        return found

    assert left(Filters()) == ["s0001", "s0002", "s0003"]
    assert left(Filters(age_min=40)) == ["s0002"]  # no age is not "40 or more"
    assert left(Filters(age_min=20, age_max=40)) == ["s0001"]
    assert left(Filters(sex="F")) == ["s0001", "s0003"]
    assert left(Filters(view="PA")) == ["s0001", "s0003"]
    assert left(Filters(labels=("Edema",), synthetic=False)) == ["s0001", "s0002"]
    assert left(Filters(synthetic=True)) == ["s0003"]
    assert left(Filters(cohorts=("elsewhere",))) == []
    assert left(Filters(without_patients=("p2",))) == ["s0001", "s0003"]
    workspace.set_consent("p1", False, actor=single_user())
    assert left(Filters()) == ["s0002", "s0003"]
    workspace.set_consent("p1", True, actor=single_user())
    workspace.set_consent("p2", False, actor=single_user(), scope="training")
    assert left(Filters()) == ["s0001", "s0002", "s0003"]


def test_filters_say_what_they_do() -> None:
    assert Filters().sentence == ""
    said = Filters(sex="F", age_min=40, labels=("Edema", "Effusion")).sentence
    assert said == "Only aged 40 or more, women, labelled as Edema or Effusion."


def test_filters_speak_the_language_of_the_reader_and_english_in_the_record() -> None:
    filters = Filters(sex="F", age_min=40, labels=("Cardiomegaly", "my own label"))
    with speaking("de"):
        assert filters.sentence == "Nur ab 40 Jahren, Frauen, mit Label Kardiomegalie oder my own label."
        assert filters.recorded == "Only aged 40 or more, women, labelled as Cardiomegaly or my own label."


def test_queries_come_back_as_they_were(workspace: Workspace) -> None:
    study = Study(
        "ecg",
        Trace(np.ones((1, 2000), np.float32), ("II",), 100.0, "sd"),
        "CSV, lead II, 100 Hz, 20 s",
        identity=(IdentityRow("file name", "removed", "names"),),
        identity_note="open point",
        facts={"age": 50.0},
        patient_key="k",
        window_s=(5.0, 15.0),
        fingerprint="f",
    )
    verdict = {"accepted": True, "score": np.float32(0.5), "reasons": ("a",), "measures": ({"value": float("nan")},)}
    vector = np.linspace(-1, 1, 256).astype(np.float32)
    stored = StoredQuery("q-1", "ann", study, verdict, "r1", np.arange(32, dtype=np.uint8), vector)
    workspace.audit("search", actor=Actor("ann"), stored_query=stored, query_id="q-1")

    back = workspace.query("q-1", actor=single_user())

    assert back.study.identity == study.identity
    assert (back.study.identity_note, back.study.facts) == ("open point", {"age": 50.0})
    assert back.study.window_s == (5.0, 15.0)
    assert np.array_equal(back.study.content.samples, study.content.samples)
    assert back.verdict["measures"] == [{"value": None}]
    assert np.array_equal(back.embedding, vector)
    assert np.array_equal(back.code, np.arange(32))
    assert workspace.query("q-2", actor=single_user()) is None
    assert workspace.query("q-1", actor=Actor("ann", roles=("clinician",))) is not None
    bert = Actor("bert", roles=("administrator", "rater"), signed_in=True)
    assert workspace.query("q-1", actor=bert) is None, "somebody else's query is as one that is not there"
    queries.share(workspace.database, "q-1", "ann")
    assert workspace.query("q-1", actor=bert) is not None
    queries.end_sharing(workspace.database, "q-1", "ann")
    assert workspace.query("q-1", actor=bert) is None


def test_audit_is_kept_in_order(workspace: Workspace) -> None:
    first = workspace.audit(
        "search", actor=Actor("ann"), query_id="q", code="ff", returned=("s1", "s2"), release="r1", filters=""
    )
    second = workspace.audit("refused", actor=Actor("bob"), refused="too flat")
    rows = workspace.audit_rows()
    assert [row.audit_id for row in rows] == [second, first]
    assert rows[1].returned == ("s1", "s2")
    assert (rows[0].who, rows[0].refused, rows[0].returned) == ("bob", "too flat", ())


def test_codes_of_other_weights_under_the_same_name_are_refused(workspace: Workspace) -> None:
    fill(workspace)
    with pytest.raises(WorkspaceError, match="reindex"):
        workspace.add(COHORT, RELEASE, "other", [new_study(99, "ecg", np.random.default_rng(0))])
    assert workspace.without_codes(RELEASE) == []
    assert len(workspace.without_codes("later")) == 12


FULL = """
import resource, sys
from engine.actor import Actor
from engine.errors import WorkspaceError
from engine.workspace.workspace import open_workspace
with open_workspace(sys.argv[1]) as place:
    ids = sorted(row.study_id for row in place.all_rows())
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))  # of the log of commits
    done = 0
    try:
        for study_id in ids[1:]:
            place.rate(ids[0], study_id, "relevant", actor=Actor("Ada"), release="r2")
            done += 1
    except WorkspaceError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    print(done, len(ids) - 1, len(place.all_ratings()))
"""


def test_a_full_disk_is_one_sentence_and_what_was_acknowledged_stays(workspace_folder: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(workspace_folder)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "could not be written" in said[0] and "check the free space of its disk" in said[0]
    done, asked, there = map(int, said[1].split())
    assert 0 < done < asked and there == done
    with open_workspace(workspace_folder) as place:
        assert len(place.all_ratings()) == done
        place.rate("syn-0003-e1-ecg", "syn-0004-e1-ecg", "relevant", actor=Actor("Bo"), release=SHIPPED)
        assert len(place.all_ratings()) == done + 1
