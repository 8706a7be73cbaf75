"""One case beside the query: both recordings, on request what made them match, and the marks."""

from __future__ import annotations

from hashlib import sha256

import streamlit as st

from engine.answer import Answer, Neighbour
from engine.index.records import MARKS
from engine.study import Study
from pages.search import ask, overlay, state
from pages.shared import case_card, content, ecg_paper, resources
from pages.shared.keys import KEYS
from pages.shared.markdown import plain
from pages.shared.strings import text


def draw(found: Answer, study_id: str) -> None:
    """Draw the open case; an id that is not among the results leads back to them."""
    ids = [one.study_id for one in found.neighbours]
    if study_id not in ids:
        state.close_case()
        st.rerun()
    at = ids.index(study_id)
    neighbour = found.neighbours[at]
    _to_top(study_id)
    _bar(ids, at)
    match = resources.workspace().study(study_id)
    st.title(text("detail.title", rank=neighbour.rank, kind=text(f"modality_one.{neighbour.modality}")), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", key="detail-rating"):
        _rating(found, neighbour, state.marks(found.query_id).get(study_id))
    with st.container(horizontal=True, vertical_alignment="bottom", key="detail-options"):
        overlay.controls()
        layout = _layout(found.study, match)
    with st.container(key="beside"):
        left, right = st.columns(_shares(found.study, match), gap="medium")
    with left:
        mark = case_card.synthetic(found.study.facts.get("synthetic"))
        st.markdown(f"**{text('detail.yours')}**{mark}  \n{plain(found.study.recognised)}")
        query_place = st.empty()
        content.numbers(found.study)
    with right:
        st.markdown(f"{case_card.head(neighbour)}  \n{plain(neighbour.recognised)}")
        match_place = st.empty()
        st.markdown(case_card.facts(neighbour))
        content.numbers(match)
    explained = st.container()
    _siblings(neighbour)
    with explained:
        overlay.draw(found, neighbour, match, layout, (query_place, match_place))


def _shares(query: Study, match: Study) -> list[int]:
    """Return the widths of the two columns: a strip needs more room than a film or words."""
    wide = {"ecg": 3, "ppg": 3, "cxr": 2, "text": 2}
    return [wide[query.modality], wide[match.modality]]


def _to_top(study_id: str) -> None:
    """Scroll up when another case is opened; the browser would stay where the card was."""
    once = sha256(study_id.encode()).hexdigest()[:12]
    script = "document.querySelector('[data-testid=stMain]')?.scrollTo(0, 0)"
    st.html(f"<script>/* {once} */ {script}</script>", unsafe_allow_javascript=True)


def _bar(ids: list[str], at: int) -> None:
    """Draw the way back and the steps to the cases before and after."""
    with st.container(horizontal=True, vertical_alignment="center", key="detail-bar"):
        st.button(
            text("detail.back"), icon=":material/arrow_back:", key="back", shortcut=KEYS["back"],
            on_click=state.close_case,
        )  # fmt: skip
        for action, step in (("previous", -1), ("next", 1)):
            there = 0 <= at + step < len(ids)
            st.button(
                text(f"detail.{action}"), key=action, shortcut=KEYS[action], disabled=not there,
                on_click=_step, args=(ids[at + step] if there else "",),
            )  # fmt: skip
        st.markdown(text("detail.place", n=at + 1, total=len(ids)), width="stretch")
        ask.again_button()


def _step(study_id: str) -> None:
    """Open another case and keep the overlay as it is."""
    state.open_case(study_id, bool(st.session_state.get("why")))


def _rating(found: Answer, neighbour: Neighbour, mark: str | None) -> None:
    """Draw the three marks with their keys; the stored one carries a tick and the word "Saved"."""
    st.markdown(f"**{text('detail.how_rate')}**", width="content")
    for name in MARKS:
        st.button(
            text(f"mark.{name}"),
            key=f"rate-{name}",
            shortcut=KEYS[name],
            icon=":material/check:" if name == mark else None,
            type="primary" if name == mark else "secondary",
            on_click=state.rate,
            args=(found, neighbour.study_id, None if name == mark else name),
        )
    if mark:
        st.markdown(text("card.saved_line", mark=text(f"mark.{mark}")), width="content")


def _layout(query: Study, match: Study) -> str:
    """Draw the choice of lead layout where an ECG is shown; return its key."""
    if "ecg" not in (query.modality, match.modality):
        return "3x4r"
    names = {key: one.name for key, one in ecg_paper.layouts().items()}
    return st.selectbox(text("detail.layout"), names, format_func=names.get, key="layout", width=220)


def _siblings(neighbour: Neighbour) -> None:
    """Draw the other studies of the case's encounter, small."""
    rows = resources.workspace().siblings(neighbour.encounter_id)
    others = [row for row in rows if row.study_id != neighbour.study_id]
    if not others:
        return
    st.subheader(text("detail.siblings"), anchor=False)
    grid = st.grid(min_column_width=220, border=True)
    for row in others:
        with grid.cell():
            mark = case_card.synthetic(row.synthetic)
            st.markdown(f"{text(f'icon.{row.modality}')} {text(f'modality_one.{row.modality}')}{mark}")
            content.thumb(row.study_id, row.modality, text(f"modality_one.{row.modality}"))
            st.markdown(f":small[{plain(', '.join(row.labels) or text('card.no_labels'))}]")
            st.button(
                text("detail.like_this"), key=f"like-{row.study_id}", on_click=state.take_study, args=(row.study_id,)
            )
