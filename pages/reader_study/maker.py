"""A maker's view: the protocol with its digest and how far readers are; once it is closed, results and files."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from engine.actor import Actor
from engine.errors import CasebindError
from engine.metrics.mrmc import Difference
from engine.reader_study import analysis, design, export, results
from engine.reader_study.analysis import FindingAnalysis
from engine.retrieval import wording
from engine.store.reader_studies import StoredReaderStudy
from engine.strings import several, text
from engine.teaching import access
from pages.reader_study import home, state
from pages.shared import frame, permitted, plain_table, resources
from pages.shared.markdown import escaped, said


def draw_maker(study: StoredReaderStudy) -> None:
    """Draw the screen; for whoever made the study alone."""
    workspace, actor = resources.workspace(), resources.actor()
    access.require_maker(workspace, study.reader_study_id, actor=actor)
    frame.describe(study.title, screen="reader_study", token=f"made {study.reader_study_id}", focus="study-title")
    st.button(text("reader_study.home"), icon=":material/arrow_back:", key="home", type="tertiary", on_click=state.home)
    with st.container(key="study-title"):
        st.title(escaped(study.title), anchor=False)
    st.markdown(escaped(home.line(study)))
    state.show_error()
    state.show_made()
    if study.closed_at is None:
        _progress(study)
    else:
        _results(study)
    with st.expander(text("reader_study.protocol")):
        st.markdown(text("reader_study.digest", n=study.version, digest=f"`{study.digest}`"))
        st.code(json.dumps(json.loads(study.words), indent=1, ensure_ascii=False), language="json")


def _progress(study: StoredReaderStudy) -> None:
    """Draw how far each reader is, and the button that ends the reading, after a question."""
    st.markdown(text("reader_study.blind"))
    found = design.progress(resources.workspace(), study.reader_study_id, actor=resources.actor())
    rows = [
        (one.who, *(f"{answered} / {of}" for answered, of in zip(one.answered, one.of, strict=True))) for one in found
    ]
    columns = [text(f"reader_study.column_{name}") for name in ("reader", "first", "second")]
    plain_table.draw(pd.DataFrame(rows, columns=columns))
    left = sum(of - answered for one in found for answered, of in zip(one.answered, one.of, strict=True))
    with st.popover(text("reader_study.close"), icon=":material/lock:"):
        st.markdown(text("reader_study.close_sure"))
        if left:
            st.markdown(several(left, "reader_study.left"))
        st.button(text("reader_study.close_do"), key="close", type="primary", on_click=state.close, args=(study,))


def _results(study: StoredReaderStudy) -> None:
    """Draw what the study shows, and its files."""
    workspace, who = resources.workspace(), resources.actor_later(resources.actor())
    which = study.reader_study_id
    try:
        found = results.closed(workspace, which, actor=resources.actor())
        for one in analysis.of_study(found):
            _finding(one)
        st.markdown(f":small[{text('reader_study.caveat')}]")
    except CasebindError as problem:
        st.info(said(problem), icon=":material/info:")
    if not permitted.may("export"):
        return
    with st.container(horizontal=True, gap="small"):
        for layout, name in (("long", "csv"), ("imrmc", "imrmc")):
            st.download_button(
                text(f"reader_study.download_{layout}"),
                lambda layout=layout: _file(which, layout, who()),  # type: ignore[misc]
                f"casebind-reader-study-{which}.{name}",
                "text/csv" if name == "csv" else "text/plain",
                icon=":material/download:",
                key=f"download-{layout}",
                on_click="ignore",
            )


def _finding(one: FindingAnalysis) -> None:
    """Draw the figures of one finding: both arms, the difference with its interval, and p."""
    st.subheader(escaped(wording.label(one.finding)), anchor=False)
    st.markdown(
        text(
            "reader_study.counted",
            readers=several(one.readers, "reader_study.readers"),
            cases=several(one.cases, "reader_study.cases"),
            present=one.present,
        )
    )
    rows = [
        (text(f"reader_study.figure_{figure.name}"), *(f"{sum(part) / len(part):.3f}" for part in figure.values))
        + _said(figure.result.primary)
        for figure in one.figures
    ]
    if one.time_ratio is not None and one.seconds is not None:
        before, after = one.seconds
        rows.append((text("reader_study.figure_seconds"), f"{before:.0f}", f"{after:.0f}", *_said(one.time_ratio)))
    if one.certainty is not None:
        rows.append((text("reader_study.figure_certainty"), "", "", *_said(one.certainty)))
    columns = [text(f"reader_study.column_{name}") for name in ("figure", "without", "with", "difference", "p")]
    plain_table.draw(pd.DataFrame(rows, columns=columns))
    if one.left_out:
        st.markdown(several(one.left_out, "reader_study.left_out"))


def _said(one: Difference) -> tuple[str, str]:
    p = "–" if one.p != one.p else "< 0.001" if one.p < 0.001 else f"{one.p:.3f}"
    return f"{one.value:.3f} ({one.low:.3f} – {one.high:.3f})", p


def _file(which: str, layout: str, actor: Actor) -> bytes:
    found = results.closed(resources.workspace(), which, actor=actor, export=True)
    return (export.as_long(found) if layout == "long" else export.as_imrmc(found)).encode()
