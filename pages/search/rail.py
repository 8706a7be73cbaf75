"""The rail beside the results: the query's picture, what it is, its labels and quality, and the ways on."""

from __future__ import annotations

import streamlit as st

from engine.drawing.film import alternative as alternative_film
from engine.drawing.film import grey8, stamp_of, stamped
from engine.drawing.palette import ThemeType, paper
from engine.intake.quality.verdict import QualityVerdict
from engine.retrieval import wording
from engine.retrieval.answer import Answer
from engine.sentences import spoken
from engine.settings import SEARCH_WINDOW_S
from engine.strings import several, text
from engine.study import Film, Study, Trace, fingerprint
from pages.search import ask, deleting, history, part, query_facts, share, typed_panel
from pages.shared import case_card, content, film, mean, query_state, svg, trace, viewer
from pages.shared.markdown import escaped
from pages.shared.theme import browser_theme

PICTURE_PX = 520  # longest side of a film that is sent; the rail is half as wide
VIEWER_HEIGHT = "calc(100vh - 280px)"


def draw_rail(answer: Answer, settings: query_state.Options) -> None:
    """Draw the rail of an answer."""
    st.header(text("search.query"), anchor=False)
    study = answer.study
    if study.facts.get("like"):
        st.markdown(f"**{several(len(study.facts['like']), 'like.title')}**")
        mean.draw_mean_query(study)
    elif answer.typed is not None:
        typed_panel.draw_understood(answer, answer.typed)
    else:
        _draw_recording(answer, settings)
    ask.draw_new_query_button()
    if answer.verdict.accepted:
        history.draw_save(answer)
    share.draw_share(answer)
    deleting.draw_delete_shown(answer)


def draw_first(study: Study, verdict: QualityVerdict) -> None:
    """Draw what is known of a query while its neighbours are still sought."""
    st.header(text("search.query"), anchor=False)
    draw_picture(study)
    _draw_words(study, verdict)


def _draw_recording(answer: Answer, settings: query_state.Options) -> None:
    study, verdict = answer.study, answer.verdict
    if verdict.accepted and study.modality != "text":
        part.draw_part(answer, settings, draw_picture)
        st.button(text("search.large"), key="large", icon=":material/open_in_full:", on_click=_enlarge)
        if st.session_state.get(query_state.ENLARGED):
            _large(study)
    else:
        draw_picture(study)
    _draw_words(study, verdict)
    query_facts.draw_details(study, verdict)


def draw_picture(study: Study) -> None:
    """Draw the query small: a film with the box that is searched, or two leads of its trace."""
    words = escaped(content.alternative(study))
    known, stamp = study.fingerprint or fingerprint(study.content), stamp_of(study.facts)
    if isinstance(study.content, Film):
        box = study.facts.get("region")
        words = alternative_film(study.content, study.facts.get("view"))
        st.image(_film(known, None if box is None else tuple(box), stamp, study), width="stretch", alt=words)
    elif isinstance(study.searched, Trace):
        st.image(_trace(known, study.window_s, browser_theme(), stamp, study), width="stretch", alt=words)
        if content.is_drawn_in_part(study):
            part.draw_overview(study)
    else:
        st.markdown(f"“{escaped(content.shortened(study.note.text))}”")


@st.cache_data(max_entries=100, show_spinner=False)
def _film(content: str, box: tuple[float, ...] | None, stamp: str, _study: Study) -> str:
    """Return a film small, with the box that is searched and a stamp, as a PNG in a `data:` address."""
    pixels = grey8(_study.film, PICTURE_PX)
    return film.png(stamped(film.boxed(pixels, box) if box else pixels, stamp))


@st.cache_data(max_entries=100, show_spinner=False)
def _trace(content: str, window: tuple[float, float] | None, theme: ThemeType, stamp: str, _study: Study) -> str:
    """Return two leads of the searched stretch, with a stamp, as an SVG."""
    colours = paper(theme)
    return svg.stamped(trace.thumb_svg(_study.searched_trace, colours), stamp, colours.ink)


def _draw_words(study: Study, verdict: QualityVerdict) -> None:
    """Draw what stands under the picture, or on a phone beside it."""
    with st.container(key="query-words", gap="small"):
        _what_it_is(study)
        if verdict.accepted:
            st.markdown(f":material/check_circle: {text('search.accepted')}")


def _what_it_is(study: Study) -> None:
    """Draw kind, own labels, person, what the file is, and the stretch that is searched."""
    mark = case_card.synthetic_badge(study.facts.get("synthetic"))
    lines = [f"**{text(f'modality_one.{study.modality}')}**{mark}", *_known(study)]
    st.markdown("  \n".join(lines))
    if study.facts.get("part_of"):
        part.draw_searched_part(study)
    elif study.window_s is not None:
        start, end = study.window_s
        name = "search.window_chosen" if study.facts.get("stretch") else "search.window"
        st.markdown(f":small[{text(name, limit=SEARCH_WINDOW_S, start=start, end=end)}]")
    if study.identity_note:
        st.markdown(f":small[:material/visibility: {escaped(spoken(study.identity_note))}]")


def _known(study: Study) -> list[str]:
    """Return the lines of what the query's own file or the collection says of it."""
    facts, known = study.facts, []
    if labels := tuple(facts.get("labels") or ()):
        known.append(f"{text('card.labelled_as')} **{escaped(wording.labels(labels))}**")
    age = facts.get("age")
    known.append(escaped(wording.person(float(age) if age is not None else None, facts.get("sex"), facts.get("view"))))
    known.append(f":small[{escaped(spoken(study.recognised))}]" if study.modality != "text" else "")
    return [line for line in known if line]


def _enlarge() -> None:
    st.session_state[query_state.ENLARGED] = True


def _close() -> None:
    st.session_state.pop(query_state.ENLARGED, None)


@st.dialog(text("search.query"), width="large", on_dismiss=_close)
def _large(study: Study) -> None:
    """Draw the query at reading size, with the controls of its kind."""
    viewer.draw(study, key="query", shortcuts=False, height=VIEWER_HEIGHT)
