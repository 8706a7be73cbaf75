"""Search by a part of the query: a box on its film, or a stretch of its trace; by pointer or in numbers."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.drawing.film import stamp_of
from engine.errors import CasebindError
from engine.modalities import spec_of
from engine.retrieval.answer import Answer
from engine.sentences import spoken
from engine.settings import SEARCH_WINDOW_S
from engine.strings import text
from engine.study import Film, Study, Trace
from pages.search import box_figure
from pages.shared import query_state, trace
from pages.shared.keys import KEYS
from pages.shared.markdown import escaped, said
from pages.shared.svg import stamped
from pages.shared.theme import browser_paper

EDGES = ("left", "top", "right", "bottom")
LONG_S = 60.0  # of a longer recording the start of a whole window is chosen, of a shorter one both ends
BOX_FIELD_PX = 150
FIRST_BOX = (25, 25, 75, 75)  # per cent, until one is drawn


@st.fragment
def draw_part(answer: Answer, settings: query_state.Options, draw_picture: Callable[[Study], None]) -> None:
    """Draw the query's picture, or in its place what chooses a part of it; moving its ends draws nothing else again."""
    opened = bool(st.session_state.get("parts"))
    if not opened:
        draw_picture(answer.study)
    else:
        with st.container(key="part-panel"):
            if isinstance(answer.study.content, Film):
                _film(answer, settings)
            elif isinstance(answer.study.content, Trace):
                _trace(answer, settings)
    st.button(
        text("part.close" if opened else "part.open"),
        key="part",
        icon=":material/crop:",
        shortcut=KEYS["part"],
        on_click=_toggle,
    )


def _toggle() -> None:
    st.session_state["parts"] = not st.session_state.get("parts")


def _film(answer: Answer, settings: query_state.Options) -> None:
    """Draw the film to drag a box on, its edges in numbers, and the button that searches by it."""
    for edge, start in zip(EDGES, _searched_box(answer) or FIRST_BOX, strict=True):
        st.session_state.setdefault(f"box-{edge}", start)
    percents = [st.session_state[f"box-{edge}"] for edge in EDGES]
    words = text("part.film_alt", **dict(zip(EDGES, percents, strict=True)))
    st.plotly_chart(
        box_figure.film_with_box(answer.study.film, percents, stamp_of(answer.study.facts)),
        key="box-figure",
        selection_mode="box",
        on_select=_take_box,
        config={"displayModeBar": False},
        theme=None,
        alt=words,
    )
    st.markdown(f":small[{text('part.film_lead')} {text('part.measured')}]")
    with st.container(horizontal=True):
        for edge in EDGES:
            st.number_input(text(f"part.{edge}"), 0, 100, key=f"box-{edge}", step=1, width=BOX_FIELD_PX)
    if st.button(text("part.go"), type="primary", key="part-go"):
        _ask(answer, settings, box=[st.session_state[f"box-{edge}"] / 100 for edge in EDGES])


def _searched_box(answer: Answer) -> tuple[int, ...] | None:
    """Return the box that the present query is searched by, per cent."""
    box = answer.study.facts.get("region")
    return tuple(round(100 * share) for share in box) if box else None


def _take_box() -> None:
    """Put the box that was dragged into the numbers."""
    box = box_figure.selected(st.session_state.get("box-figure"))
    if box is not None:
        for edge, value in zip(EDGES, box, strict=True):
            st.session_state[f"box-{edge}"] = value


def _window(answer: Answer, settings: query_state.Options) -> None:
    """Draw the choice of another window of a long recording: its start alone moves."""
    last = int((answer.study.trace.duration_s - SEARCH_WINDOW_S) * 10) / 10
    st.markdown(text("part.long_lead", most=SEARCH_WINDOW_S))
    first = answer.study.window_s[0] if answer.study.window_s else 0.0
    st.session_state.setdefault("window-start", min(last, round(first, 1)))
    st.session_state.setdefault("window-number", st.session_state["window-start"])
    start = st.session_state["window-start"]
    draw_overview(answer.study, (start, start + SEARCH_WINDOW_S))
    st.slider(
        text("part.long_range"), 0.0, last, step=0.1, key="window-start", format="%.1f", on_change=_same, args=(False,)
    )
    number, go = st.columns([1, 3], vertical_alignment="bottom")
    number.number_input(
        text("part.start"), 0.0, last, step=1.0, key="window-number", format="%.1f", on_change=_same, args=(True,)
    )
    if go.button(text("part.go"), type="primary", key="part-go"):
        _ask(answer, settings, stretch=(start, start + SEARCH_WINDOW_S))


