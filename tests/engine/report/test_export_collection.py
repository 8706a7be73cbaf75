"""Collections on their way out: cases in order with notes, nothing hidden that leaks, nobody who withdrew."""

from __future__ import annotations

import csv
import io

import pytest
from helpers.studies import fill
from pypdf import PdfReader

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.report.export_collection import CollectionExportRequest, export_collection
from engine.report.table_csv import dictionary
from engine.strings import notice
from engine.teaching import collections
from engine.workspace.workspace import Workspace, open_workspace

TITLE = '=HYPERLINK("http://x")'


@pytest.fixture
def rounds(place: Workspace) -> str:
    """Four cases of four kinds, the last first."""
    one = collections.create(place, TITLE, "what for", actor=single_user())
    for number in (3, 2, 1, 0):
        collections.add(
            place, one.collection_id, f"s{number:04d}", note=f"+look at {number}\nclosely", actor=single_user()
        )
    return one.collection_id


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def pages(data: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def test_csv_keeps_the_order_and_the_documented_columns_without_a_formula(place, rounds) -> None:
    made = export_collection(place, rounds, CollectionExportRequest("csv"), release="r-test", actor=single_user())
    found = rows(made.data)
    assert list(found[0]) == list(dictionary()["collection"])
    assert [(row["place"], row["study_id"]) for row in found] == [(str(i + 1), f"s000{3 - i}") for i in range(4)]
    assert found[0]["collection_title"] == f"'{TITLE}"
    assert found[0]["note"] == "'+look at 3\nclosely"
    assert {row["notice"] for row in found} == {notice()}
    assert {row["export_audit_id"] for row in found} == {str(made.audit_id)}
    audit = place.audit_rows()[0]
    assert (audit.kind, audit.audit_id) == ("export", made.audit_id)


def test_pdf_prints_one_case_per_page_and_hides_what_a_quiz_on_paper_must_not_show(place, rounds) -> None:
    whole = pages(
        export_collection(place, rounds, CollectionExportRequest("pdf"), release="r-test", actor=single_user()).data
    )
    assert len(whole) == 5
    assert all("Normal" in words and "look at" in words for words in whole[1:])
    blind = pages(
        export_collection(
            place, rounds, CollectionExportRequest("pdf", hide_labels=True), release="r-test", actor=single_user()
        ).data
    )
    assert len(blind) == 4  # without the report
    assert "1 report was left out" in blind[0]
    assert [words.split("\n")[0][:6] for words in blind[1:]] == ["Case 2", "Case 3", "Case 4"]  # places as in the CSV
    for words in blind[1:]:
        assert notice() in words
        for secret in ("Normal", "look at", "s000", "ward"):
            assert secret not in words


def test_who_withdrew_is_in_no_file_and_an_unknown_collection_is_refused(place, rounds) -> None:
    place.set_consent("p2", False, actor=single_user())
    assert [
        row["study_id"]
        for row in rows(
            export_collection(place, rounds, CollectionExportRequest("csv"), release="r", actor=single_user()).data
        )
    ] == ["s0003", "s0001", "s0000"]
    assert (
        "1 case is left out"
        in pages(
            export_collection(place, rounds, CollectionExportRequest("pdf"), release="r", actor=single_user()).data
        )[0]
    )
    with pytest.raises(UsageError, match="no such collection"):
        export_collection(place, "c-none", CollectionExportRequest("csv"), release="r", actor=single_user())
    with pytest.raises(UsageError, match="no format"):
        CollectionExportRequest("docx")


def test_who_withdraws_while_the_file_is_made_is_not_in_it(tmp_path) -> None:
    with open_workspace(tmp_path / "ws", create=True) as place:
        fill(place)
        one = collections.create(place, "race", actor=single_user())
        for number in range(2):
            collections.add(place, one.collection_id, f"s{number:04d}", actor=single_user())

        class Withdrawing:
            """The workspace, whose second patient withdraws when the first page is drawn."""

            def __getattr__(self, name: str) -> object:
                return getattr(place, name)

            def study(self, study_id: str, *, actor: Actor) -> object:
                place.set_consent("p1", False, actor=actor)
                return place.study(study_id, actor=actor)

        made = export_collection(
            Withdrawing(), one.collection_id, CollectionExportRequest("pdf"), release="r", actor=single_user()
        )  # type: ignore[arg-type]
        assert made.study_ids == ("s0000",)
        assert len(pages(made.data)) == 2
