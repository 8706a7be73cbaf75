"""Typed words: studies that the collection labels so come first, those near the words follow.

Words are read as findings (engine.findings.recogniser). In each target modality come

affirmed : studies labelled with all of the findings, then with some, each group by nearness of its codes to the words';
           then the nearest that are labelled with none, but not those whose normal label denies one
denied   : never a study labelled with it. Where nothing is affirmed, normal studies come first, then those with other
           labels; labels are positive alone, so "not labelled with" is all that can be said
side     : studies whose label or report names the other side are left out; those that name it come first

Words that name no finding find nothing; they are answered with findings near in spelling and in meaning. On demand
(Options.by_meaning) the words' embedding alone is searched. No share is stated of any of these: what was counted holds
for recordings. The mask of actor, consent and filters is that of every search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.findings import NORMAL
from engine.findings.names import known_findings, with_narrower
from engine.findings.recogniser import Mention, findings_named, labels_of, recognise
from engine.findings.suggestions import near_in_spelling
from engine.retrieval.answer import MAX_NEIGHBOURS, Neighbour, Options
from engine.retrieval.meaning import near_in_meaning
from engine.retrieval.neighbours import neighbours_of
from engine.retrieval.typed_words import LabelCount, TypedWords
from engine.store.filters import Clause, both, sharing_labels, without_labels
from engine.store.records import StoredQuery, StudyRow
from engine.study import Modality
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

SIDE_POOL = 10  # times as many as are asked for, of which those of the side are chosen
Found = tuple[list[Neighbour], dict[str, bool], tuple[str, ...]]  # as neighbours_of returns it


@dataclass(frozen=True)
class LabelGroup:
    """The labels of one modality that mean an affirmed finding, or what stands for it where there are none."""

    mention: Mention
    finding: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Tier:
    """Which studies come next, and whether they are labelled so."""

    clause: Clause
    labelled: bool


@dataclass(frozen=True, eq=False)
class TypedQuestion:
    """Typed words as a stored query, who asks them and how."""

    workspace: Workspace
    release: Release
    stored: StoredQuery
    own: Clause
    options: Options
    actor: Actor

    def nearest(self, into: Modality, clause: Clause, k: int, found: Sequence[Neighbour]) -> Found:
        """Return the k nearest of one modality that meet a clause, none of a patient who was found already."""
        filters = self.options.filters
        patients = (*filters.without_patients, *dict.fromkeys(one.patient_id for one in found))
        options = replace(self.options, targets=(into,), k=k, filters=replace(filters, without_patients=patients))
        return neighbours_of(
            self.workspace, self.release, self.stored, both(self.own, clause), options, actor=self.actor
        )


def answer_typed(
    workspace: Workspace, release: Release, stored: StoredQuery, own: Clause, options: Options, *, actor: Actor
) -> tuple[Found, TypedWords]:
    """Return what typed words find, as `neighbours_of` does, and what they were understood as."""
    question = TypedQuestion(workspace, release, stored, own, options, actor)
    understood = recognise(stored.study.note.text)
    if options.by_meaning:
        near, nothing_close, missing = neighbours_of(workspace, release, stored, own, options, actor=actor)
        words = TypedWords(understood, by_meaning=True) if understood else replace(_unknown(question), by_meaning=True)
        return ([_unshared(one, one.rank) for one in near], nothing_close, missing), words
    if not understood:
        return ([], dict.fromkeys(map(str, options.targets), True), ()), _unknown(question)
    answers = [_in_modality(question, into, understood) for into in options.targets if into in release.modalities]
    sides = [one.side_recorded for one in answers if one.side_recorded is not None]
    words = TypedWords(
        understood,
        counts={str(one.into): one.counts for one in answers},
        labelled_as={study_id: names for one in answers for study_id, names in one.labelled_as.items()},
        side_recorded=any(sides) if sides else None,
    )
    neighbours = [neighbour for one in answers for neighbour in one.neighbours]
    missing = tuple(dict.fromkeys(site for one in answers for site in one.missing))
    return (neighbours, {str(one.into): one.nothing_close for one in answers}, missing), words


@dataclass(frozen=True, eq=False)
class ModalityAnswer:
    """What typed words find in one modality."""

    into: Modality
    neighbours: list[Neighbour]
    nothing_close: bool
    missing: tuple[str, ...]
    counts: tuple[LabelCount, ...]
    labelled_as: dict[str, tuple[str, ...]]
    side_recorded: bool | None


def _in_modality(question: TypedQuestion, into: Modality, understood: Sequence[Mention]) -> ModalityAnswer:
    labels = question.workspace.labels(into, actor=question.actor)
    affirmed = [one for one in understood if not one.negated]
    groups = [_group(mention, into, labels) for mention in affirmed]
    denied = tuple(
        dict.fromkeys(label for one in understood if one.negated for label in labels_of(one.finding, labels))
    )
    tiers = _affirmed_tiers(groups, denied, labels, into) if affirmed else _denied_tiers(denied, labels)
    wants_side = any(one.side for one in affirmed)
    found: list[Neighbour] = []
    missing: tuple[str, ...] = ()
    nothing_close, side_recorded, labelled = True, False, 0
    for tier in tiers:
        wanted = question.options.k - len(found)
        if wanted <= 0:
            break
        most = min(SIDE_POOL * question.options.k, MAX_NEIGHBOURS) if wants_side and tier.labelled else wanted
        near, far_off, silent = question.nearest(into, tier.clause, most, found)
        if wants_side and tier.labelled:
            near, named = _of_side(question, near, affirmed)
            side_recorded |= named
        found += near[:wanted]
        labelled += len(near) if tier.labelled else 0
        nothing_close = far_off.get(str(into), True)
        missing += silent
    return ModalityAnswer(
        into,
        [_unshared(one, rank) for rank, one in enumerate(found, start=1)],
        nothing_close and not labelled,
        missing,
        tuple(_counts(question, into, groups, denied, understood)),
        _labelled_as(found, groups),
        side_recorded if wants_side else None,
    )


def _group(mention: Mention, into: Modality, labels: Sequence[str]) -> LabelGroup:
    """Return the labels that mean a finding and do not name another side."""
    row = known_findings()[mention.finding]
    stands_for = (row.name, row.otherwise) if into in row.modalities or into == "text" else (row.name,)
    for finding in filter(None, stands_for):
        meant = labels_of(finding, labels)
        if meant:
            return LabelGroup(
                mention, finding, tuple(label for label in meant if _may_be(label, finding, mention.side))
            )
    return LabelGroup(mention, mention.finding, ())


def _may_be(label: str, finding: str, side: str | None) -> bool:
    """Say whether a label is of the side that is asked for, or of no side."""
    sides = {named for one, named in findings_named(label) if one in with_narrower(finding) and named}
    return side is None or not sides or bool(sides & {side, "bilateral"})


def _affirmed_tiers(
    groups: Sequence[LabelGroup], denied: Sequence[str], labels: Sequence[str], into: Modality
) -> list[Tier]:
    """Return labelled with all, with ever fewer, and with none of the findings."""
    named = [group.labels for group in groups if group.labels]
    free = without_labels(denied, labelled=False)
    tiers = [Tier(both(free, sharing_labels(named, exactly)), True) for exactly in range(len(named), 0, -1)]
    refuting = [group for group in groups if _denied_by_normal(group.mention, into)]
    unlike = {label for group in groups for label in labels_of(group.finding, labels)} | set(denied)
    if len(refuting) == len(groups):
        unlike |= set(labels_of(NORMAL, labels))
    return [*tiers, Tier(without_labels(sorted(unlike), labelled=False), False)]


def _denied_by_normal(mention: Mention, into: Modality) -> bool:
    """Say whether a normal label of this modality says that the finding is not there."""
    return into in known_findings()[mention.finding].modalities and mention.finding not in with_narrower(NORMAL)


def _denied_tiers(denied: Sequence[str], labels: Sequence[str]) -> list[Tier]:
    """Return normal studies, then those that are labelled, but not with what is denied."""
    free = without_labels(denied, labelled=True)
    normal = labels_of(NORMAL, labels)
    tiers = [Tier(both(free, sharing_labels([normal], count)), True) for count in (1, 0)] if normal else []
    return tiers or [Tier(free, True)]


def _counts(
    question: TypedQuestion,
    into: Modality,
    groups: Sequence[LabelGroup],
    denied: Sequence[str],
    understood: Sequence[Mention],
) -> Iterator[LabelCount]:
    """Yield how many studies of a modality are labelled with all findings, with each, and not with what is denied."""
    free = without_labels(denied, labelled=False)
    if len(groups) > 1:
        every = tuple(dict.fromkeys(group.finding for group in groups))
        named = [group.labels for group in groups]
        clause = both(free, sharing_labels(named, len(named)))
        yield LabelCount(every, _count(question, into, clause) if all(named) else 0)
    for group in groups:
        n = _count(question, into, both(free, sharing_labels([group.labels], 1))) if group.labels else 0
        instead_of = group.mention.finding if group.finding != group.mention.finding else ""
        yield LabelCount((group.finding,), n, instead_of=instead_of)
    if not groups:
        names = tuple(dict.fromkeys(one.finding for one in understood))
        yield LabelCount(names, _count(question, into, without_labels(denied, labelled=True)), negated=True)


def _count(question: TypedQuestion, into: Modality, clause: Clause) -> int:
    return question.workspace.count(into, [*question.options.filters.clauses(), clause], actor=question.actor)


def _of_side(
    question: TypedQuestion, near: Sequence[Neighbour], affirmed: Sequence[Mention]
) -> tuple[list[Neighbour], bool]:
    """Return those of the side first and none of the other one; and whether a label or a report names any side."""
    rows = {row.study_id: row for row in question.workspace.rows([one.study_id for one in near], actor=question.actor)}
    agreeing = {one.study_id: _agrees(rows[one.study_id], affirmed) for one in near if one.study_id in rows}
    kept = [one for one in near if agreeing.get(one.study_id) is not False]
    ordered = sorted(kept, key=lambda one: agreeing.get(one.study_id) is None)
    return ordered, any(verdict is not None for verdict in agreeing.values())


def _agrees(row: StudyRow, affirmed: Sequence[Mention]) -> bool | None:
    """Say whether a study's labels and report name the sides that are asked for; None where they name none."""
    written = [*row.labels, *([row.report] if row.report else [])]
    verdicts = []
    for asked in affirmed:
        kinds = with_narrower(asked.finding)
        sides = {side for text in written for finding, side in findings_named(text) if finding in kinds and side}
        if asked.side and sides:
            verdicts.append(bool(sides & {asked.side, "bilateral"}))
    return all(verdicts) if verdicts else None


def _labelled_as(found: Sequence[Neighbour], groups: Sequence[LabelGroup]) -> dict[str, tuple[str, ...]]:
    """Return study id → the findings that it is labelled with; studies with none are left out."""
    named = {
        one.study_id: tuple(dict.fromkeys(group.finding for group in groups if set(group.labels) & set(one.labels)))
        for one in found
    }
    return {study_id: findings for study_id, findings in named.items() if findings}


def _unknown(question: TypedQuestion) -> TypedWords:
    text = question.stored.study.note.text
    return TypedWords((), near_in_spelling=near_in_spelling(text), near_in_meaning=near_in_meaning(text))


def _unshared(neighbour: Neighbour, rank: int) -> Neighbour:
    """Return a neighbour at another rank, of which no share is stated."""
    return replace(neighbour, rank=rank, relevance=None)
