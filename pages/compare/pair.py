"""What is compared: the query with its answer, and a study that may be one of the neighbours found for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from engine.errors import NotPermittedError
from engine.retrieval.answer import Answer, Neighbour
from engine.store.records import StudyRow
from engine.strings import text
from engine.study import Study
from pages.shared import query_state, resources, result_view
from pages.shared.query_address import options_in_address


@dataclass(frozen=True, eq=False)
class Pair:
    """neighbour : None where the study is not among the results; then it has no rank and no mark."""

    answer: Answer
    match: Study
    row: StudyRow
    neighbour: Neighbour | None

    @property
    def ids(self) -> list[str]:
        """The ids of all results, in the order of the results page."""
        return [one.study_id for one in self.answer.neighbours]

    @property
    def mean(self) -> bool:
        """Whether the query is the mean of several cases, which has no recording and no relevance."""
        return bool(self.answer.study.facts.get("like"))

    @property
    def same_kind(self) -> bool:
        """Whether both are of one modality and can be drawn on one scale."""
        return not self.mean and self.answer.study.modality == self.match.modality


def load(study_id: str) -> Pair:
    """Return the pair that the URL names; search again where this session has no answer.

    Raises UsageError where either is not there or the patient of the case has withdrawn.
    """
    settings = options_in_address()
    found = result_view.with_counterexamples(query_state.answer(settings), settings)
    found = replace(found, neighbours=tuple(result_view.in_order(found, settings.targets)))
    try:
        row = resources.workspace().row(study_id, actor=resources.actor())
    except NotPermittedError as error:
        raise NotPermittedError(text("compare.withdrawn", study=study_id)) from error
    neighbour = next((one for one in found.neighbours if one.study_id == study_id), None)
    return Pair(found, _study(str(resources.workspace().path), study_id), row, neighbour)


@st.cache_data(max_entries=30, show_spinner=False)
def _study(path: str, study_id: str) -> Study:
    """Return a study of the workspace at `path`; its content does not change while its id stands."""
    return resources.workspace().study(study_id, actor=resources.actor())
