"""The strip that stays in sight while the cases scroll: the query, small, what it is, its verdict, and "new"."""

from __future__ import annotations

import streamlit as st

from engine.retrieval.answer import Answer
from engine.strings import several, text
from pages.search import ask
from pages.shared import case_card, content
from pages.shared.markdown import escaped
from pages.shared.theme import browser_theme

PICTURE_PX = 58


def draw_pinned(answer: Answer) -> None:
    """Draw the strip."""
    picture = _picture(answer)
    with st.container(horizontal=True, vertical_alignment="center", key="strip", gap="small"):
        if picture is not None:
            words = escaped(content.alternative(answer.study))
            st.image(picture, width=PICTURE_PX, alt=text("asking.pinned_alt", words=words))
        st.title(text("search.query"), anchor=False, width="content")
        st.markdown(_what(answer), width="stretch")
        ask.draw_new_query_button()


def _what(answer: Answer) -> str:
    """Return kind, recognition and verdict on one line."""
    study = answer.study
    if study.facts.get("like"):
        title = several(len(study.facts["like"]), "like.title")
        return f"**{title}**{case_card.synthetic_badge(study.facts.get('synthetic'))} · {escaped(study.recognised)}"
    if answer.typed is not None:
        return f"**{text('typed.short')}** · {escaped(content.shortened(study.note.text, 60))}"
    kind = f"**{text(f'modality_one.{study.modality}')}**{case_card.synthetic_badge(study.facts.get('synthetic'))}"
    words = content.shortened(study.note.text, 60) if study.modality == "text" else study.recognised
    part = ":material/crop: " if study.facts.get("part_of") else ""
    return " · ".join([kind, f"{part}{escaped(words)}", _verdict(answer)])


def _verdict(answer: Answer) -> str:
    if answer.verdict.accepted:
        return f":material/check_circle: {text('asking.pinned_accepted')}"
    return f":material/block: {text('asking.pinned_refused')}"


def _picture(answer: Answer) -> str | None:
    """Return the query's small picture, made once per query and theme."""
    key = (answer.query_id, browser_theme())
    known = st.session_state.get("pinned-picture")
    if known is None or known[0] != key:
        known = st.session_state["pinned-picture"] = (key, content.thumbnail(answer.study))
    return known[1]
