"""What counts as relevant: the text in force, examples with the agreed mark, and how both are changed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.errors import CasebindError
from engine.learning import checks
from engine.learning.queue import may_be_shown
from engine.store import guidelines, known_pairs
from engine.store.acts import Act
from engine.store.database import Database
from engine.store.guidelines import Guideline
from engine.store.known_pairs import PURPOSES, KnownPair, Purpose
from engine.store.ratings import MAX_COMMENT
from engine.store.records import MARKS
from engine.strings import several, text
from pages.review import state
from pages.shared import content, free_text, resources, undo
from pages.shared.link import link
from pages.shared.markdown import escaped, escaped_lines, said
from pages.shared.session import attempt, rater

WORDS = "guide-words"  # key of the box that the text is edited in
EDITING = "guide-editing"  # the version that is being edited, in the session


def draw_guide() -> None:
    """Draw the screen of its own."""
    state.draw_view_head("guidelines.title")
    present = guidelines.in_force(resources.workspace().database)
    if st.session_state.get(EDITING) is None:
        with st.container(border=True, key="guideline"):
            st.markdown(shown(present.words))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":small[{version_line(present)}]", width="content")
            st.button(
                text("guidelines.edit"), icon=":material/edit:", key="guide-edit", on_click=_edit, args=(present,)
            )
    else:
        _editor(present)
    _examples()
    _check_pairs()
    _history()


def draw_popover() -> None:
    """Draw the button that shows the text while somebody rates."""
    with st.popover(text("guidelines.open"), icon=":material/menu_book:", key="guide-popover"):
        present = guidelines.in_force(resources.workspace().database)
        st.markdown(shown(present.words))
        st.markdown(f":small[{version_line(present)}]")


def draw_make_known(pair: tuple[str, str], mark: str, key: str) -> None:
    """Draw what makes a pair with its mark an example, or sets it apart for the check of new raters."""
    if mark not in MARKS:
        return
    with st.container(border=True):
        st.markdown(f"**{text('guidelines.make_known')}**  \n:small[{text('guidelines.make_known_about')}]")
        free_text.draw_box(st.text_input, text("guidelines.note"), f"{key}-known-note", max_chars=MAX_COMMENT)
        with st.container(horizontal=True):
            for purpose in PURPOSES:
                st.button(
                    text(f"guidelines.as_{purpose}"),
                    key=f"{key}-{purpose}",
                    on_click=_make_known,
                    args=(pair, mark, purpose, f"{key}-known-note"),
                )


def version_line(one: Guideline) -> str:
    """Return which version a text is, by whom and of when."""
    if one.created_at is None:
        return text("guidelines.version_shipped")
    return text("guidelines.version", n=one.version, who=escaped(one.who), day=f"{one.created_at:%Y-%m-%d}")


def shown(words: str) -> str:
    """Return the text as Markdown that keeps bold words and paragraphs, and nothing else of what was typed."""
    return escaped_lines(words).replace("\\*\\*", "**")


def _edit(present: Guideline) -> None:
    st.session_state[EDITING] = present.version


def _editor(present: Guideline) -> None:
    free_text.draw_box(
        st.text_area,
        text("guidelines.words"),
        WORDS,
        value=present.words,
        max_chars=guidelines.MAX_WORDS,
        height=320,
        help=text("guidelines.words_help"),
    )
    with st.container(horizontal=True):
        st.button(text("guidelines.save"), type="primary", key="guide-save", on_click=_save)
        st.button(text("guidelines.cancel"), key="guide-cancel", on_click=_stop_editing)


def _save() -> None:
    database, edited = resources.workspace().database, int(st.session_state[EDITING])
    words, actor = free_text.settled(WORDS, st.session_state[WORDS]), rater()

    def store() -> None:
        with database.recording(actor, Act("guidelines", filters=f"version {edited + 1}")):
            guidelines.write(database, words, actor.name, edited=edited)

    if attempt(state.ERROR, store):
        _stop_editing()


def _stop_editing() -> None:
    st.session_state[EDITING] = None


def _examples() -> None:
    st.subheader(text("guidelines.examples"), anchor=False)
    found = _may_see(known_pairs.known_pairs(resources.workspace().database, "example"))
    if not found:
        st.markdown(text("guidelines.examples_none"))
    grid = st.grid(min_column_width=360, border=True) if found else None
    for n, one in enumerate(found, 1):
        assert grid is not None
        with grid.cell():
            _example(one, n)
    undo.draw_undo(text("guidelines.undo"))


def _example(one: KnownPair, number: int) -> None:
    """Draw a pair small, with the agreed mark and why."""
    named = text("guidelines.example", n=number)
    rows = {row.study_id: row for row in resources.workspace().rows(one.pair, actor=resources.actor())}
    for column, study_id in zip(st.columns(2), one.pair, strict=True):
        with column:
            if study_id in rows:
                content.draw_thumbnail(study_id, rows[study_id].modality, named)
            else:
                st.markdown(f":small[{text('review.stored_query')}]")
    st.markdown(f"**{text(f'mark.{one.mark}')}**{f': {escaped(one.note)}' if one.note else ''}")
    st.markdown(f":small[{text('guidelines.added_by', who=escaped(one.who), day=f'{one.created_at:%Y-%m-%d}')}]")
    with st.container(horizontal=True):
        address = link("compare", query=one.query_id, case=one.study_id)
        st.link_button(text("guidelines.look"), address, icon=":material/compare:")
        st.button(
            text("guidelines.remove"), key=f"known-remove-{one.pair_id}", on_click=_remove, args=(one,), help=named
        )


def _check_pairs() -> None:
    """Say how many pairs are set apart; which they are would spoil the check."""
    st.subheader(text("guidelines.check"), anchor=False)
    pairs = _may_see(known_pairs.known_pairs(resources.workspace().database, "check"))
    st.markdown(several(len(pairs), "guidelines.check_pairs") if pairs else text("guidelines.check_none"))
    if rater().name and checks.available(resources.workspace(), rater(), checks.AGREED):
        state.draw_check_button(checks.AGREED)
    if pairs:
        with st.expander(text("guidelines.check_list")):
            for one in pairs:
                with st.container(horizontal=True, vertical_alignment="center"):
                    words = f"{escaped(one.query_id)} – {escaped(one.study_id)}: **{text(f'mark.{one.mark}')}**"
                    st.markdown(words, width="stretch")
                    st.button(
                        text("guidelines.remove"), key=f"known-remove-{one.pair_id}", on_click=_remove, args=(one,)
                    )


def _history() -> None:
    """Draw earlier versions, folded."""
    earlier = guidelines.versions(resources.workspace().database)[1:]
    if not earlier:
        return
    with st.expander(text("guidelines.earlier")):
        for one in earlier:
            st.markdown(f"**{version_line(one)}**")
            st.markdown(shown(one.words))


def _may_see(pairs: list[KnownPair]) -> list[KnownPair]:
    sides = {side for one in pairs for side in one.pair}
    allowed = may_be_shown(resources.workspace(), rater(), sides)
    return [one for one in pairs if allowed.issuperset(one.pair)]


def _make_known(pair: tuple[str, str], mark: str, purpose: Purpose, note_key: str) -> None:
    database, actor = resources.workspace().database, rater()
    note = free_text.settled(note_key, st.session_state.get(note_key, ""))
    try:
        with database.recording(actor, Act("known pair", returned=pair, about={"mark": mark, "purpose": purpose})):
            made = known_pairs.add(database, pair, mark, actor.name, note=note, purpose=purpose)
    except CasebindError as error:
        st.session_state[state.ERROR] = said(error)
        return
    st.toast(text(f"guidelines.made_{purpose}"), icon=":material/bookmark_added:")
    undo.offer(text(f"guidelines.made_{purpose}"), lambda: _set_removed(known_pairs.remove, made, "taken off"))


def _remove(one: KnownPair) -> None:
    _set_removed(known_pairs.remove, one, "taken off")
    undo.offer(text("guidelines.removed"), lambda: _set_removed(known_pairs.restore, one, "put back"))


def _set_removed(act: Callable[[Database, str], None], one: KnownPair, change: str) -> None:
    database, about = resources.workspace().database, {"pair": one.pair_id, "change": change}
    with database.recording(rater(), Act("known pair", returned=(one.query_id, one.study_id), about=about)):
        act(database, one.pair_id)
