"""Draws what a study holds: film, trace or words, each with its text alternative."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import streamlit as st

from engine.drawing.film import alternative as alternative_film
from engine.drawing.film import grey8, stamp_of, stamped
from engine.drawing.palette import ThemeType, paper
from engine.errors import NotPermittedError
from engine.sentences import spoken
from engine.store.records import StudyRow
from engine.strings import language, text
from engine.study import Film, Note, Study, Trace
from pages.shared import film, resources, svg, trace
from pages.shared.markdown import escaped
from pages.shared.theme import browser_paper, browser_theme

MAX_PULSE_S = 60.0  # a longer pulse recording is drawn by its searched stretch alone
FILM_WIDTH = 520  # px; a film is no wider than this, so that query and match fit one screen


def alternative(study: Study, layout: str = "3x4r") -> str:
    """Return the sentence that stands for the drawing of a study."""
    if isinstance(study.content, Film):
        return alternative_film(study.content, study.facts.get("view"))
    if isinstance(study.searched, Trace):
        return trace.alternative(study.searched, layout)
    return study.note.text


def draw_content(
    study: Study,
    *,
    layout: str = "3x4r",
    overlay: np.ndarray | None = None,
    opacity: float = 0.7,
    overlay_text: str = "",
) -> None:
    """Draw a study at reading size.

    A synthetic study carries the word in the drawing itself, so that a saved picture keeps it.

    overlay : signed map in -1..1, (h, w) of a film or (leads, n) of a whole trace; `overlay_text` says it in words
    """
    content, words = study.content, f"{alternative(study, layout)} {overlay_text}".strip()
    stamp = stamp_of(study.facts)
    if isinstance(content, Film):
        pixels = grey8(content, film.SHOWN_PX) if overlay is None else film.overlaid(content, overlay, opacity)
        pixels = film.boxed(pixels, study.facts["region"]) if study.facts.get("region") else pixels
        st.image(film.png(stamped(pixels, stamp)), width=FILM_WIDTH, alt=words)
    elif isinstance(content, Trace):
        shown, window = _stretch(study)
        if overlay is not None and shown is not content and study.window_s is not None:
            first = round(study.window_s[0] * content.fs)
            overlay = overlay[:, first : first + shown.samples.shape[1]]
        drawing = trace.trace_svg(
            shown, browser_paper(), layout=layout, window=window, overlay=overlay, opacity=opacity
        )
        st.image(svg.stamped(drawing, stamp, browser_paper().ink), width="stretch", alt=words)
    else:
        _quote(content)


def is_drawn_in_part(study: Study) -> bool:
    """Return whether only the searched stretch of a longer trace is drawn, so that the whole needs an overview."""
    whole = study.content
    if not isinstance(whole, Trace) or study.window_s is None:
        return False
    return not trace.is_pulse(whole) or whole.duration_s > MAX_PULSE_S


def _stretch(study: Study) -> tuple[Trace, tuple[float, float] | None]:
    """Return what is drawn of a trace: the searched stretch of an ECG; all of a pulse, its stretch shaded."""
    return (study.searched_trace, None) if is_drawn_in_part(study) else (study.trace, study.window_s)


def _quote(note: Note) -> None:
    with st.container(border=True):
        st.markdown(escaped(note.text))


def draw_numbers(study: Study) -> None:
    """Draw the numbers behind a trace's drawing, wider than the rail, behind their title; nothing for others."""
    if isinstance(study.searched, Trace):
        with st.popover(text("search.numbers"), icon=":material/table_rows:", width="stretch", key="numbers"):
            st.table(trace.numbers(study.searched).set_index(text("trace.column_lead")))


class Rows:
    """The rows of studies that are shown together; all of them are read at once when the first one is needed."""

    def __init__(self, study_ids: Sequence[str]) -> None:
        self._ids = list(study_ids)
        self._read: dict[str, StudyRow] | None = None

    def row(self, study_id: str) -> StudyRow:
        """Return the row of a study; raises as `Workspace.row`."""
        workspace, actor = resources.workspace(), resources.actor()
        if self._read is None:
            self._read = {one.study_id: one for one in workspace.rows(self._ids, actor=actor)}
        return self._read.get(study_id) or workspace.row(study_id, actor=actor)


@dataclass(frozen=True)
class PictureOf:
    """What a card's picture depends on, and the row of its study, which whoever asks may see."""

    workspace: str
    study_id: str
    theme: ThemeType
    language: str
    row: StudyRow = field(compare=False)


@lru_cache(maxsize=2000)
def _picture(asked: PictureOf) -> tuple[str, str]:
    """Return a card's picture and its alternative in a language: PNG, SVG, or the words of a note."""
    study = resources.workspace().study_of(asked.row)
    if isinstance(study.content, Film):
        return film.png(film.thumb(study.content)), alternative(study)
    if isinstance(study.searched, Trace):
        return trace.thumb_svg(study.searched, paper(asked.theme)), trace.thumb_alternative(study.searched)
    return study.note.text, study.note.text


def small_picture(study_id: str, rows: Rows | None = None) -> tuple[str, str]:
    """Return a study's small picture (PNG in a `data:` address, or SVG; of a note its words) and its alternative.

    rows : of the studies that are shown with it
    Raises as `Workspace.row`, also where it was drawn before: a picture that is kept is no permission.
    """
    row = (rows or Rows((study_id,))).row(study_id)
    return _picture(PictureOf(str(resources.workspace().path), study_id, browser_theme(), language(), row))


def draw_thumbnail(study_id: str, modality: str, prefix: str, rows: Rows | None = None) -> None:
    """Draw a card's small picture; a note as its first words.

    prefix : opens the text alternative
    rows   : of the studies that are shown with it
    """
    try:
        picture, words = small_picture(study_id, rows)
    except NotPermittedError as error:  # withdrawn since the results were found
        st.markdown(escaped(spoken(error)))
        return
    if modality == "text":
        st.markdown(f"“{escaped(shortened(words))}”")
    else:
        st.image(picture, width="stretch", alt=f"{prefix}: {words}")


def address_of(picture: str) -> str:
    """Return a small picture as a `data:` address."""
    if picture.startswith("data:"):
        return picture
    return f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode()}"


def thumbnail(study: Study) -> str | None:
    """Return the small picture of a study that is not in the workspace: PNG, SVG, or None for words."""
    if isinstance(study.content, Film):
        return film.png(film.thumb(study.content))
    return trace.thumb_svg(study.searched, browser_paper()) if isinstance(study.searched, Trace) else None


def shortened(words: str, max_length: int = 220) -> str:
    """Return the words cut at a space, with an ellipsis where something was left out."""
    words = " ".join(words.split())
    return words if len(words) <= max_length else words[:max_length].rsplit(" ", 1)[0] + " …"
