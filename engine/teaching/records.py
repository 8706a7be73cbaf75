"""What teaching is made of, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.store.records import StudyRow
from engine.study import Modality

Asks = Literal["one", "all"]
"""one: which single label a case carries; all: which of the options it carries."""

Order = Literal["fixed", "shuffled"]
ORDERS: tuple[Order, ...] = ("fixed", "shuffled")


@dataclass(frozen=True)
class TeachingCollection:
    """An ordered choice of cases.

    cases  : how many are shown
    hidden : how many are not, because their patient withdrew consent or the study was deleted
    """

    collection_id: str
    title: str
    description: str
    who: str
    created_at: datetime
    cases: int
    hidden: int


@dataclass(frozen=True)
class CollectionCase:
    """One case of a collection with the note about it."""

    study_id: str
    note: str
    query_id: str | None
    row: StudyRow


@dataclass(frozen=True)
class Quiz:
    """A fixed set of questions; `source` says in words what it was built from."""

    quiz_id: str
    title: str
    asks: Asks
    order: Order
    seed: int
    source: str
    who: str
    created_at: datetime
    questions: int


@dataclass(frozen=True)
class Given:
    """One committed answer."""

    chosen: tuple[str, ...]
    right: bool
    answered_at: datetime


@dataclass(frozen=True)
class QuizQuestion:
    """One question of a run. `labelled` are those of the options that the case carries in this collection."""

    position: int
    quiz_id: str
    number: int
    study_id: str
    modality: Modality
    asks: Asks
    options: tuple[str, ...]
    labelled: tuple[str, ...]
    note: str
    given: Given | None


@dataclass(frozen=True)
class Run:
    """One learner's way through a quiz, or through due cases where `quiz_id` is None.

    questions : those whose case may be shown now, in the order of this run
    hidden    : how many others there are
    """

    run_id: str
    quiz_id: str | None
    alias: str
    attempt: int
    seed: int
    order: Order
    questions: tuple[QuizQuestion, ...]
    hidden: int

    @property
    def current(self) -> QuizQuestion | None:
        """The first question without an answer; None when the run is finished."""
        return next((one for one in self.questions if one.given is None), None)

    @property
    def right(self) -> int:
        """How many answers agree with the labels."""
        return sum(one.given is not None and one.given.right for one in self.questions)
