"""CSV exports: documented columns, no formula, no identity; and the command that writes any of the formats."""

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from engine import settings
from engine.actor import Actor, single_user
from engine.cli import run
from engine.commands.export import write_export
from engine.errors import UsageError
from engine.intake.paths import read_paths
from engine.plain_text import cell, one_line, printable
from engine.report.export import export
from engine.report.table_csv import dictionary
from engine.report.writers import WRITERS, ExportRequest
from engine.retrieval.answer import Options
from engine.retrieval.search import search
from engine.workspace.workspace import open_workspace


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def test_results_have_the_documented_columns_and_one_row_per_match(place, ask):
    answer = ask()
    found = rows(export(place, None, answer, ExportRequest("csv"), actor=single_user()).data)
    assert list(found[0]) == list(dictionary()["results"])
    assert [(row["study_id"], row["hamming_bits"]) for row in found] == [
        (one.study_id, str(one.hamming)) for one in answer.neighbours
    ]
    assert {row["further_share"] for row in found} == {"0.9734"}
    assert {row["synthetic"] for row in found} == {"false"}
    datetime.strptime(found[0]["exported_at_utc"], "%Y-%m-%dT%H:%M:%SZ")


def test_ratings_have_the_documented_columns(place, ask):
    first = ask().neighbours[0].study_id
    own = ask().neighbours[1].study_id
    place.rate(own, first, "relevant", actor=Actor("ann"), release="r-test")
    found = rows(export(place, None, replace(ask(), query_id=own), ExportRequest("ratings"), actor=single_user()).data)
    assert [list(row) for row in found] == [list(dictionary()["ratings"])]
    assert (found[0]["mark"], found[0]["who"], found[0]["study_id"]) == ("relevant", "ann", first)
    datetime.strptime(found[0]["rated_at_utc"], "%Y-%m-%dT%H:%M:%SZ")


def test_columns_of_the_page_are_those_of_the_code():
    page = (settings.ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    for columns in dictionary().values():
        for name, meaning in columns.items():
            assert f"| `{name}` | {meaning} |" in page


def test_no_cell_is_a_formula(place, ask):
    words = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", 'x";=1')
    found = rows(
        export(
            place,
            None,
            ask(keep=1, labels=words[:1], cohort=words[1], view=words[3]),
            ExportRequest("csv"),
            actor=single_user(),
        ).data
    )
    assert found[0]["labels"] == "'=1+1"
    assert found[0]["cohort"] == "'+1"
    assert found[0]["view"] == "'@SUM(A1)"
    for value in words[:-1]:
        assert cell(value).startswith("'")
    assert cell(-1.5) == "-1.5"


def test_excel_mark_comes_only_when_asked_for(place, ask):
    assert export(place, None, ask(), ExportRequest("csv", bom=True), actor=single_user()).data.startswith(
        b"\xef\xbb\xbf"
    )
    assert export(place, None, ask(), ExportRequest("csv"), actor=single_user()).data.startswith(b"query_id")


def test_words_are_made_printable_visibly():
    assert one_line("a\u202eb\n\tc") == "ab c"
    assert one_line("x" * 10, 5) == "xxxx…"
    assert printable("aé肺", {ord("a")}) == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_unknown_formats_and_layouts_are_refused():
    with pytest.raises(UsageError, match="no format"):
        ExportRequest("docx")
    with pytest.raises(UsageError, match="no appendix"):
        ExportRequest("pdf", appendix="tiles")


@pytest.fixture
def asked(workspace_folder: Path, release) -> tuple[Path, str, str]:
    """A real search in a small workspace that is closed again: folder, query id and the first study found."""
    with open_workspace(workspace_folder) as opened:
        study = read_paths([settings.DEMO / "ecg" / "syn-0045-e1-ecg.hea"])
        answer = search(opened, release, study, Options(k=2), actor=single_user())
        return workspace_folder, answer.query_id, answer.neighbours[0].study_id


def test_every_format_is_written_by_the_command(asked, tmp_path, capsys):
    folder, query_id, _ = asked
    begins = {
        "pdf": b"%PDF-",
        "pptx": b"PK",
        "png": b"\x89PNG",
        "csv": b"query_id",
        "ratings": b"rating_id",
        "dicom": b"PK",
    }
    for format_ in WRITERS:
        out = tmp_path / f"out-{format_}"
        words = ["export", query_id, "--format", format_, "--k", "2", "--out", str(out), "--workspace", str(folder)]
        assert run(words) == 0
        assert out.read_bytes().startswith(begins[format_])
        assert "not for diagnosis" in capsys.readouterr().out
    with open_workspace(folder) as opened:
        kinds = [row.filters for row in opened.audit_rows(50) if row.kind == "export"]
    assert kinds == [f"format {format_}" for format_ in reversed(list(WRITERS))]


def test_command_refuses_in_one_sentence_and_leaves_what_is_there(asked, tmp_path, capsys):
    folder, query_id, study_id = asked
    out = tmp_path / "mine.pdf"
    out.write_bytes(b"earlier")
    common = ["--format", "pdf", "--workspace", str(folder)]
    for words in (
        ["q-unknown", "--out", str(out)],
        [query_id, "--case", "nobody", "--out", str(out)],
        [query_id, "--out", str(tmp_path / "no" / "folder.pdf")],
    ):
        assert run(["export", *words, *common]) == 2
        said = capsys.readouterr().err.strip()
        assert len(said.splitlines()) == 1 and said.endswith(".")
    assert out.read_bytes() == b"earlier"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["mine.pdf"]
    with open_workspace(folder) as opened:
        opened.set_consent(opened.row(study_id, actor=single_user()).patient_id, False, actor=single_user())
    assert run(["export", query_id, "--case", study_id, "--out", str(out), *common]) == 2
    assert out.read_bytes() == b"earlier"


def test_failed_write_leaves_the_earlier_file(tmp_path, monkeypatch):
    out = tmp_path / "a.csv"
    out.write_bytes(b"earlier")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        write_export(out, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert out.read_bytes() == b"earlier"


def test_no_original_identifier_leaves(asked, tmp_path):
    folder, query_id, _ = asked
    out = tmp_path / "a.csv"
    assert run(["export", query_id, "--format", "csv", "--out", str(out), "--workspace", str(folder)]) == 0
    with open_workspace(folder) as opened:
        known = {row.study_id for row in opened.all_rows()}
    assert {row["study_id"] for row in rows(out.read_bytes())} <= known
    assert not re.search(rb"patient_key|fingerprint", out.read_bytes())
