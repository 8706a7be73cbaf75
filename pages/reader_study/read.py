"""One case to read: its picture first, the question beside it, and in the arm with neighbours these under it."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from engine.errors import CasebindError
from engine.reader_study import reading
from engine.reader_study.protocol import SCALES
from engine.reader_study.reading import ReaderState
from engine.retrieval import wording
from engine.retrieval.answer import Neighbour
from engine.store.reader_studies import Reading, StoredReaderStudy
from engine.strings import section, several, text
from engine.study import Study
from pages.reader_study import home, state
from pages.shared import case_card, case_view, content, frame, resources, session, viewer
from pages.shared.case_card import CardState
from pages.shared.keys import SCREENS
from pages.shared.markdown import escaped, said
from pages.shared.viewer import browser

ALONE = "min(calc(100vh - 136px), 80vw)"  # as in a quiz
BESIDE = "min(calc(100vh - 376px), 80vw)"  # with neighbours and their labels under it
ELEMENT = "reading-answer"
WORDS = ("present", "absent", "how_likely", "not_set", "next", "all_first", "surely_absent", "surely_present", "likely")


def draw_reading(study: StoredReaderStudy) -> None:
    """Draw the case to read now; else why there is none."""
    actor = state.reader()
    if not actor.name:
        _head(study, text("reader_study.title"))
        session.draw_name("study-who", text("reader_study.who"), width=320)
        return
    found = reading.state(resources.workspace(), study.reader_study_id, actor=actor)
    if found.next is None or study.closed_at is not None:
        _no_case(study, found)
        return
    one = found.next
    picture = reading.open_reading(resources.workspace(), study.reader_study_id, one, actor=actor)
    resources.look_again()
    with st.container(key="quiz"):
        left, right = st.columns([5, 2], gap="medium")
    with right:
        _head(study, text("reader_study.place", n=found.answered + 1, total=found.of, session=found.session), one)
        state.show_error()
        _answer(study, found, one)
    with left:
        _picture(study, one, picture)


def _picture(study: StoredReaderStudy, one: Reading, picture: Study) -> None:
    """Draw the recording without what gives it away, what lies near it in its arm, and the numbers behind it."""
    shown, key = case_view.anonymised(picture), f"reading-{study.reader_study_id}-{one.session}-{one.place}"
    with st.container(key="reading-picture"):
        height = BESIDE if one.arm == "with" else ALONE
        viewer.draw(shown, key=key, anonymous=True, shortcuts=False, height=height)
    if one.arm == "with":
        _neighbours(study, one)
    viewer.numbers(shown, key=key, anonymous=True)


def _head(study: StoredReaderStudy, words: str, one: Reading | None = None) -> None:
    title = text("frame.part", title=study.title, part=words)
    token = state.token(study, one) if one is not None else f"study {study.reader_study_id} {words}"
    frame.describe(title, screen="reader_study", token=token, focus="reading-question", group=words)
    st.button(text("reader_study.home"), icon=":material/arrow_back:", key="home", type="tertiary", on_click=state.home)
    arm = "" if one is None else f"  \n:small[{text(f'reader_study.arm_{one.arm}')}]"
    with frame.heard("reading"):
        st.markdown(f"**{escaped(study.title)}**  \n{escaped(words)}{arm}")


def _answer(study: StoredReaderStudy, found: ReaderState, one: Reading) -> None:
    """Draw the question: the browser keeps what is chosen, and for how long the case was seen, until it is sent."""
    known = section("reader_study")
    low, high = SCALES[found.protocol.scale]
    st.progress(found.answered / found.of)
    with st.container(key="reading-question"):
        browser.component("reading", "reading/reading.js", ("reading/reading.css",))(
            key=ELEMENT,
            data={
                "token": state.token(study, one),
                "refused": state.refused(),
                "findings": [wording.label(name) for name in found.protocol.findings],
                "scale": {"name": found.protocol.scale, "low": low, "high": high},
                "words": {name: known[name] for name in WORDS},
                "keys": {"present": _key("finding_present"), "absent": _key("finding_absent"), "next": "Enter"},
            },
            on_given_change=lambda: state.take(study, one, ELEMENT),
        )


def _key(action: str) -> str:
    return SCREENS["reader_study"][action]


def _neighbours(study: StoredReaderStudy, one: Reading) -> None:
    """Draw the nearest cases with their labels, as a collection shows them."""
    try:
        found = state.neighbours(study, one)
    except CasebindError as problem:
        st.warning(said(problem), icon=":material/warning:")
        return
    with st.container(key="reading-neighbours"):
        st.markdown(f":small[**{text('reader_study.neighbours')}**]")
        if not found:
            st.markdown(text("reader_study.no_neighbours"))
            return
        rows = content.Rows([near.study_id for near in found])
        for column, near in zip(st.columns(len(found), gap="small"), found, strict=True):
            with column:
                _neighbour(near, rows)


def _neighbour(near: Neighbour, rows: content.Rows) -> None:
    content.draw_thumbnail(near.study_id, near.modality, text("card.case", rank=near.rank), rows)
    words = escaped(case_card.title(near))
    st.button(
        words,
        key=f"near-{near.rank}",
        type="tertiary",
        help=text("reader_study.enlarge"),
        on_click=_enlarge,
        args=(near,),
    )
    st.markdown(case_card.lines_markdown(near, CardState()).split("\n\n")[0])


@st.dialog(" ", width="large")
def _enlarged(near: Neighbour) -> None:
    st.markdown(f"{case_card.head(near)}  \n{case_card.labelled(near)}")
    study = resources.workspace().study(near.study_id, actor=resources.actor())
    case_view.draw_case(study, key=f"near-{near.study_id}", height="min(60vh, 80vw)")


def _enlarge(near: Neighbour) -> None:
    _enlarged(near)


def _no_case(study: StoredReaderStudy, found: ReaderState) -> None:
    """Say why there is no case to read now."""
    _head(study, text("reader_study.title"))
    st.subheader(escaped(study.title), anchor=False)
    st.markdown(escaped(home.line(study)))
    if study.closed_at is not None:
        st.info(text("reader_study.is_closed"), icon=":material/lock:")
    elif found.opens_at is not None:
        st.info(text("reader_study.washout", when=_day(found.opens_at)), icon=":material/event:")
    else:
        st.success(text("reader_study.done"), icon=":material/check:")
    if found.hidden:
        st.info(several(found.hidden, "reader_study.hidden"), icon=":material/visibility_off:")


def _day(when: datetime) -> str:
    return f"{when.replace(tzinfo=UTC):%Y-%m-%d %H:%M} UTC"
