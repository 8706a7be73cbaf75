"""PDF and PNG exports, read back: true size, notice on every page, foreign words, withdrawn consent."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from helpers.answers import answer_of, ecg_query, neighbour
from helpers.studies import fill
from PIL import Image
from pypdf import PdfReader

from engine.actor import Actor, single_user
from engine.drawing.film import stamped
from engine.drawing.trace_sheet import trace_sheet
from engine.errors import UsageError
from engine.explain.maps import PairMaps, RawMaps
from engine.report.export import export
from engine.report.pdf_collection import collection_pdf
from engine.report.printed import PrintedCase, PrintedCollection
from engine.report.writers import ExportRequest
from engine.strings import notice, speaking
from engine.study import ECG_LEADS, Film, Note, Study, Trace
from engine.workspace.workspace import open_workspace

HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "größer τ ≥ 5 µm",
    "肺炎",
    "שלום",
    "🫀 heart",
    "a\nb\r\tc",
    "w" * 900,
    "\u202eevil",
    "",
)


WHOLE = ExportRequest("pdf", appendix="grid")


def pages(data: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def test_every_page_carries_notice_release_moment_audit_and_number(place, ask):
    made = export(place, None, ask(), WHOLE, actor=single_user())
    found = pages(made.data)
    assert len(found) > 4
    for number, words in enumerate(found, 1):
        assert notice() in words
        assert "release r-test" in words
        assert f"audit {made.audit_id}" in words
        assert f"page {number} of {len(found)}" in words
        assert f"{datetime.now(UTC):%Y-%m-%d}" in words


def test_table_names_every_match_with_distance_labels_and_who_gave_them(place, ask):
    words = " ".join(" ".join(pages(export(place, None, ask(), WHOLE, actor=single_user()).data)).split())
    for one in ask().neighbours:
        assert one.study_id in words
        assert f"{one.hamming} of 256 bits differ" in words
    assert "closer than 97 %" in words
    assert "labelled by" in words


def test_document_has_title_language_outline_and_alternatives_of_drawings(place, ask):
    reader = PdfReader(io.BytesIO(export(place, None, ask(), WHOLE, actor=single_user()).data))
    assert reader.metadata.title == "Cases near q-test"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]
    assert [reader.outline[place].title for place in (0, 1)] == ["Similar cases", "Query"]
    tree = reader.trailer["/Root"]["/StructTreeRoot"]["/K"][0].get_object()["/K"]
    alternatives = [one.get_object().get("/Alt", "") for one in tree]
    assert any("Chest film" in words for words in alternatives)
    assert any("ECG of 12 leads" in words for words in alternatives)


def test_a_document_speaks_the_language_of_its_reader_and_says_so(place, ask):
    with speaking("de"):
        reader = PdfReader(io.BytesIO(export(place, None, ask(), ExportRequest("pdf"), actor=single_user()).data))
        assert all("nicht zur Diagnose" in page.extract_text() for page in reader.pages)
    assert reader.trailer["/Root"]["/Lang"] == "de"


def test_an_ecg_of_ten_seconds_is_printed_at_true_size(place, ask):
    answer = ask(ecg_query(10.0, 500.0), keep=0)
    first = PdfReader(io.BytesIO(export(place, None, answer, WHOLE, actor=single_user()).data)).pages[1]
    assert "25 mm/s, 10 mm/mV" in first.extract_text()
    per_mm = 72 / 25.4
    operations = first.get_contents().operations
    lines = [
        list(map(float, (a[0], a[1], b[0], b[1])))
        for (a, op_a), (b, op_b) in pairwise(operations)
        if (op_a, op_b) == (b"m", b"l") and len(a) == len(b) == 2
    ]
    upright = sorted({round(line[0] / per_mm, 2) for line in lines if abs(line[0] - line[2]) < 0.01})
    assert np.allclose(np.diff(upright)[:40], 1.0, atol=0.02)  # 1 mm lines, measured on the page itself


def test_a_print_that_does_not_fit_says_its_scale(place, ask):
    tall = ecg_query()
    tall = replace(tall, content=Trace(tall.content.samples[:8] * 20, ECG_LEADS[:8], 200.0, "mV"))
    words = pages(export(place, None, ask(tall, keep=0), WHOLE, actor=single_user()).data)[1]
    assert "25 mm/s" not in words
    assert "mm/mV" in words


@pytest.mark.parametrize("units", ["sd", "au"])
def test_unknown_amplitudes_get_no_millivolt_scale(units):
    query = ecg_query(units=units)
    sheet = trace_sheet(query.content)
    assert "mV" not in sheet.caption(1.0)
    horizontal = [row for group in sheet.segments for row in group.ends.tolist() if row[1] == row[3]]
    assert horizontal == []


def test_every_lead_is_drawn_once_beside_the_rhythm_strip():
    sheet = trace_sheet(ecg_query().content)
    assert sorted(word.words for word in sheet.words) == sorted([*ECG_LEADS, "II"])


def test_film_print_says_what_a_millimetre_is(place, ask):
    film = Film(np.zeros((300, 250), np.uint16), 12, (0.14, 0.14))
    known = pages(export(place, None, ask(Study("cxr", film, "film"), keep=0), WHOLE, actor=single_user()).data)[1]
    assert "at the detector" in known
    unknown = replace(film, spacing_mm=None)
    words = pages(export(place, None, ask(Study("cxr", unknown, "film"), keep=0), WHOLE, actor=single_user()).data)[1]
    assert "nothing can be measured" in " ".join(words.split())


def test_synthetic_studies_are_marked_on_table_card_and_page(tmp_path):
    with open_workspace(tmp_path / "synthetic", create=True) as place:
        fill(place, 4, synthetic=True)
        found = tuple(neighbour(1, row) for row in place.all_rows())
        query = replace(ecg_query(), facts={"synthetic": True})
        answer = answer_of(found, query)
        for layout in ("grid", "pages"):
            data = export(place, None, answer, ExportRequest("pdf", appendix=layout), actor=single_user()).data
            marked = ["SYNTHETIC" in page for page in pages(data)]
            # of the film's page too: in the table in words, in the drawing in pixels
            assert marked.count(True) >= len(marked) - 1
            assert any(len(page.images) for page in PdfReader(io.BytesIO(data)).pages)


def test_the_mark_of_a_synthetic_film_is_in_its_pixels():
    for grey in (0, 255):  # legible on black and on white
        corner = stamped(np.full((200, 300), grey, np.uint8), "SYNTHETIC")[:40, 150:]
        assert (corner == 255).sum() > 20
        assert (corner == 0).sum() > 100


@pytest.mark.parametrize(
    "wanted",
    [
        ExportRequest("pdf"),
        ExportRequest("pdf", appendix="pages"),
        ExportRequest("png"),
        ExportRequest("csv"),
        ExportRequest("pptx"),
    ],
)
def test_foreign_words_break_no_format(place, ask, wanted):
    answer = ask(Study("text", Note("\n".join(HOSTILE)), HOSTILE[0]))
    found = tuple(
        replace(one, labels=(words,), cohort=words, label_source=words, view=words)
        for one, words in zip(answer.neighbours, HOSTILE * 2, strict=False)
    )
    assert export(place, None, replace(answer, neighbours=found), wanted, actor=single_user()).data
    for words in (HOSTILE[:3], HOSTILE[3:7], HOSTILE[7:]) if wanted.format == "png" else ():
        named = replace(ask(keep=1, labels=words), query_id=words[-1] or "q")
        assert export(place, None, named, wanted, actor=single_user()).data


def test_foreign_words_are_printed_and_what_has_no_glyph_visibly(place, ask):
    words = ("größer τ ≥ 5 µm", "<script>alert(1)</script>", "肺炎")
    printed = " ".join(pages(export(place, None, ask(keep=1, labels=words), WHOLE, actor=single_user()).data))
    assert words[0] in " ".join(printed.split())
    assert words[1] in printed
    assert "\N{REPLACEMENT CHARACTER}" * 2 in printed


def test_no_result_is_said(place, ask):
    answer = replace(ask(), neighbours=())
    assert "No chest film among the results." in " ".join(
        pages(export(place, None, answer, WHOLE, actor=single_user()).data)
    )
    for format_ in ("png", "dicom"):
        with pytest.raises(UsageError, match="the search found none"):
            export(place, None, answer, ExportRequest(format_), actor=single_user())


def test_withdrawn_patients_leave_nothing_and_it_is_said_and_audited(place, ask):
    answer = ask()
    gone = answer.neighbours[1]
    place.set_consent(gone.patient_id, False, actor=single_user())
    for format_ in ("pdf", "csv", "ratings"):
        made = export(place, None, answer, ExportRequest(format_, appendix="grid"), actor=Actor("ann"))
        assert made.left_out == 1
        assert gone.study_id not in made.study_ids
        row = place.audit_rows(1)[0]
        assert (row.kind, row.who, row.query_id, row.filters) == ("export", "ann", "q-test", f"format {format_}")
        assert row.returned == made.study_ids
        assert row.audit_id == made.audit_id
    words = " ".join(pages(export(place, None, answer, WHOLE, actor=single_user()).data))
    assert gone.study_id not in words
    assert "1 case is left out" in words
    with pytest.raises(UsageError, match="consent was withdrawn"):
        export(place, None, answer, ExportRequest("png", (gone.study_id,)), actor=single_user())


def test_consent_withdrawn_while_the_file_is_made_still_counts(place, ask, monkeypatch):
    answer, real = ask(), place.study
    gone = answer.neighbours[-1]

    def study(study_id, *, actor):  # the patient withdraws while the first pictures are read
        if place.consent(gone.patient_id, actor=single_user()):
            place.set_consent(gone.patient_id, False, actor=single_user())
        return real(study_id, actor=actor)

    monkeypatch.setattr(place, "study", study)
    made = export(place, None, answer, WHOLE, actor=single_user())
    assert gone.study_id not in " ".join(pages(made.data))
    assert made.left_out == 1


def test_marks_are_printed_with_who_and_when(place, ask):
    answer = ask()
    first = answer.neighbours[0].study_id
    place.rate(answer.neighbours[1].study_id, first, "partly", actor=Actor("ann"), release="r-test")
    answer = replace(answer, query_id=answer.neighbours[1].study_id)
    last = pages(export(place, None, answer, WHOLE, actor=single_user()).data)[-1]
    assert "Marks given" in last
    assert "ann" in last


def test_picture_carries_its_words_in_pixels_and_prints_at_300_dpi(place, ask):
    answer = ask()
    screen = Image.open(io.BytesIO(export(place, None, answer, ExportRequest("png"), actor=single_user()).data))
    printed = Image.open(
        io.BytesIO(export(place, None, answer, ExportRequest("png", high_resolution=True), actor=single_user()).data)
    )
    assert round(printed.info["dpi"][0]) == 300
    assert printed.width > 2 * screen.width
    foot = np.asarray(screen.convert("L"))[-90:]
    assert (foot < 128).sum() > 400  # the notice's letters
    assert screen.info["Description"] == notice()


def test_picture_is_of_the_case_that_was_asked_for(place, ask):
    answer = ask()
    for one in answer.neighbours[::3]:
        assert export(place, None, answer, ExportRequest("png", (one.study_id,)), actor=single_user()).study_ids == (
            one.study_id,
        )
    with pytest.raises(UsageError, match="not among the results"):
        export(place, None, answer, ExportRequest("png", ("s9999",)), actor=single_user())


def test_overlay_has_a_page_of_its_own(place, ask):
    answer = ask(Study("text", Note("effusion"), "typed text"))
    maps = PairMaps(None, None, 0.5, True, (), RawMaps(None, None, 0.5, True))
    plain = pages(export(place, None, answer, ExportRequest("pdf"), actor=single_user()).data)
    found = pages(export(place, None, answer, ExportRequest("pdf", overlay=True), maps=maps, actor=single_user()).data)
    assert len(found) == len(plain) + 1
    assert any(words.startswith("Why ") for words in found)


def test_forty_matches_beside_a_large_film_are_all_printed(place, ask):
    rng = np.random.default_rng(1)
    film = Film(rng.integers(0, 4095, (3000, 2500)).astype(np.uint16), 12, (0.14, 0.14))
    answer = ask(Study("cxr", film, "DICOM film"))
    ranks = enumerate((one for one in answer.neighbours for _ in range(4)), 1)
    many = tuple(replace(one, rank=rank, hamming=rank) for rank, one in ranks)[:40]
    data = export(place, None, replace(answer, neighbours=many), WHOLE, actor=single_user()).data
    printed = " ".join(" ".join(pages(data)).split())
    assert len(many) == 40
    assert all(f"{one.hamming} of 256 bits differ" in printed for one in many)


def test_a_minute_of_pulse_is_printed_whole(place, ask):
    wave = np.sin(np.arange(7500) / 20)[None].astype(np.float32)
    query = Study("ppg", Trace(wave, ("PPG",), 125.0, "au"), "CSV, PPG, 60 s", window_s=(10.0, 20.0))
    words = pages(export(place, None, ask(query, keep=1), WHOLE, actor=single_user()).data)[1]
    assert "50 s" in words
    assert "arbitrary amplitude" in words


def test_collection_prints_one_case_per_page_with_its_note(place):
    ids = [row.study_id for row in place.all_rows()][:4]
    items = [
        PrintedCase(
            one,
            place.study(one, actor=single_user()),
            note=f"Look at {one} <b>\n第",
            labels=("Normal",),
            label_source="a test",
        )
        for one in ids
    ]
    items[1] = replace(items[1], hide_labels=True)
    collection = PrintedCollection("Monday’s round", "Four cases", items, left_out=2)
    data = collection_pdf(collection, release="r-test", when=datetime.now(UTC), audit_id=7)
    found = pages(data)
    assert len(found) == 5
    assert "2 cases are left out" in found[0]
    for one, words in zip(ids, found[1:], strict=True):
        assert (f"Look at {one} <b>" in words) is (one != ids[1])
        assert (one in words) is (one != ids[1])
        assert notice() in words
    assert ["Normal" in words for words in found[1:]] == [True, False, True, True]
    assert (
        len(pages(collection_pdf(PrintedCollection("", "", ()), release="r", when=datetime.now(UTC), audit_id=1))) == 1
    )
