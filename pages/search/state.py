"""What the search screen remembers: in the URL the query and the open case, in the session what was read and found."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

from engine import retrieval
from engine.answer import Answer
from engine.errors import CasebindError, QuestionError
from engine.index.filters import Filters
from engine.intake.read import read, read_text
from engine.intake.upload import Answers, Upload
from engine.study import Modality, Study
from pages.shared import resources

QUERY, CASE = "query", "case"  # names in the URL


@dataclass(frozen=True)
class Settings:
    """How the user wants to search."""

    into: tuple[Modality, ...]
    k: int
    bits: int
    at: str | None
    filters: Filters
    rerank: str = "none"


@dataclass(frozen=True)
class Pending:
    """Files that were read but leave a fact open; kept until the user answers."""

    uploads: tuple[Upload, ...]
    answers: Answers
    question: QuestionError


def pending() -> Pending | None:
    """Return what waits for an answer of the user."""
    return st.session_state.get("pending")


def error() -> str:
    """Return the sentence to show about the last attempt, or an empty one."""
    return st.session_state.get("error", "")


def study() -> Study | None:
    """Return the study that was read in this session and not yet searched, or the one that is shown."""
    return st.session_state.get("study")


def asks_in_words() -> bool:
    """Return whether the query is a typed finding that must still be encoded."""
    present = study()
    return present is not None and present.modality == "text"


def forget() -> None:
    """Drop query, results and open case; the next run starts empty."""
    for name in ("pending", "error", "study", "answer", "settings", "maps"):
        st.session_state.pop(name, None)
    for name in (QUERY, CASE):
        st.query_params.pop(name, None)
    st.session_state["drop"] = st.session_state.get("drop", 0) + 1  # a new key empties the drop zone


def take(uploads: tuple[Upload, ...], answers: Answers) -> None:
    """Read uploads; keep the study, the open question, or the sentence that says why not."""
    forget_drop = True
    started = time.perf_counter()
    try:
        found = read(uploads, answers, resources.workspace().key)
    except QuestionError as question:
        st.session_state["pending"] = Pending(uploads, answers, question)
    except CasebindError as problem:
        st.session_state["error"] = str(problem)
        st.session_state.pop("pending", None)
        forget_drop = False  # a missing sibling can still be added to what was dropped
    else:
        _begin(found, started)
    if forget_drop:
        st.session_state["drop"] = st.session_state.get("drop", 0) + 1


def take_text(words: str) -> None:
    """Read a typed finding."""
    started = time.perf_counter()
    try:
        _begin(read_text(words), started)
    except CasebindError as problem:
        st.session_state["error"] = str(problem)


def take_study(study_id: str) -> None:
    """Make a study of the workspace the query."""
    forget()
    st.query_params[QUERY] = study_id


def _begin(found: Study, started: float) -> None:
    forget()
    st.session_state["study"] = found
    st.session_state["read_s"] = time.perf_counter() - started


def answer(settings: Settings) -> Answer:
    """Return the answer for the present query and settings; search only when either changed.

    Raises UsageError where the URL names a query that is not there.
    """
    known: Answer | None = st.session_state.get("answer")
    query_id = st.query_params.get(QUERY)
    if known is not None and (query_id, settings) == st.session_state.get("settings"):
        return known
    workspace, release = resources.workspace(), resources.release()
    options = {"into": settings.into, "k": settings.k, "bits": settings.bits, "at": settings.at}
    common = {**options, "filters": settings.filters, "rerank": settings.rerank, "who": resources.WHO}
    read_study = study()
    if query_id is not None:
        found = retrieval.again(workspace, release, query_id, **common)
    else:
        started = time.perf_counter() - st.session_state.get("read_s", 0.0)
        found = retrieval.search(workspace, release, read_study, **common, started=started)
    if found.verdict.accepted:
        query_id = st.query_params[QUERY] = found.query_id
    st.session_state["answer"] = found
    st.session_state["settings"] = (query_id, settings)
    return found


def opened() -> str | None:
    """Return the id of the open case."""
    return st.query_params.get(CASE)


def open_case(study_id: str, why: bool = False) -> None:
    """Open a case beside the query, with or without the overlay."""
    st.query_params[CASE] = study_id
    st.session_state["why"] = why


def url(*without: str) -> dict[str, list[str]]:
    """Return what the URL holds, for a link to another page, without some names."""
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in without}


def marks(query_id: str) -> dict[str, str]:
    """Return this user's marks of a query as the workspace holds them: study id → mark."""
    return {one.study_id: one.mark for one in resources.workspace().ratings(query_id, resources.WHO)}


def rate(found: Answer, study_id: str, mark: str | None) -> None:
    """Store a mark, or take it back where `mark` is None; it is on disk when this returns."""
    workspace = resources.workspace()
    if mark is None:
        workspace.unrate(found.query_id, study_id, resources.WHO)
        return
    workspace.rate(
        found.query_id, study_id, mark, resources.WHO, release=found.release, bits=found.bits, at=found.at
    )
