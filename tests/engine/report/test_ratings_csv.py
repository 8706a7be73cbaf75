"""Ratings travel between sites: nothing lost, nothing doubled, nothing of those who withdrew, nothing that runs."""

from __future__ import annotations

import csv
import io
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.workspaces import build_workspace

from engine.actor import Actor, single_user
from engine.cli import run
from engine.errors import UsageError
from engine.plain_text import unescape_cell
from engine.report.ratings_csv import decode_embedding, encode_embedding, export_ratings, site
from engine.report.ratings_import import Imported, import_ratings
from engine.report.table_csv import dictionary
from engine.store import guidelines, imported_ratings
from engine.store.rated_studies import load_sides
from engine.store.records import Rating
from engine.workspace.workspace import Workspace, open_workspace

MOMENT = ("export_audit_id", "exported_at_utc")
HOSTILE = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1", "''=1", "'tis", 'a "quote", a; comma', "größer 心電図")


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def lasting(data: bytes) -> list[dict[str, str]]:
    """The rows without what tells one export from another."""
    return [{name: cell for name, cell in row.items() if name not in MOMENT} for row in rows(data)]


def written(table: list[dict[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue().encode()


def rate(place: Workspace, n: int = 6, who: str = "ann", comments: tuple[str, ...] = ("",)) -> list[Rating]:
    """Ratings of ECGs as neighbours of the first film, with everything that a rating can hold."""
    ids = {kind: [row.study_id for row in place.all_rows() if row.modality == kind] for kind in ("cxr", "ecg")}
    release = place.releases.serving()[0]
    marks = ("relevant", "partly", "irrelevant", "skip")
    return [
        place.rate(
            ids["cxr"][0],
            study_id,
            marks[n % 4],
            actor=Actor(who),
            release=release,
            bits=64,
            operating_point="broad",
            why=("side", "other"),
            comment=comments[n % len(comments)],
            finding="pleural_effusion",
            strategy="bits",
            random_share=n % 2 == 0,
        )
        for n, study_id in enumerate(ids["ecg"][:n])
    ]


@pytest.fixture
def copy(workspace_folder: Path, tmp_path: Path):
    """The same site from a copy made before anyone rated."""
    with open_workspace(shutil.copytree(workspace_folder, tmp_path / "copy")) as place:
        yield place


@pytest.fixture(scope="session")
def elsewhere_folder(tmp_path_factory: pytest.TempPathFactory, release) -> Path:
    """A closed workspace of another site: other patients, the same release."""
    folder = tmp_path_factory.mktemp("elsewhere")
    return build_workspace(folder / "ws", folder / "files", release, range(101, 106), 2)


@pytest.fixture
def elsewhere(elsewhere_folder: Path, tmp_path: Path):
    with open_workspace(shutil.copytree(elsewhere_folder, tmp_path / "elsewhere")) as place:
        yield place


def test_export_import_and_export_give_the_same_rows(copy, workspace):
    rate(workspace, 9, comments=HOSTILE)
    guidelines.write(workspace.database, "Same finding, same side.", "ann", edited=0)
    rate(workspace, 3, "bob")
    first = export_ratings(workspace, embeddings=True, bom=True, actor=single_user())
    assert first.n == 12 and first.data.startswith("\ufeff".encode())
    assert import_ratings(copy, first.data, actor=single_user()) == Imported(added=12)
    assert lasting(export_ratings(copy, embeddings=True, actor=single_user()).data) == lasting(first.data)
    assert [one.comment for one in copy.all_ratings(skips=True)[:9]] == list(HOSTILE)
    assert [one.guideline for one in copy.all_ratings(skips=True)] == [0] * 9 + [1] * 3
    assert {one.source for one in copy.all_ratings(skips=True)} == {""}  # it is the same site
    assert import_ratings(copy, first.data, actor=single_user()) == Imported(present=12)
    assert len(copy.all_ratings(skips=True)) == 12


def test_no_cell_of_the_file_would_run_in_a_sheet(workspace):
    rate(workspace, 9, comments=HOSTILE)
    for row in rows(export_ratings(workspace, actor=single_user()).data):
        assert not [cell for cell in row.values() if cell.lstrip(" ").startswith(("=", "+", "-", "@"))]
    for words in HOSTILE:
        assert unescape_cell(words if words[0] not in "=+-@" else f"'{words}") in (words, words[1:])


def test_the_file_holds_what_the_dictionary_names_and_embeddings_only_when_asked(workspace):
    rate(workspace, 2)
    (first, _), (with_them, _) = (
        rows(export_ratings(workspace, embeddings=on, actor=single_user()).data) for on in (False, True)
    )
    assert list(first) == list(dictionary()["pooled"])
    assert (first["query_embedding"], first["embedding"]) == ("", "")
    pair = load_sides(workspace.database, Actor("ann"), [first["query_id"], first["study_id"]])
    query, study = pair[first["query_id"]], pair[first["study_id"]]
    assert abs(decode_embedding(with_them["embedding"]) - study.embedding).max() < 1e-3
    assert with_them["query_embedding"] == encode_embedding(query.embedding)
    assert first["encoder"] == study.encoder != "" and first["labels"] == ";".join(study.labels)
    assert int(first["hamming_bits"]) == sum((int(a) ^ int(b)).bit_count() for a, b in zip(query.words, study.words))  # noqa: B905
    assert (first["mark"], first["why"], first["random_share"], first["operating_point"]) == (
        "relevant",
        "side;other",
        "true",
        "broad",
    )
    assert first["site"] == site(workspace) and first["synthetic"] == "true"


@pytest.mark.parametrize("scope", ["retrieval", "training"])
def test_whoever_withdrew_is_left_out_and_counted(workspace, copy, scope):
    given = rate(workspace, 4)
    before = export_ratings(workspace, actor=single_user()).data
    asking = workspace.row(given[0].query_id, actor=single_user()).patient_id  # without whom nothing is left
    patients = [workspace.row(one.study_id, actor=single_user()).patient_id for one in given]
    patient = next(one for one in patients if one != asking)
    theirs = {row.study_id for row in workspace.all_rows() if row.patient_id == patient}
    out = sum(one.study_id in theirs for one in given)
    workspace.set_consent(patient, False, actor=single_user(), scope=scope)
    made = export_ratings(workspace, actor=single_user())
    assert (made.n, made.left_out) == (4 - out, out) and out >= 1
    assert not theirs & {row["study_id"] for row in rows(made.data)}
    copy.set_consent(patient, False, actor=single_user(), scope=scope)
    assert import_ratings(copy, before, actor=single_user()) == Imported(added=4 - out, withdrawn=out)


def test_ratings_of_deleted_studies_are_left_out(workspace):
    given = rate(workspace, 3)
    workspace.remove([given[0].study_id])
    made = export_ratings(workspace, actor=single_user())
    assert (made.n, made.left_out, made.gone) == (2, 0, 1)


def test_pairs_of_another_site_are_kept_with_their_embeddings_or_refused(workspace, elsewhere, release):
    given = rate(workspace, 5)
    with_them, without = (export_ratings(workspace, embeddings=on, actor=single_user()).data for on in (True, False))
    assert import_ratings(elsewhere, without, actor=single_user()) == Imported(bare=5)
    table = rows(with_them)
    for row in table[:2]:
        row["encoder"] = "0" * 64
    assert import_ratings(elsewhere, written(table), site_name="Site B", actor=single_user()) == Imported(
        pooled=3, foreign=2
    )
    assert import_ratings(elsewhere, with_them, actor=single_user()) == Imported(pooled=2, present=3)
    kept = imported_ratings.imported_ratings(elsewhere.database, release.encoders)
    assert len(kept) == 5 and imported_ratings.imported_ratings(elsewhere.database, {}) == []
    assert {one.source for one in kept} == {"Site B", site(workspace)}
    by_uid = {one.uid: one for one in kept}
    first = by_uid[given[0].uid]
    pair = load_sides(workspace.database, Actor("ann"), given[0].pair)
    assert abs(first.vector - pair[given[0].study_id].embedding).max() < 1e-3
    assert abs(first.query_vector - pair[given[0].query_id].embedding).max() < 1e-3
    assert (first.mark, first.who, first.labels) == ("relevant", "ann", pair[given[0].study_id].labels)
    assert elsewhere.all_ratings(skips=True) == []


def test_the_same_people_of_another_site_stand_beside_ours(copy, workspace):
    rate(workspace, 3)
    table = rows(export_ratings(workspace, actor=single_user()).data)
    for row in table:
        row["site"] = "site-0123456789ab"  # a workspace with the same public studies
    copy.rate(table[0]["query_id"], table[0]["study_id"], "irrelevant", actor=Actor("ann"), release="r1")
    assert import_ratings(copy, written(table), site_name="North", actor=single_user()) == Imported(added=3)
    assert [(one.rater, one.mark) for one in copy.all_ratings()] == [
        ("ann", "irrelevant"),
        ("ann (North)", "relevant"),
        ("ann (North)", "partly"),
        ("ann (North)", "irrelevant"),
    ]
    assert [one.mark for one in copy.ratings(actor=Actor("ann"))] == ["irrelevant"]
    copy.undo(table[0]["query_id"], table[0]["study_id"], actor=Actor("ann"))
    assert {one.source for one in copy.all_ratings()} == {"North"}


def test_an_older_file_that_comes_later_does_not_replace_a_newer_one(copy, workspace):
    first, *_ = rate(workspace, 1)
    older = rows(export_ratings(workspace, actor=single_user()).data)
    newer = [{**older[0], "uid": "f" * 32, "mark": "irrelevant", "rated_at_utc": "2099-01-01T00:00:00Z"}]
    for table in (newer, older):
        for row in table:
            row["site"] = "North"
        assert import_ratings(copy, written(table), actor=single_user()) == Imported(added=1)
    assert [one.mark for one in copy.all_ratings()] == ["irrelevant"]
    assert first.mark == "relevant"


def test_an_equal_id_of_another_recording_is_not_taken_for_ours(copy, workspace):
    rate(workspace, 2)
    table = rows(export_ratings(workspace, actor=single_user()).data)
    table[0]["content"] = "0" * 16
    assert import_ratings(copy, written(table), actor=single_user()) == Imported(added=1, bare=1)


Change = Callable[[list[dict[str, str]]], bytes]


def cell(name: str, value: str) -> Change:
    def change(table: list[dict[str, str]]) -> bytes:
        table[1][name] = value
        return written(table)

    return change


BAD: dict[str, tuple[Change, str]] = {
    "mark": (cell("mark", "good"), "Row 3 .*no mark 'good'"),
    "uid": (cell("uid", "1"), "Row 3 .*uid"),
    "finding": (cell("finding", "gout"), "Row 3 .*no finding"),
    "why": (cell("why", "side;ugly"), "Row 3 .*no reason"),
    "moment": (cell("rated_at_utc", "yesterday"), "Row 3 .*rated_at_utc"),
    "bits": (cell("code_length_bits", "65"), "Row 3 .*code_length_bits"),
    "modality": (cell("modality", "mri"), "Row 3 .*modality"),
    "control": (cell("comment", "a\x07"), "Row 3 .*control"),
    "rater": (cell("rater", ""), "Row 3 .*no name"),
    "long comment": (cell("comment", "x" * 501), "Row 3 .*501"),
    "huge cell": (cell("comment", "x" * 5000), "Row 3 .*5,000"),
    "huger cell": (cell("comment", "x" * 200_000), "Row 3 .*field larger"),
    "embedding": (cell("embedding", "AAAA"), "Row 3 .*embedding"),
    "one embedding": (cell("embedding", ""), "Row 3 .*one side"),
    "zero embedding": (cell("embedding", "A" * 683 + "="), "Row 3 .*embedding"),
    "same uid": (lambda t: written([t[0], {**t[1], "uid": t[0]["uid"]}]), "Row 3 .*row 2"),
    "column": (lambda t: written([{n: c for n, c in row.items() if n != "mark"} for row in t]), "Row 1 .*mark"),
    "twice": (lambda t: written(t).replace(b",study_id,", b",site,", 1), "Row 1"),
    "cells": (lambda t: written(t) + b"a,b\r\n", "Row 4 .*2 cells"),
    "quote": (lambda t: written(t) + b'"a', "Row 4 "),
    "encoding": (lambda t: written(t).replace(b"side", b"s\xffde"), "Row 2 .*UTF-8"),
    "utf-16": (lambda t: written(t).decode().encode("utf-16"), "Row 1 .*UTF-8"),
    "empty": (lambda t: b"", "empty"),
    "picture": (lambda t: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "Row 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_stand_is_refused_whole_and_names_its_row(name, workspace, copy):
    change, words = BAD[name]
    rate(workspace, 2, comments=("side",))
    data = change(rows(export_ratings(workspace, embeddings=True, actor=single_user()).data))
    with pytest.raises(UsageError, match=f"(?s){words}") as refused:
        import_ratings(copy, data, actor=single_user())
    assert len(str(refused.value)) < 500 and "\n" not in str(refused.value)
    assert copy.all_ratings(skips=True) == [] and imported_ratings.imported_ratings(copy.database) == []


def test_a_file_imported_eight_times_at_once_counts_once(copy, workspace):
    rate(workspace, 6)
    data = export_ratings(workspace, actor=single_user()).data
    done: list[Imported] = []
    threads = [
        threading.Thread(target=lambda: done.append(import_ratings(copy, data, actor=single_user()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.added for one in done) == [0] * 7 + [6]
    assert len(copy.all_ratings(skips=True)) == 6


def test_the_commands_export_import_and_explain(workspace_folder: Path, tmp_path: Path, capsys):
    with open_workspace(workspace_folder) as place:
        given = rate(place, 4)
        place.set_consent(place.row(given[3].study_id, actor=single_user()).patient_id, False, actor=single_user())
        kept = export_ratings(place, actor=single_user()).n
    file, here = tmp_path / "ratings.csv", ["--workspace", str(workspace_folder)]
    assert run(["ratings", "export", str(file), "--embeddings", "--excel", *here]) == 0
    assert f"holds {kept} ratings, {4 - kept} left out because consent was withdrawn" in capsys.readouterr().out
    assert run(["ratings", "import", str(file), "--site", "North", *here]) == 0
    assert capsys.readouterr().out == f"{kept} ratings were here already.\n"
    assert run(["ratings", "dictionary"]) == 0
    named = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert [name for name, _ in named] == ["column", *dictionary()["pooled"]]
    for words in (
        ["import", str(tmp_path / "none.csv"), *here],
        ["export", str(tmp_path / "no" / "x.csv"), *here],
        ["import", str(workspace_folder / "key"), *here],
    ):
        assert run(["ratings", *words]) == 2
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
