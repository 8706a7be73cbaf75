"""What the search screen remembers: in the URL the query and the view, in the session what was read and found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from engine.errors import CasebindError, QuestionError
from engine.intake import burned_in_choice
from engine.intake.burned_in import looked_by
from engine.intake.burned_in_choice import ACT, Choice, after_choice
from engine.intake.limited import read_limited, text_boxes_limited
from engine.intake.read import read_text
from engine.intake.upload import Answers, Upload
from engine.monitor.watched import misleading
from engine.retrieval import observed
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Answer, Options
from engine.store.filters import Clause
from engine.store.permission import consent_number, permission, permitted_ids
from engine.strings import text
from engine.study import Box, Study
from engine.wearable.contents import is_export, source_of
from engine.wearable.windows import Surveyed
from pages.shared import resources
from pages.shared.markdown import said

QUERY, CASE = "query", "case"  # names in the URL
ENLARGED = "enlarged"  # whether the query is shown at reading size
OF_A_QUERY = (  # names in the session that go with a query
    *("pending", "flagged", "exported", "error", "study", "refused", "answer", "settings", "counters", "maps", "parts"),
)
VIEW = (CASE, "choose", "more", "counter", "meaning")  # what in the URL belongs to the view of one query


@dataclass(frozen=True)
class Pending:
    """Files that were read but leave a fact open; kept until the user answers."""

    uploads: tuple[Upload, ...]
    answers: Answers
    question: QuestionError


@dataclass(frozen=True)
class Flagged:
    """A film that was read and seems to carry text; kept in the session alone until the user chooses.

    boxes  : where; empty where the file alone says so
    read_s : what reading it took
    """

    study: Study
    boxes: tuple[Box, ...]
    read_s: float


@dataclass
class DroppedExport:
    """A dropped export of a wearable, kept in the session alone.

    source : its zip, or its files
    found : what of it is read so far; total : how many recordings it has; read : whether that is all
    """

    source: bytes | Sequence[Upload]
    found: list[Surveyed] = field(default_factory=list)
    total: int = 0
    read: bool = False

    def announced(self, total: int) -> None:
        """Note how many recordings there are."""
        self.total = total


def exported() -> DroppedExport | None:
    """Return the export that was dropped."""
    return st.session_state.get("exported")


def pending() -> Pending | None:
    """Return what waits for an answer of the user."""
    return st.session_state.get("pending")


def flagged() -> Flagged | None:
    """Return the film about whose text the user has to choose."""
    return st.session_state.get("flagged")


def error() -> str:
    """Return the sentence to show about the last attempt, or an empty one."""
    return st.session_state.get("error", "")


def study() -> Study | None:
    """Return the study that was read in this session and is not yet searched."""
    return st.session_state.get("study")


def asks_in_words() -> bool:
    """Return whether the query is a typed finding that must still be encoded."""
    present = study()
    return present is not None and present.modality == "text"


def has_query() -> bool:
    """Return whether there is a query: one that was read, one that was refused, or one in the URL."""
    return study() is not None or st.session_state.get("refused") is not None or QUERY in st.query_params


def forget() -> None:
    """Drop query, results and view; the next run starts empty."""
    for name in (
        "pending",
        "flagged",
        "exported",
        "error",
        "study",
        "refused",
        "answer",
        "settings",
        "counters",
        "maps",
        "parts",
    ):
        st.session_state.pop(name, None)
    st.query_params.from_dict(url(QUERY, *VIEW))
    st.session_state["drop"] = st.session_state.get("drop", 0) + 1  # a new key empties the drop zone


def take(uploads: tuple[Upload, ...], answers: Answers) -> None:
    """Read uploads; keep the study, the open question, the whole export, or the sentence that says why not."""
    if is_export(uploads):
        forget()
        st.session_state["exported"] = DroppedExport(source_of(uploads))
        return
    forget_drop = True
    started = time.perf_counter()
    try:
        found = read_limited(uploads, answers, resources.workspace().key)
    except QuestionError as question:
        st.session_state["pending"] = Pending(uploads, answers, question)
    except CasebindError as problem:
        st.session_state["error"] = said(problem)
        st.session_state.pop("pending", None)
        forget_drop = False  # a missing sibling can still be added to what was dropped
    else:
        _look(found, started)
    if forget_drop:
        st.session_state["drop"] = st.session_state.get("drop", 0) + 1


def _look(read: Study, started: float) -> None:
    """Begin with what was read; a film that seems to carry text waits for a choice first."""
    looks = not resources.workspace().is_synthetic(read) and burned_in_choice.may_hold_text(read)
    with st.spinner(text("asking.looking"), show_time=True) if looks else nullcontext():
        looked = burned_in_choice.look(read, text_boxes_limited) if looks else burned_in_choice.Looked(read)
    if not looked.is_flagged:
        begin(looked.study, started)
        return
    forget()
    st.session_state["flagged"] = Flagged(read, looked.boxes, time.perf_counter() - started)


def choose(choice: Choice) -> None:
    """Do what the user chose about the text of the flagged film; the choice is in the record first."""
    waiting = flagged()
    if waiting is None:
        return
    about = {"choice": choice, "boxes": len(waiting.boxes), "by": looked_by()}
    try:
        resources.workspace().audit(ACT, actor=resources.actor(), about=about)
    except CasebindError as problem:
        st.session_state["error"] = said(problem)
        return
    forget()
    if choice != "refuse":
        begin(after_choice(waiting.study, waiting.boxes, choice), time.perf_counter() - waiting.read_s)


def take_text(words: str) -> None:
    """Read a typed finding."""
    started = time.perf_counter()
    try:
        begin(read_text(words), started)
    except CasebindError as problem:
        st.session_state["error"] = said(problem)


def take_study(study_id: str) -> None:
    """Make a study of the workspace, or a stored query, the query."""
    forget()
    _to_url(study_id)


def begin(query_study: Study, started: float) -> None:
    """Make a study that was read the query. started: when reading it began, by time.perf_counter"""
    forget()
    st.session_state["study"] = query_study
    st.session_state["read_s"] = time.perf_counter() - started


def answer(settings: Options, on_judged: Callable[..., None] | None = None) -> Answer:
    """Return the answer for the present query and settings; search only when either changed.

    on_judged : called with study and verdict of what is searched for the first time, before its neighbours are known
    Raises UsageError where the URL names a query that is not there.
    """
    query_id, fresh = st.query_params.get(QUERY), study()
    if has_answer(settings):
        known: Answer = st.session_state["answer" if query_id is not None else "refused"]
        return known
    workspace, release, actor = resources.workspace(), resources.release(), resources.actor()
    if fresh is None:
        return _keep(retrieval.search_stored(workspace, release, query_id or "", settings, actor=actor), settings)
    started = time.perf_counter() - st.session_state.get("read_s", 0.0)
    resources.keep_counts()
    return _keep(
        retrieval.search(workspace, release, fresh, settings, actor=actor, on_judged=on_judged, started=started),
        settings,
    )


def has_answer(settings: Options) -> bool:
    """Return whether the answer for the present query and settings is at hand."""
    query_id = st.query_params.get(QUERY)
    if study() is not None:
        return False
    if query_id is None:
        return "refused" in st.session_state
    return "answer" in st.session_state and st.session_state.get("settings") == _asked(query_id, settings)


def _keep(result: Answer, settings: Options) -> Answer:
    """Remember an answer for the next runs; an accepted query is in the URL from now on."""
    st.session_state.pop("study", None)
    if not result.verdict.accepted:
        st.session_state["refused"] = result
        st.query_params.pop(QUERY, None)
        return result
    st.session_state.pop("refused", None)
    if st.query_params.get(QUERY) != result.query_id:
        st.query_params[QUERY] = result.query_id
    st.session_state["answer"], st.session_state["settings"] = result, _asked(result.query_id, settings)
    return result


def still_permitted(found: Answer) -> Answer:
    """Return an answer without the cases that may not be seen any more; itself where there is none."""
    ids = [one.study_id for one in found.neighbours]
    seen = permitted_ids(resources.workspace().database, resources.actor(), ids)
    left = tuple(one for one in found.neighbours if one.study_id in seen)
    return found if len(left) == len(ids) else replace(found, neighbours=left)


def misleading_source(found: Answer) -> str:
    """Return the source of a query whose recordings an alarm says are unlike those known here; "" where none does."""
    source = observed.source_of(found.study)
    alarm = misleading(resources.workspace(), found.study.modality, source)
    return "" if alarm is None else source


def _asked(query_id: str, settings: Options) -> tuple[str, Options, Clause, int]:
    """Return what an answer depends on: a quiz that was opened since takes its cases out of sight, as a decision on
    consent does.
    """
    database = resources.workspace().database
    return query_id, settings, permission(database, resources.actor()), consent_number(database)


def _turn_to(result: Answer, settings: Options) -> None:
    """Show another query's answer, with a view of its own."""
    st.session_state.pop("parts", None)
    _to_url(result.query_id)
    _keep(result, settings)


