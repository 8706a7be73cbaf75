"""The report's one page: the query, what was chosen, who read it; pictures that fill their cells; what was drawn."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from helpers.answers import ecg_query
from pptx import Presentation
from pypdf import PageObject, PdfReader

from engine.actor import Actor, single_user
from engine.annotation import from_json
from engine.drawing.annotated import COLOUR, PAPER_COLOUR, listed_words, on_film, onto_sheet
from engine.drawing.ecg_paper import LEFT, MM_PER_S
from engine.drawing.trace_sheet import trace_panels, trace_sheet
from engine.errors import UsageError
from engine.measure import canvas_of
from engine.report.export import export
from engine.report.writers import ExportRequest
from engine.strings import notice
from engine.study import Film, Study, Trace
from engine.workspace.annotations import save_annotations

FOOT_PT = 60.0  # the footer lies below


def only_page(data: bytes) -> PageObject:
    (page,) = PdfReader(io.BytesIO(data)).pages
    return page


def words_of(page: PageObject) -> str:
    return " ".join(page.extract_text().split())


def film_query(**facts: object) -> Study:
    rng = np.random.default_rng(1)
    film = Film(rng.integers(0, 4096, (60, 50)).astype(np.uint16), 12, (0.5, 0.5))
    return Study("cxr", film, "DICOM film", facts=facts)


def pictures(page: PageObject) -> list[tuple[float, float, float, float]]:
    """Left, bottom, width and height of every picture of a page, in points."""
    found, moved = [], (0.0, 0.0, 0.0, 0.0)
    for operands, operator in page.get_contents().operations:  # type: ignore[union-attr]
        if operator == b"cm":
            width, _, _, height, x, y = map(float, operands)
            moved = (x, y, width, height)
        if operator == b"Do":
            found.append(moved)
    return found


def papers(page: PageObject) -> list[tuple[float, float, float, float]]:
    """Left, bottom, width and height of the paper of every trace of a page, in points."""
    filled = [operands for operands, operator in page.get_contents().operations if operator == b"re"]  # type: ignore[union-attr]
    boxes = [tuple(map(float, one)) for one in filled]
    return list(dict.fromkeys((x, y + height, width, -height) for x, y, width, height in boxes if height < -50))


def test_a_report_is_one_page_that_says_what_a_colleague_needs(place, ask) -> None:
    query = film_query(labels=("Effusion",), age=57.0, sex="F", view="PA")
    wanted = ExportRequest("pdf", reader="Dr Noë Ærø", comment="Like the second.\nLess so the third.")
    made = export(place, None, ask(query), wanted, actor=single_user())
    words = words_of(only_page(made.data))
    assert len(made.study_ids) == 3
    for part in (
        "Query: Labelled as Effusion",
        "57 years, woman, PA view",
        "Read by Dr Noë Ærø, 20",
        "Like the second. Less so the third.",
        "closer than 97 %",
        "release r-test",
        f"audit {made.audit_id}",
        notice(),
        *made.study_ids,
    ):
        assert part in words, part
    assert "bits differ" not in words
    assert place.audit_rows(1)[0].returned == made.study_ids


def test_the_first_page_shows_what_was_chosen_and_else_the_nearest_of_the_querys_kind(place, ask) -> None:
    answer = ask(film_query(), keep=2)
    first = export(place, None, answer, ExportRequest("pdf"), actor=single_user())
    assert [one.modality for one in answer.neighbours if one.study_id in first.study_ids[:2]] == ["cxr", "cxr"]
    chosen = answer.neighbours[5].study_id
    alone = export(place, None, answer, ExportRequest("pdf", cases=(chosen,)), actor=single_user())
    assert alone.study_ids == (chosen,)
    both = export(place, None, answer, ExportRequest("pdf", first=(chosen,), appendix="grid"), actor=single_user())
    assert len(both.study_ids) == len(answer.neighbours)
    first_words = " ".join(PdfReader(io.BytesIO(both.data)).pages[0].extract_text().split())
    assert [one.study_id for one in answer.neighbours if one.study_id in first_words] == [chosen]
    with pytest.raises(UsageError, match="not among the results"):
        export(place, None, answer, ExportRequest("pdf", first=("s9999",)), actor=single_user())


def test_words_that_do_not_fit_are_refused() -> None:
    for name, most in (("reader", 80), ("comment", 1000)):
        with pytest.raises(UsageError, match=f"{most} fit"):
            ExportRequest("pdf", **{name: "x" * (most + 1)})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["cxr", "ecg"])
def test_pictures_take_most_of_the_page_that_they_share_with_their_words(place, ask, kind: str) -> None:
    answer = ask(film_query() if kind == "cxr" else ecg_query(5.0, 100.0))
    answer = replace(answer, neighbours=tuple(one for one in answer.neighbours if one.modality == kind))
    page = only_page(export(place, None, answer, ExportRequest("pdf"), actor=single_user()).data)
    boxes = pictures(page) if kind == "cxr" else papers(page)
    assert len(boxes) == 4
    heights: list[float] = []
    page.extract_text(visitor_text=lambda said, _, at, *rest: heights.append(at[5]) if said.strip() else None)
    left, right = min(x for x, *_ in boxes), max(x + width for x, _, width, _ in boxes)
    top = max(y + height for _, y, _, height in boxes)
    low = min(at for at in heights if at > FOOT_PT)
    shown = sum(width * height for _, _, width, height in boxes)
    assert (
        shown / ((right - left) * (top - low)) > 0.7
    )  # gaps between cells, and what a row leaves below its lower pictures, count too


def test_what_was_drawn_on_a_film_is_where_it_was_drawn() -> None:
    film = Film(np.zeros((400, 500), np.uint8), 8, (0.5, 0.5))
    given = [
        {"kind": "ruler", "points": [[100, 200], [400, 200]]},
        {"kind": "region", "points": [[50, 50], [150, 120]], "text": "nodule"},
    ]
    drawn = [from_json(one, canvas_of(film), study_id="s", author="a") for one in given]
    for size in ((400, 500), (800, 1000), (200, 250)):
        picture = on_film(np.zeros(size, np.uint8), film, drawn)
        yellow = np.abs(picture.astype(int) - COLOUR).sum(axis=2) < 150
        scale = size[1] / 500
        assert yellow[round(200 * scale), round(110 * scale) : round(390 * scale)].mean() > 0.9
        assert yellow[round(50 * scale) : round(120 * scale), round(150 * scale)].mean() > 0.9
        assert not yellow[round(60 * scale) : round(110 * scale), round(60 * scale) : round(140 * scale)].any()
    assert listed_words(drawn) == "Drawn: ruler 150.0 mm; box 1750 mm² nodule"
    assert on_film(np.zeros((4, 5), np.uint8), film, []).ndim == 2


def test_what_was_drawn_on_an_ecg_is_at_its_time_voltage_and_lead() -> None:
    study = ecg_query(10.0, 500.0)
    trace = study.trace
    given = {"kind": "caliper", "lead": "V2", "points": [[5.5, 0.0], [6.3, 1.0]]}
    one = from_json(given, canvas_of(trace), study_id="s", author="a")
    sheet, panels = trace_sheet(trace), trace_panels(trace)
    assert onto_sheet(sheet, panels, [one]) == []
    lines = [curve.points for curve in sheet.curves if curve.colour == PAPER_COLOUR]
    assert {round(x - LEFT, 3) for line in lines for x in line[:, 0]} == {5.5 * MM_PER_S, 6.3 * MM_PER_S}
    levels = sorted({float(line[0, 1]) for line in lines if line[0, 1] == line[1, 1]})
    panel = next(panel for panel in panels if panel.lead == "V2")
    assert levels[-1] == pytest.approx(panel.base, abs=1e-3)
    assert levels[-1] - levels[-2] == pytest.approx(10.0)
    assert any(word.words == "800 ms" for word in sheet.words)
    elsewhere = replace(one, points=((1.0, 0.0), (1.5, 0.0)))  # V2 is on the paper from 5 to 7.5 s
    assert onto_sheet(sheet, panels, [elsewhere]) == [elsewhere]
    later = onto_sheet(trace_sheet(trace.between(4, 10)), trace_panels(trace.between(4, 10)), [one], start_s=4.0)
    assert later == [one]  # on the shorter paper V2 is from 3 to 4.5 s of it, and the caliper at 1.5 to 2.3 s


def test_a_stretch_and_words_on_an_ecg_are_over_its_lead() -> None:
    trace = ecg_query(10.0, 500.0).trace
    given = (
        {"kind": "stretch", "lead": "II", "points": [[1.0, 0.0], [3.5, 0.0]], "text": "run"},  # longer than II's column
        {"kind": "text", "lead": "V2", "points": [[6.0, 0.5]], "text": "notch"},
    )
    drawn = [from_json(one, canvas_of(trace), study_id="s", author="a") for one in given]
    sheet, panels = trace_sheet(trace), trace_panels(trace)
    assert onto_sheet(sheet, panels, drawn) == []
    strip = max((panel for panel in panels if panel.lead == "II"), key=lambda panel: panel.end_s - panel.start_s)
    lines = [curve.points for curve in sheet.curves if curve.colour == PAPER_COLOUR]
    assert {round(x - LEFT, 3) for line in lines for x in line[:, 0]} == {1.0 * MM_PER_S, 3.5 * MM_PER_S}
    assert all(abs(y - strip.base) < 10 for line in lines for y in line[:, 1])
    words = {word.words: word for word in sheet.words}
    assert "2.50 s · run" in words
    assert (words["notch"].x, words["notch"].y) == pytest.approx(
        next(panel for panel in panels if panel.lead == "V2").at(6.0, 0.5)
    )


@pytest.mark.parametrize("format_", ["pdf", "png"])
def test_files_hold_what_their_maker_drew_and_nobody_else(place, ask, format_: str) -> None:
    answer = ask(ecg_query(10.0, 500.0), keep=1)
    study_id = answer.neighbours[0].study_id
    request = ExportRequest(format_, cases=(study_id,))
    before = export(place, None, answer, request, actor=Actor("ann")).data
    region = {"id": "r", "kind": "region", "points": [[5, 5], [25, 35]], "text": "look here"}
    save_annotations(place, study_id, [region], actor=Actor("ann"))
    mine, others = (export(place, None, answer, request, actor=Actor(name)).data for name in ("ann", "bob"))
    if format_ == "pdf":
        said = [words_of(only_page(data)) for data in (before, mine, others)]
        assert ["look here" in words for words in said] == [False, True, False]
    else:
        assert [_yellow(data) > 100 for data in (before, mine, others)] == [False, True, False]


def _yellow(data: bytes) -> int:
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    return int((np.abs(pixels - COLOUR).sum(axis=2) < 150).sum())


def test_a_tall_ecg_stays_on_its_paper(place, ask) -> None:
    study = ecg_query(10.0, 500.0)
    tall = replace(study, content=Trace(study.trace.samples * 25, study.trace.leads, 500.0, "mV"))
    page = only_page(export(place, None, ask(tall, keep=0), ExportRequest("pdf"), actor=single_user()).data)
    clips = [operator for _, operator in page.get_contents().operations if operator == b"W"]  # type: ignore[union-attr]
    assert clips


def test_what_was_drawn_on_a_pulse_is_in_the_row_of_its_time() -> None:
    wave = np.sin(np.arange(3000) / 20)[None].astype(np.float32)
    trace = Trace(wave, ("PPG",), 125.0, "au")
    given = {"kind": "caliper", "points": [[12.0, 0.0], [12.8, 0.0]]}
    one = from_json(given, canvas_of(trace), study_id="s", author="a")
    sheet, panels = trace_sheet(trace), trace_panels(trace)
    assert onto_sheet(sheet, panels, [one]) == []
    lines = [curve.points for curve in sheet.curves if curve.colour == PAPER_COLOUR]
    assert {round(x - LEFT, 3) for line in lines for x in line[:, 0]} == {2.0 * MM_PER_S, 2.8 * MM_PER_S}
    curve = sheet.curves[1].points  # the row of 10 to 20 s
    middle = float(np.nanmedian([curve[:, 1].min(), curve[:, 1].max()]))
    assert lines[0][:, 1].mean() == pytest.approx(middle, abs=1.0)
    across = replace(one, points=((9.5, 0.0), (10.5, 0.0)))  # it would stand in two rows
    assert onto_sheet(sheet, panels, [across]) == [across]


def test_a_search_leaves_as_slides_with_its_query_first(place, ask) -> None:
    query = film_query(labels=("Effusion",), age=57.0, sex="F")
    wanted = ExportRequest("pptx", reader="Dr Ada", comment="As in March.")
    made = export(place, None, ask(query), wanted, actor=single_user())
    words = [
        "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
        for slide in Presentation(io.BytesIO(made.data)).slides
    ]
    assert len(words) == 2 + len(made.study_ids) == 5
    assert "Read by Dr Ada" in words[0] and "As in March." in words[0]
    assert words[1].startswith("Query: Labelled as Effusion") and "57 years, woman" in words[1]
    assert all(study_id in said for study_id, said in zip(made.study_ids, words[2:], strict=True))
    assert all(notice() in said and f"audit {made.audit_id}" in said for said in words)
