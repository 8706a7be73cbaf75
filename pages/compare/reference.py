"""What is known for sure of a film's findings: in words, on a picture, and beside what the reader drew on it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine.annotation import Annotation
from engine.annotation_check import AnnotationCheck
from engine.drawing.annotated import measured_words, on_film
from engine.drawing.film import grey8, stamp_of, stamped
from engine.measure import Measured
from engine.reference import ReferenceFinding, findings_in
from engine.retrieval import wording
from engine.store.records import StudyRow
from engine.strings import text
from engine.study import Study
from engine.workspace.annotations import checks_on
from pages.shared import resources, session, study_facts
from pages.shared.film import SHOWN_PX, png

WIDTH = 360  # px of the picture


def draw_reference(row: StudyRow, study: Study) -> None:
    """Draw what came with a film for sure; nothing where nothing did."""
    findings = findings_in(row.extra)
    if not findings:
        return
    with st.expander(text("reference.title"), key="reference", icon=":material/fact_check:"):
        st.markdown(study_facts.reference_lines(findings))
        if any(one.polygons for one in findings):
            _picture(study, findings)
        if checks := checks_on(resources.workspace(), row.study_id, actor=session.reader()):
            st.markdown(f"**{text('reference.checks')}**")
            st.table(_table(checks), hide_index=True)


def _picture(study: Study, findings: tuple[ReferenceFinding, ...]) -> None:
    film = study.film
    rows, columns = film.pixels.shape[:2]
    outlines = [
        Annotation(
            *(f"reference-{number}", "", "", "region"),
            points=tuple((across * columns, down * rows) for across, down in polygon),
            shape="polygon",
            text=words,
        )
        for number, (words, polygon) in enumerate(wording.outlines(findings))
    ]
    drawn = on_film(grey8(film, SHOWN_PX), film, outlines)
    said = "; ".join(wording.reference_finding(one) for one in findings)
    st.image(png(stamped(drawn, stamp_of(study.facts))), width=WIDTH, alt=text("reference.alt", findings=said))


def _table(checks: list[AnnotationCheck]) -> pd.DataFrame:
    names = ("drawn", "finding", "overlap", "apart", "difference")
    return pd.DataFrame([_line(one) for one in checks], columns=[text(f"reference.column_{name}") for name in names])


def _line(one: AnnotationCheck) -> tuple[str, ...]:
    drawn = one.annotation
    return (
        " ".join(part for part in (text(f"annotation.kind_{drawn.shape or drawn.kind}"), drawn.text) if part),
        wording.placed(one.finding),
        "–" if one.overlap is None else text("reference.unit_percent", value=f"{100 * one.overlap:.0f}"),
        _words(one.apart),
        _words(one.difference, signed=True),
    )


def _words(measured: Measured | None, signed: bool = False) -> str:
    if measured is None:
        return "–"
    return f"{'+' if signed and measured.value > 0 else ''}{measured_words(measured)}"
