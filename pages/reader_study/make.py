"""The form that makes a reader study: cases with their truth, readers, arms and washout; in one view of the screen."""

from __future__ import annotations

import streamlit as st

from engine.errors import CasebindError, UsageError
from engine.reader_study import design
from engine.reader_study.cases import CaseSource, ChosenCases
from engine.reader_study.protocol import (
    MAX_CASES,
    MAX_DAYS,
    MAX_FINDINGS,
    MAX_NEIGHBOURS,
    MIN_OF_EACH,
    SCALES,
    SEEDS,
    ReaderStudyPlan,
)
from engine.retrieval import wording
from engine.store.filters import Filters
from engine.strings import several, text
from engine.study import Modality
from engine.teaching import collections
from engine.teaching.selection import RECORDINGS
from pages.reader_study import state
from pages.shared import frame, free_text, permitted, resources
from pages.shared.markdown import said

SOURCES, TRUTHS = ("drawn", "collection"), ("labels", "reference")  # a panel's file is for `casebind study make`
NO_COLLECTION = "There is no collection to take cases from: make one, or draw the cases."


def draw_make() -> None:
    """Draw the form; for those who may curate alone."""
    permitted.refuse("reader_study", "curate")
    title = text("study_form.title")
    frame.describe(title, screen="reader_study", token="make a reader study", focus="study-form-title")
    st.button(text("reader_study.home"), icon=":material/arrow_back:", key="home", type="tertiary", on_click=state.home)
    st.title(title, anchor=False)
    state.show_error()
    with st.container(key="study-form"):
        left, right = st.columns(2, gap="large")
    with left:
        free_text.draw_box(
            st.text_input, text("study_form.name"), "study-form-title", placeholder=text("study_form.name_example")
        )
        kind = _kind()
        _cases(kind)
    with right:
        st.text_area(
            text("study_form.readers"),
            key="study-form-readers",
            height=100,
            help=text("study_form.readers_accounts" if permitted.has_accounts() else "study_form.readers_help"),
        )
        _arms()
        with st.expander(text("study_form.more")):
            _more()
    st.markdown(f":small[{text('study_form.freezes')}]")
    st.button(text("study_form.make"), key="study-form-make", type="primary", icon=":material/science:", on_click=_make)


def _kind() -> Modality | None:
    """Draw the kind of the cases and what is asked of them; None where the collection has no recording."""
    counts = resources.workspace().counts(actor=resources.actor())
    kinds = [one for one in RECORDINGS if counts.get(one)]
    if not kinds:
        st.info(text("study_form.no_recordings"), icon=":material/info:")
        return None
    kind: Modality = st.segmented_control(
        text("study_form.kind"),
        kinds,
        format_func=lambda name: text(f"modality.{name}"),
        default=kinds[0],
        key="study-form-kind",
        required=True,
    )
    st.multiselect(
        text("study_form.findings"),
        resources.workspace().labels(kind, actor=resources.actor()),
        key=f"study-form-findings-{kind}",
        format_func=wording.label,
        max_selections=MAX_FINDINGS,
        help=text("study_form.findings_help"),
        placeholder=text("study_form.choose"),
    )
    return kind


def _cases(kind: Modality | None) -> None:
    """Draw where the cases come from, and of drawn ones how many."""
    source = st.segmented_control(
        text("study_form.source"),
        SOURCES,
        format_func=lambda name: text(f"study_form.source_{name}"),
        default=SOURCES[0],
        key="study-form-source",
        required=True,
    )
    if source == "collection":
        found = {one.collection_id: one for one in collections.listed(resources.workspace(), actor=resources.actor())}
        if not found:
            st.info(text("study_form.no_collection"), icon=":material/info:")
            return
        st.selectbox(
            text("study_form.collection"),
            list(found),
            key="study-form-collection",
            format_func=lambda one: f"{found[one].title} ({several(found[one].cases, 'collections.cases')})",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(text("study_form.n"), 2 * MIN_OF_EACH, MAX_CASES, 100, key="study-form-n", width=150)
        st.number_input(text("study_form.prevalence"), 5, 95, 50, 5, key="study-form-prevalence", width=220)
    st.multiselect(
        text("study_form.cohorts"),
        [one.name for one in resources.workspace().cohorts(actor=resources.actor())],
        key="study-form-cohorts",
        placeholder=text("controls.any"),
    )


def _arms() -> None:
    """Draw how the two arms are read."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(text("study_form.washout"), 0, MAX_DAYS, 28, key="study-form-washout", width=220)
        st.number_input(text("study_form.neighbours"), 1, MAX_NEIGHBOURS, 5, key="study-form-neighbours", width=220)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, options in (("scale", list(SCALES)), ("truth", list(TRUTHS))):
            st.segmented_control(
                text(f"study_form.{name}"),
                options,
                format_func=lambda one, name=name: text(f"study_form.{name}_{one}"),
                default=options[0],
                key=f"study-form-{name}",
                help=text(f"study_form.{name}_help"),
                required=True,
            )


def _more() -> None:
    free_text.draw_box(st.text_area, text("study_form.hypothesis"), "study-form-hypothesis", height=80)
    st.number_input(text("study_form.seed"), 0, SEEDS, 1, key="study-form-seed", width=220)


def _make() -> None:
    """Make the study of what is chosen and open its maker's view; or keep the sentence that says why not."""
    workspace, actor = resources.workspace(), resources.actor()
    try:
        plan, source = _chosen()
        made = design.draft(workspace, resources.release().name, plan, source, actor=actor)
        study = design.make(workspace, made, actor=actor)
    except CasebindError as problem:
        st.session_state[state.ERROR] = said(problem)
        return
    resources.look_again()
    st.session_state[state.MADE] = _words(made.chosen, len(made.readers))
    state.enter(study.reader_study_id, state.MAKER)


def _chosen() -> tuple[ReaderStudyPlan, CaseSource]:
    chosen = st.session_state
    kind: Modality | None = chosen.get("study-form-kind")
    plan = ReaderStudyPlan(
        title=free_text.settled("study-form-title", chosen["study-form-title"]),
        findings=tuple(chosen.get(f"study-form-findings-{kind}", ())),
        readers=tuple(" ".join(line.split()) for line in chosen["study-form-readers"].splitlines() if line.strip()),
        scale=chosen["study-form-scale"],
        truth=chosen["study-form-truth"],
        washout_days=int(chosen["study-form-washout"]),
        neighbours=int(chosen["study-form-neighbours"]),
        seed=int(chosen["study-form-seed"]),
        hypothesis=free_text.settled("study-form-hypothesis", chosen["study-form-hypothesis"]),
    )
    if chosen["study-form-source"] == "collection":
        if not chosen.get("study-form-collection"):
            raise UsageError(NO_COLLECTION)
        return plan, CaseSource(chosen["study-form-collection"], kind)
    filters = Filters(cohorts=tuple(chosen["study-form-cohorts"]))
    share = int(chosen["study-form-prevalence"]) / 100
    return plan, CaseSource(None, kind, filters, int(chosen["study-form-n"]), share)


def _words(chosen: ChosenCases, readers: int) -> str:
    """Say how many cases and readers there are, and what was left out."""
    said_of = (
        ("left_unknown", chosen.without_truth),
        ("left_patient", chosen.same_patient),
        ("left_kind", chosen.other_kinds),
    )
    counted = {
        "cases": several(len(chosen.cases), "reader_study.cases"),
        "readers": several(readers, "reader_study.readers"),
    }
    left = [several(n, f"study_form.{name}") for name, n in said_of if n]
    return " ".join([text("study_form.made", **counted), *left])
