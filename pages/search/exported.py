"""A dropped export of a wearable: what is in it, one window as the query, or the best ones into the collection."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from engine.errors import CasebindError
from engine.sentences import spoken
from engine.strings import number, several, text
from engine.wearable.archive import Export
from engine.wearable.dates import DATES, Dates
from engine.wearable.rule import KeepRule
from engine.wearable.taking import Whose, take_in
from engine.wearable.windows import JudgedWindow, Surveyed, best_of, refusals, survey
from pages.shared import frame, html_table, permitted, query_state, resources, session
from pages.shared.markdown import escaped, said

RULE = KeepRule()
ERROR, SAID, PERSON = "exported-error", "exported-said", "exported-person"
COLUMNS = ("source", "kind", "recordings", "dates", "hours", "judged", "accepted", "best")
UNREAD = 20  # recordings that were not read whose sentence is shown


def draw(dropped: query_state.DroppedExport) -> None:
    """Draw how far the export is read, then what is in it and the ways on."""
    _, middle, _ = st.columns([1, 6, 1])
    with middle:
        st.title(text("wearable.title"), anchor=False)
        frame.describe(text("wearable.title"), screen="search")
        if not dropped.read:
            _read(dropped)
        st.markdown(text("wearable.lead"))
        with st.container(key="export-table"):
            html_table.draw_html_table([text(f"wearable.column_{name}") for name in COLUMNS], _rows(dropped.found))
        with frame.heard("export-said"):
            session.show_error(ERROR)
            if taken := st.session_state.pop(SAID, ""):
                st.success(taken, icon=":material/check:")
                whom = {"patient": st.session_state[PERSON]}
                st.page_link(
                    "pages/trend/page.py", label=text("trend.show"), icon=":material/timeline:", query_params=whom
                )
        windows = best_of([window for one in dropped.found for window in one.windows], RULE)
        if windows:
            _one(dropped.found, windows)
            if permitted.may("curate"):
                _all(dropped.found, windows)
        _left_out(dropped.found)
        st.button(text("search.new"), icon=":material/add:", key="export-leave", on_click=query_state.forget)


def _read(dropped: query_state.DroppedExport) -> None:
    """Read recording by recording; a run that is stopped, as by the button, goes on where it was or not at all."""
    shown = st.progress(0.0, text("wearable.reading", n=len(dropped.found), total=dropped.total))
    st.button(text("wearable.stop"), icon=":material/close:", key="export-stop", on_click=query_state.forget)
    key = resources.workspace().key
    try:
        with Export(dropped.source) as export:
            for one in survey(export, RULE, key, first=len(dropped.found), on_found=dropped.announced, background=True):
                dropped.found.append(one)
                done, total = len(dropped.found), dropped.total
                shown.progress(done / total, text("wearable.reading", n=done, total=total))
    except CasebindError as problem:
        query_state.forget()
        st.session_state["error"] = said(problem)
        st.rerun()
    dropped.read = True
    st.rerun()


def _rows(found: Sequence[Surveyed]) -> list[tuple[str, ...]]:
    rows = []
    for source, modality in sorted({(one.recording.source, one.modality) for one in found if not one.problem}):
        some = [one for one in found if (one.recording.source, one.modality) == (source, modality)]
        days = sorted({f"{one.recording.began:%Y-%m-%d}" for one in some if one.recording.began})
        counts = (sum(getattr(one, name) for one in some) for name in ("judged", "accepted"))
        rows.append(
            (
                source,
                text(f"modality_one.{modality}"),
                number(len(some)),
                " – ".join(dict.fromkeys((days[0], days[-1]))) if days else "",
                f"{sum(one.seconds for one in some) / 3600:.1f}",
                *map(number, counts),
                number(len(best_of([window for one in some for window in one.windows], RULE))),
            )
        )
    return rows


def _left_out(found: Sequence[Surveyed]) -> None:
    """Draw why windows were refused and recordings were not read."""
    if refused := refusals(found):
        with st.expander(several(sum(n for _, (n, _) in refused), "wearable.refused")):
            for _, (n, sentence) in refused:
                st.markdown(f"- {several(n, 'wearable.windows')}: {escaped(spoken(sentence))}")
    for sentence in dict.fromkeys(one.remark for one in found if one.remark):
        st.caption(escaped(spoken(sentence)))
    if problems := [one.problem for one in found if one.problem]:
        with st.expander(several(len(problems), "wearable.unread")):
            for sentence in dict.fromkeys(problems[:UNREAD]):
                st.markdown(f"- {escaped(spoken(sentence))}")


def _one(found: Sequence[Surveyed], windows: Sequence[JudgedWindow]) -> None:
    """Draw the choice of one window, which is the query then."""
    lines = [_line(found[one.recording], one) for one in windows]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            text("wearable.one"), range(len(windows)), format_func=lines.__getitem__, key="export-window"
        )
        st.button(
            text("wearable.search"),
            key="export-search",
            icon=":material/image_search:",
            type="primary",
            on_click=query_state.begin,
            args=(windows[chosen].study, time.perf_counter()),
        )


def _line(surveyed: Surveyed, window: JudgedWindow) -> str:
    when = f"{window.moment:%Y-%m-%d %H:%M:%S}" if window.moment else text("wearable.after", seconds=window.start_s)
    parts = [when, surveyed.recording.source, text(f"modality_one.{surveyed.modality}")]
    parts.append(text("wearable.quality", score=window.score))
    return " · ".join([*parts, text("wearable.moved")] if window.moved else parts)


def _all(found: Sequence[Surveyed], windows: Sequence[JudgedWindow]) -> None:
    """Draw what takes all of the best windows in."""
    with st.form("export-take", border=True):
        st.markdown(f"**{several(len(windows), 'wearable.take')}**")
        left, right = st.columns([2, 3], gap="medium")
        patient = left.text_input(text("wearable.patient"), key="export-patient", help=text("wearable.patient_help"))
        dates = right.radio(
            text("wearable.dates"), DATES, key="export-dates", format_func=lambda one: text(f"wearable.dates_{one}")
        )
        if st.form_submit_button(text("wearable.take_in"), icon=":material/library_add:"):
            if session.attempt(ERROR, lambda: _take(found, patient, dates)):
                resources.keep_counts()
            st.rerun()


def _take(found: Sequence[Surveyed], patient: str, dates: Dates) -> None:
    shown = st.progress(0.0, text("wearable.taking"))
    taken = take_in(
        resources.workspace(),
        resources.release(),
        found,
        Whose(patient, dates=dates),
        RULE,
        actor=resources.actor(),
        on_progress=lambda done: shown.progress(done / len(found), text("wearable.taking")),
    )
    st.session_state[PERSON] = taken.patient_id
    words = several(taken.ingested, "wearable.taken", already=taken.already, patient=taken.patient_id)
    st.session_state[SAID] = " ".join([words, *(said(why) for why in dict.fromkeys(taken.skipped))])
