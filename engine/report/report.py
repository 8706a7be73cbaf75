"""What a file is made from: the answer as it may leave now, with ratings, moment and audit number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.actor import Actor
from engine.annotation import Annotation
from engine.errors import UsageError
from engine.explain.maps import PairMaps
from engine.retrieval.answer import Answer, Neighbour
from engine.store.records import Rating
from engine.study import Study
from engine.version import __version__
from engine.workspace.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Explained:
    """One neighbour with the maps that show what brought it near."""

    neighbour: Neighbour
    match: Study
    maps: PairMaps


@dataclass(frozen=True, eq=False)
class Report:
    """One search on its way into a file.

    neighbours : those of the chosen cases that the actor may see, in the order of the answer
    left_out   : how many of the chosen were left out because consent was withdrawn or the study removed since
    ratings    : the ratings that count on these neighbours, of everyone, oldest first
    study      : returns a neighbour's study with its content by its id
    when       : moment of the export, UTC
    first      : those of the neighbours that stand on the first page
    reader     : who read the cases, "" where nobody says so; comment : what the reader says
    drawn      : what the actor drew on the query and on these neighbours, oldest first
    """

    answer: Answer
    neighbours: tuple[Neighbour, ...]
    left_out: int
    ratings: tuple[Rating, ...]
    study: Callable[[str], Study]
    when: datetime
    audit_id: int
    who: str
    key: bytes
    explained: Explained | None = None
    first: tuple[Neighbour, ...] = ()
    reader: str = ""
    comment: str = ""
    drawn: tuple[Annotation, ...] = ()

    @property
    def query(self) -> Study:
        """The query with its content."""
        return self.answer.study

    @property
    def release(self) -> str:
        """Name of the release that answered."""
        return self.answer.release

    @property
    def version(self) -> str:
        """Version of Casebind."""
        return __version__

    def annotations(self, study_id: str) -> list[Annotation]:
        """Return what was drawn on the query or on one neighbour."""
        return [one for one in self.drawn if one.study_id == study_id]

    def ratings_of(self, study_id: str) -> list[Rating]:
        """Return the ratings of one neighbour."""
        return [one for one in self.ratings if one.study_id == study_id]

    def of_kind(self, modality: str) -> list[Neighbour]:
        """Return the neighbours of one modality."""
        return [one for one in self.neighbours if one.modality == modality]

    def kinds(self) -> tuple[str, ...]:
        """Return the modalities that were searched, in the order of the answer."""
        return tuple(self.answer.nothing_close)


def chosen(answer: Answer, cases: Sequence[str]) -> tuple[Neighbour, ...]:
    """Return the neighbours of these ids, or all where none is named; UsageError where one is not among them."""
    if not answer.verdict.accepted:
        raise UsageError("The query was refused by the quality check, so there is nothing to export.")
    known = {one.study_id: one for one in answer.neighbours}
    for study_id in cases:
        if study_id not in known:
            raise UsageError(f"Study {study_id} is not among the results of {answer.query_id}: take an id from them.")
    return tuple(known[study_id] for study_id in dict.fromkeys(cases)) if cases else answer.neighbours


def check_query(workspace: Workspace, answer: Answer, *, actor: Actor) -> None:
    """Raise UsageError where the query is of a patient who has withdrawn consent."""
    patient_id = answer.study.facts.get("patient_id")
    if patient_id and not workspace.consent(str(patient_id), actor=actor):
        raise UsageError(f"The patient of {answer.query_id} has withdrawn consent, so it can no longer be exported.")
