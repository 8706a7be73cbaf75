"""The empty compare page: choose any two studies of the collection."""

from __future__ import annotations

import streamlit as st

from engine.modalities import MODALITIES
from engine.retrieval import wording
from engine.store.records import StudyRow
from engine.strings import language, text
from pages.shared import query_state, resources

SIDES = ("first", "second")
MAX_LISTED = 1000  # studies in one list; a label narrows it down


def draw_pair_chooser() -> None:
    """Draw the two choices and the button that opens the pair."""
    _, middle, _ = st.columns([1, 5, 1])
    with middle:
        st.title(text("compare.choose_title"), anchor=False)
        st.markdown(text("compare.choose_lead"))
        chosen = []
        for side, column in zip(SIDES, st.columns(2, gap="large"), strict=True):
            with column, st.container(border=True):
                chosen.append(_choice(side))
        with st.container(horizontal=True):
            st.button(
                text("compare.choose_go"),
                key="choose-go",
                type="primary",
                icon=":material/compare:",
                disabled=None in chosen or chosen[0] == chosen[1],
                on_click=_open,
                args=tuple(chosen),
            )
            if st.button(text("compare.choose_search"), key="choose-search", icon=":material/search:"):
                st.switch_page("pages/search/page.py")


def _open(query: str, case: str) -> None:
    st.query_params.from_dict({query_state.QUERY: query, query_state.CASE: case})


def _choice(side: str) -> str | None:
    """Draw kind, label and study of one side; return the study's id."""
    st.markdown(f"**{text(f'compare.choose_{side}')}**")
    labels_by_kind = _labels(resources.sight())
    kinds = list(labels_by_kind)
    kind = st.segmented_control(
        text("compare.choose_kind"),
        kinds,
        default=kinds[0] if kinds else None,
        required=bool(kinds),
        key=f"{side}-kind",
        format_func=lambda name: text(f"modality_one.{name}"),
    )
    if kind is None:
        return None
    label = st.selectbox(
        text("compare.choose_label"),
        labels_by_kind[kind],
        index=None,
        key=f"{side}-label",
        placeholder=text("compare.choose_any"),
        format_func=wording.label,
    )
    named, total = _named(resources.sight(), kind, label, language())
    study = st.selectbox(
        text("compare.choose_study"),
        list(named),
        key=f"{side}-study",
        format_func=lambda study_id: named.get(study_id, study_id),
        index=min(SIDES.index(side), len(named) - 1) if named else None,
    )
    if total > len(named):
        st.markdown(f":small[{text('compare.choose_more', n=len(named), total=total)}]")
    return study


@st.cache_data(max_entries=8, show_spinner=False)
def _labels(sight: resources.Sight) -> dict[str, list[str]]:
    """Return the kinds that the actor sees studies of, each with its labels."""
    workspace, actor = resources.workspace(), resources.actor()
    counts = workspace.counts(actor=actor)
    return {kind: workspace.labels(kind, actor=actor) for kind in MODALITIES if counts.get(kind)}


@st.cache_data(max_entries=64, show_spinner=False)
def _named(sight: resources.Sight, kind: str, label: str | None, language: str) -> tuple[dict[str, str], int]:
    """Return the first studies of a kind with a label that the actor sees, id → words; and how many there are."""
    rows = [row for row in resources.workspace().rows(actor=resources.actor()) if row.modality == kind]
    fitting = [row for row in rows if label is None or label in row.labels]
    return {row.study_id: _in_words(row) for row in fitting[:MAX_LISTED]}, len(fitting)


def _in_words(row: StudyRow) -> str:
    """Return a study in words, its id last."""
    person = wording.person(row.age, row.sex, row.view)
    mark = text("card.synthetic") if row.synthetic else ""
    return " · ".join(part for part in (wording.labels(row.labels), person, mark, row.study_id) if part)
