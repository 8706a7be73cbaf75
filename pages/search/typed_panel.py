"""Typed words: what was understood of them, and what to do where nothing was."""

from __future__ import annotations

import streamlit as st

from engine.findings import Mention
from engine.retrieval import typed_wording
from engine.retrieval.answer import Answer
from engine.retrieval.typed_words import TypedWords
from engine.sentences import spoken
from engine.strings import text
from pages.shared import content, query_address, query_state
from pages.shared.markdown import escaped


def draw_understood(answer: Answer, words: TypedWords) -> None:
    """Draw the words with a chip for each finding."""
    draw_words(answer.study.note.text)
    if words.understood:
        chips = " ".join(_chip(one) for one in words.understood)
        st.markdown(f"{text('typed.understood')} {chips}")
        if typed_wording.side(words):
            st.markdown(typed_wording.side(words))
    if answer.study.identity_note:
        st.markdown(f":small[:material/visibility: {escaped(spoken(answer.study.identity_note))}]")


def draw_ways(words: TypedWords) -> None:
    """Draw, over the results, that the words name no finding, what is near, and the search by meaning."""
    if words.understood and not words.by_meaning:
        return
    with st.container(key="typed-ways"):
        if not words.understood:
            st.info(escaped(typed_wording.understood(words)), icon=":material/search_off:")
            _suggestions(words)
        _by_meaning(words)


def draw_words(words: str) -> None:
    """Draw what was typed, or how it begins."""
    st.markdown(f"**{escaped(text('search.text_query', words=content.shortened(words)))}**")


def _chip(one: Mention) -> str:
    """Return a finding as a badge; a denied one is grey."""
    return text("typed.chip_negated" if one.negated else "typed.chip_affirmed", finding=typed_wording.mention(one))


def _suggestions(words: TypedWords) -> None:
    """Draw a button for each finding that is near in spelling or in meaning; it asks for that finding."""
    near = tuple(dict.fromkeys((*words.near_in_spelling, *words.near_in_meaning)))
    if near:
        with st.container(horizontal=True, key="typed-suggestions"):
            for finding in near:
                st.button(finding, key=f"suggest-{finding}", on_click=query_state.take_text, args=(finding,))


def _by_meaning(words: TypedWords) -> None:
    """Offer the search by the words' embedding where nothing was understood, and the way back from it."""
    if words.by_meaning:
        st.markdown(text("typed.by_meaning_line"))
        st.button(text("typed.by_labels"), key="by-labels", on_click=query_address.set_by_meaning, args=(False,))
    elif not words.understood:
        st.button(
            text("typed.by_meaning"),
            key="by-meaning",
            help=text("typed.by_meaning_help"),
            on_click=query_address.set_by_meaning,
            args=(True,),
        )