def _to_url(query_id: str) -> None:
    """Put a query into the URL without the view of the one before, in one step: one press of "back" undoes it."""
    st.query_params.from_dict({**url(*VIEW), QUERY: query_id})


def ask_like(study_ids: list[str], beside: str, settings: Options) -> None:
    """Search for more like several cases; on a problem the present query stays, with the sentence."""
    try:
        found = retrieval.search_like(
            resources.workspace(), resources.release(), study_ids, settings, actor=resources.actor(), beside=beside
        )
    except CasebindError as problem:
        st.session_state["said"] = said(problem)
    else:
        _turn_to(found, settings)


def ask_part(query_id: str, settings: Options, **part: Any) -> tuple[str, ...]:
    """Search by a part (box or stretch) of a query; return the reasons where it is refused."""
    found = retrieval.search_part(
        resources.workspace(), resources.release(), query_id, settings, actor=resources.actor(), **part
    )
    if found.verdict.accepted:
        _turn_to(found, settings)
        return ()
    return found.verdict.reasons


def pop_message() -> str:
    """Return the sentence about the last action on the results, once."""
    return st.session_state.pop("said", "")


def opened() -> str | None:
    """Return the id of the open case."""
    return st.query_params.get(CASE)


def open_case(study_id: str, explain: bool = False) -> None:
    """Open a case beside the query, with or without the overlay."""
    st.query_params[CASE] = study_id
    st.session_state["why"] = explain


def url(*without: str) -> dict[str, list[str]]:
    """Return what the URL holds, for a link to another page, without some names."""
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in without}


def user_ratings(query_id: str) -> dict[str, str]:
    """Return this user's marks of a query as the workspace holds them: study id → mark."""
    return {one.study_id: one.mark for one in resources.workspace().ratings(query_id, actor=resources.actor())}


def rate(result: Answer, study_id: str, mark: str | None) -> None:
    """Store a mark, or take it back where `mark` is None; it is on disk when this returns."""
    workspace = resources.workspace()
    if mark is None:
        workspace.unrate(result.query_id, study_id, actor=resources.actor())
        return
    workspace.rate(
        result.query_id,
        study_id,
        mark,
        actor=resources.actor(),
        release=result.release,
        bits=result.bits,
        operating_point=result.operating_point,
    )
