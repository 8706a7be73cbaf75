"""Which cases a reader study has: of a collection, or drawn from recordings; with their truth, one of each patient."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.actor import Actor
from engine.errors import UsageError
from engine.reader_study.protocol import MAX_CASES, MIN_OF_EACH, ReaderStudyPlan
from engine.reader_study.truth import Panel, read_panel, truth_of
from engine.store.filters import Filters
from engine.store.quizzes import Candidate
from engine.store.reader_studies import StudyCase
from engine.study import Modality
from engine.teaching import collections, selection
from engine.workspace.workspace import Workspace

Truth = tuple[bool, ...]


@dataclass(frozen=True)
class CaseSource:
    """Where cases come from: a collection, or recordings of one kind that filters let through.

    modality      : of the cases; None with a collection that has one kind
    n, prevalence : without a collection: how many are drawn, and the share in which the first finding is present
    panel         : the file of a panel, where the truth is its
    """

    collection_id: str | None = None
    modality: Modality | None = None
    filters: Filters = field(default_factory=Filters)
    n: int = 100
    prevalence: float = 0.5
    panel: Path | None = None


@dataclass(frozen=True)
class ChosenCases:
    """The cases in the order of their numbers, and how many were left out.

    source : in words
    without_truth, same_patient, other_kinds : of which the truth is not known, further ones of a patient, other kinds
    """

    cases: tuple[StudyCase, ...]
    modality: Modality
    source: str
    without_truth: int
    same_patient: int
    other_kinds: int


def choose(workspace: Workspace, plan: ReaderStudyPlan, source: CaseSource, *, actor: Actor) -> ChosenCases:
    """Choose and number the cases, in random order, so that a number says nothing.

    Raises UsageError where a finding is present or absent in too few, or there are too many.
    """
    found, words = _candidates(workspace, source, actor=actor)
    kinds = {one.modality for one in found if one.modality in selection.RECORDINGS}
    modality = source.modality or (kinds.pop() if len(kinds) == 1 else None)
    if modality is None:
        raise UsageError("A reader study has cases of one kind: say which by modality, or choose another collection.")
    of_kind = [one for one in found if one.modality == modality]
    panel: Panel = read_panel(source.panel, plan.findings) if source.panel is not None else {}
    known = {one.study_id: truth_of(one, plan.findings, plan.truth, panel) for one in of_kind}
    told = [(one, truth) for one in of_kind if (truth := known[one.study_id]) is not None]
    rng = random.Random(f"{plan.seed} cases")
    rng.shuffle(told)
    once = {one.study_id for one in selection.different(one for one, _ in told)}
    kept = [(one.study_id, truth) for one, truth in told if one.study_id in once]
    drawn = kept if source.collection_id else _drawn(kept, source)
    _check(plan.findings, drawn)
    rng.shuffle(drawn)
    cases = tuple(StudyCase(number, study_id, truth) for number, (study_id, truth) in enumerate(drawn, start=1))
    left = (len(of_kind) - len(told), len(told) - len(kept), len(found) - len(of_kind))
    return ChosenCases(cases, modality, words, *left)


def _candidates(workspace: Workspace, source: CaseSource, *, actor: Actor) -> tuple[Sequence[Candidate], str]:
    if source.collection_id is not None:
        title = collections.load(workspace, source.collection_id, actor=actor).title
        return selection.from_collection(workspace, source.collection_id, actor=actor), title
    if source.modality is None:
        raise UsageError("Cases are drawn from recordings of one kind: say which by its modality.")
    found = selection.from_filters(workspace, (source.modality,), source.filters, actor=actor)
    return found, source.filters.sentence


def _drawn(known: Sequence[tuple[str, Truth]], source: CaseSource) -> list[tuple[str, Truth]]:
    """Return so many cases with the first finding present and absent as were asked for, in any order."""
    wanted = round(source.n * source.prevalence)
    present = [one for one in known if one[1][0]][:wanted]
    return present + [one for one in known if not one[1][0]][: source.n - wanted]


def _check(findings: Sequence[str], cases: Sequence[tuple[str, Truth]]) -> None:
    if len(cases) > MAX_CASES:
        raise UsageError(f"A reader study has at most {MAX_CASES} cases and these are {len(cases)}: choose fewer.")
    for at, finding in enumerate(findings):
        present = sum(truth[at] for _, truth in cases)
        if min(present, len(cases) - present) < MIN_OF_EACH:
            raise UsageError(
                f"'{finding}' is present in {present} of {len(cases)} cases: choose others, so that it is present in "
                f"{MIN_OF_EACH} at least and absent in {MIN_OF_EACH}."
            )