def _same(by_number: bool) -> None:
    """Put what was moved, the number or the slider, into the other."""
    moved, other = ("window-number", "window-start") if by_number else ("window-start", "window-number")
    st.session_state[other] = st.session_state[moved]


def _trace(answer: Answer, settings: query_state.Options) -> None:
    whole: Trace = answer.study.content  # type: ignore[assignment]
    length, least = whole.duration_s, spec_of(answer.study.modality).shortest_s
    if length > LONG_S:
        _window(answer, settings)
        return
    last = int(length * 10) / 10
    st.markdown(text("part.trace_lead", least=least, most=min(SEARCH_WINDOW_S, last)))
    start, end = answer.study.window_s or (0.0, min(last, SEARCH_WINDOW_S))
    st.session_state.setdefault("stretch", (round(start, 1), min(last, round(end, 1))))
    shown = st.session_state["stretch"]
    st.session_state.setdefault("stretch-start", shown[0])
    st.session_state.setdefault("stretch-end", shown[1])
    draw_overview(answer.study, shown)
    st.slider(text("part.range"), 0.0, last, step=0.1, key="stretch", on_change=_from_slider, format="%.1f")
    first, second, go = st.columns([1, 1, 2], vertical_alignment="bottom")
    for column, edge in ((first, "start"), (second, "end")):
        column.number_input(
            text(f"part.{edge}"), 0.0, last, key=f"stretch-{edge}", step=0.1, format="%.1f", on_change=_from_numbers
        )
    if go.button(text("part.go"), type="primary", key="part-go"):
        _ask(answer, settings, stretch=st.session_state["stretch"])


def _from_slider() -> None:
    st.session_state["stretch-start"], st.session_state["stretch-end"] = st.session_state["stretch"]


def _from_numbers() -> None:
    ends = sorted((st.session_state["stretch-start"], st.session_state["stretch-end"]))
    st.session_state["stretch"] = (ends[0], ends[1])


def _ask(answer: Answer, settings: query_state.Options, **part: object) -> None:
    """Search by the part; where it is refused say why and stay."""
    try:
        with st.spinner(text("asking.searching"), show_time=True):
            reasons = query_state.ask_part(answer.query_id, settings, **part)
    except CasebindError as problem:
        st.error(said(problem), icon=":material/error:")
        return
    if reasons:
        st.warning(text("part.refused", reasons=escaped(" ".join(map(spoken, reasons)))), icon=":material/block:")
    else:
        st.rerun(scope="app")


def draw_overview(study: Study, window: tuple[float, float] | None = None) -> None:
    """Draw one lead of the whole recording with the stretch shaded."""
    whole, shown = study.content, window or study.window_s
    if not isinstance(whole, Trace) or shown is None:
        return
    lead = "II" if "II" in whole.leads else whole.leads[0]
    row = whole.leads.index(lead)
    one = Trace(whole.samples[row : row + 1], (lead,), whole.fs, whole.units)
    colours = browser_paper()
    drawing = stamped(trace.overview_svg(one, colours, shown), stamp_of(study.facts), colours.ink)
    st.image(drawing, width="stretch", alt=text("part.trace_alt", lead=lead, start=shown[0], end=shown[1]))


def draw_searched_part(study: Study) -> None:
    """Say which part of the query is searched, with the way back to all of it."""
    words = text("part.region") if study.facts.get("region") else text("part.stretch", whole=study.trace.duration_s)
    st.markdown(f":material/crop: {words}")
    st.button(
        text("part.whole"),
        key="whole",
        type="tertiary",
        on_click=query_state.take_study,
        args=(study.facts["part_of"],),
    )
