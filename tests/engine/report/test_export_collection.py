"""Collections on their way out: cases in order with notes, nothing hidden that leaks, nobody who withdrew."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
import pytest
from helpers.studies import fill
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.util import Inches
from pypdf import PdfReader

from engine.actor import Actor, single_user
from engine.cli import run
from engine.drawing.annotated import COLOUR
from engine.errors import UsageError
from engine.report.export_collection import CollectionExportRequest, export_collection
from engine.report.table_csv import dictionary
from engine.strings import notice
from engine.teaching import collections
from engine.workspace.annotations import save_annotations
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


def slides(data: bytes) -> list[list[str]]:
    """The words of every slide, with its speaker's notes last where it has any."""
    found = []
    for slide in Presentation(io.BytesIO(data)).slides:
        words = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
        notes = [slide.notes_slide.notes_text_frame.text] if slide.has_notes_slide else []
        found.append(words + notes)
    return found


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_slides_ask_first_and_answer_on_the_next(place, rounds) -> None:
    region = {"kind": "region", "points": [[3, 3], [20, 30]], "text": "here"}
    save_annotations(place, "s0000", [region], actor=single_user())
    save_annotations(place, "s0000", [{**region, "text": "elsewhere"}], actor=Actor("bob"))
    made = export_collection(place, rounds, CollectionExportRequest("pptx"), release="r-test", actor=single_user())
    found = slides(made.data)
    assert len(found) == 1 + 1 + 2 * 3  # title, the report, three cases with pictures
    assert found[0][:2] == [TITLE, "what for"]
    question, answer = found[-2:]
    assert question[0] == "Case 4 · Chest film" and "Normal" not in " ".join(question[:-1])
    assert answer[0] == "Case 4 · Labelled as Normal"
    assert "+look at 0\nclosely" in answer
    assert "look at 0" in question[-1] and "Labelled as Normal" in question[-1]
    assert all(any(notice() in words for words in slide) for slide in found)
    pictures = [
        [shape for shape in slide.shapes if shape.shape_type == MSO_SHAPE_TYPE.PICTURE]
        for slide in Presentation(io.BytesIO(made.data)).slides
    ]
    assert [len(one) for one in pictures] == [0, 0, 1, 1, 1, 1, 1, 1]
    plain, drawn = (np.asarray(Image.open(io.BytesIO(one[0].image.blob)).convert("RGB")) for one in pictures[-2:])
    yellow = [(np.abs(pixels.astype(int) - COLOUR).sum(axis=2) < 150).sum() for pixels in (plain, drawn)]
    assert yellow[0] == 0 < yellow[1]
    (picture,) = pictures[-2]
    assert picture.height / picture.width == pytest.approx(40 * 0.14 / (30 * 0.15), rel=0.01)  # true to its spacing
    for slide in Presentation(io.BytesIO(made.data)).slides:
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.top >= 0
            assert shape.left + shape.width <= Inches(13.34) and shape.top + shape.height <= Inches(7.51)
    assert picture.height > 0.75 * Presentation(io.BytesIO(made.data)).slide_height
    assert any(words == "1 mm at the detector" for words in question)


def test_slides_without_labels_give_nothing_away(place, rounds) -> None:
    region = {"kind": "region", "points": [[3, 3], [20, 30]], "text": "annotated"}
    save_annotations(place, "s0000", [region], actor=single_user())
    wanted = CollectionExportRequest("pptx", hide_labels=True)
    made = export_collection(place, rounds, wanted, release="r-test", actor=single_user())
    found = slides(made.data)
    assert [slide[0] for slide in found] == [
        "Cases to read",
        "Case 2 · Pulse recording",
        "Case 3 · ECG",
        "Case 4 · Chest film",
    ]
    everything = parts(made.data)
    assert not [name for name in everything if "notesSlide" in name]
    secrets = (
        b"Normal<",
        b"Labelled",
        b"look at",
        b"s000",
        b"ward",
        b"HYPERLINK(",
        b"what for",
        b"annotated",
        b"Canny",
    )
    for name, data in everything.items():
        for secret in secrets:
            assert secret not in data, (name, secret)
            assert secret.decode() not in name
    for slide in Presentation(io.BytesIO(made.data)).slides:
        for shape in slide.shapes:
            assert shape.name in ("words", "picture", "scale")
    properties = Presentation(io.BytesIO(made.data)).core_properties
    assert (properties.title, properties.subject) == ("Cases to read", notice())
    assert properties.author == properties.last_modified_by and properties.author.startswith("Casebind")


def test_a_collection_is_exported_by_the_command(place, rounds, tmp_path, capsys) -> None:
    place.close()
    for format_, begins in (("pptx", b"PK"), ("pdf", b"%PDF")):
        out = tmp_path / f"rounds.{format_}"
        words = ["export", rounds, "--format", format_, "--out", str(out), "--workspace", str(place.path), "--blind"]
        assert run(words) == 0
        assert out.read_bytes().startswith(begins)
        assert "holds 4 cases of" in capsys.readouterr().out
    assert run(["export", rounds, "--format", "png", "--out", str(tmp_path / "x"), "--workspace", str(place.path)]) == 2
    assert "no format 'png' for a collection" in capsys.readouterr().err
