"""Over and under the two: the way back, the steps between cases, the marks, and the encounter's other studies."""

from __future__ import annotations

import streamlit as st

from engine.retrieval import wording
from engine.store.records import MARKS
from engine.strings import text
from pages.compare.pair import Pair
from pages.shared import case_card, content, frame, permitted, query_state, quiz_return, resources
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped

SEARCH = "pages/search/page.py"


def draw_navigation(pair: Pair | None) -> None:
    """Draw the way back, the steps to the cases before and after, the place among them, and the title."""
    from_quiz = quiz_return.draw_way_back()
    if not from_quiz and st.button(
        text("detail.back"), icon=":material/arrow_back:", key="back", shortcut=KEYS["back"]
    ):
        st.switch_page(SEARCH, query_params=query_state.url(query_state.CASE))
    if pair is not None and pair.neighbour is not None and not from_quiz:
        _steps(pair.ids, pair.ids.index(pair.neighbour.study_id))


def draw_new() -> None:
    """Draw the button that starts a new query."""
    if st.button(text("search.new"), icon=":material/add:", key="new", shortcut=KEYS["new"]):
        query_state.forget()
        st.switch_page(SEARCH)


def _steps(ids: list[str], index: int) -> None:
    for action, step, icon in (("previous", -1, "chevron_left"), ("next", 1, "chevron_right")):
        st.button(
            text(f"detail.{action}"),
            key=action,
            icon=f":material/{icon}:",
            shortcut=KEYS[action],
            disabled=not 0 <= index + step < len(ids),
            on_click=_step,
            args=(ids, step),
        )
    st.markdown(text("detail.place", n=index + 1, total=len(ids)), width="content")


def _step(ids: list[str], step: int) -> None:
    """Open the case a step on from the one in the address, and keep the overlay as it is.

    The page may still show an earlier one: whoever presses twice goes two steps.
    """
    opened = query_state.opened()
    at = ids.index(opened) + step if opened in ids else 0
    query_state.open_case(ids[min(max(at, 0), len(ids) - 1)], bool(st.session_state.get("why")))


def draw_rating(pair: Pair) -> None:
    """Draw the three marks with their keys; the stored one carries a tick and the word "Saved"."""
    if pair.neighbour is None or not permitted.may("rate"):
        return
    study_id = pair.neighbour.study_id
    mark = query_state.user_ratings(pair.answer.query_id).get(study_id)
    for name in MARKS:
        st.button(
            text(f"mark.{name}"),
            key=f"rate-{name}",
            shortcut=KEYS[name],
            icon=":material/check:" if name == mark else text(f"icon.mark_{name}"),
            help=text("detail.how_rate"),
            type="primary" if name == mark else "secondary",
            on_click=query_state.rate,
            args=(pair.answer, study_id, None if name == mark else name),
        )
    if mark:
        with frame.heard("mark", width="content"):
            st.markdown(text("card.saved_line", mark=text(f"mark.{mark}")), width="content")


def draw_siblings(pair: Pair) -> None:
    """Draw the other studies of the case's encounter, small."""
    rows = resources.workspace().siblings(pair.row.encounter_id, actor=resources.actor())
    others = [row for row in rows if row.study_id != pair.row.study_id]
    if not others:
        return
    st.subheader(text("detail.siblings"), anchor=False)
    grid = st.grid(min_column_width=220, border=True)
    for row in others:
        with grid.cell():
            mark = case_card.synthetic_badge(row.synthetic)
            st.markdown(f"{text(f'icon.{row.modality}')} {text(f'modality_one.{row.modality}')}{mark}")
            content.draw_thumbnail(row.study_id, row.modality, text(f"modality_one.{row.modality}"))
            st.markdown(f":small[{escaped(wording.labels(row.labels))}]")
            if st.button(text("detail.like_this"), key=f"like-{row.study_id}"):
                query_state.take_study(row.study_id)
                st.switch_page(SEARCH, query_params={query_state.QUERY: row.study_id})
