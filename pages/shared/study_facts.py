"""What is known of one study of the collection, in words."""

from __future__ import annotations

from collections.abc import Sequence

from engine.reference import ReferenceFinding
from engine.retrieval import wording
from engine.store.records import StudyRow
from engine.strings import text
from pages.shared import case_card, resources
from pages.shared.markdown import escaped


def kind(row: StudyRow) -> str:
    """Return icon, word and mark of a study as Markdown."""
    return f"{_kind(row)}{case_card.synthetic_badge(row.synthetic)}"


def kind_and_labels(row: StudyRow) -> str:
    """Return icon, word, labels and mark of a study as Markdown."""
    words = text("collections.kind_and_labels", kind=_kind(row), labels=named(row))
    return f"{words}{case_card.synthetic_badge(row.synthetic)}"


def _kind(row: StudyRow) -> str:
    return f"{text(f'icon.{row.modality}')} {text(f'modality_one.{row.modality}')}"


def kind_in_table(modality: str, synthetic: bool) -> str:
    """Return the word of a modality and the mark of a synthetic study, for a table's cell."""
    word = text(f"modality_one.{modality}")
    return f"{word} ({text('card.synthetic')})" if synthetic else word


def synthetic_ids(study_ids: list[str]) -> set[str]:
    """Return those of the studies that are synthetic."""
    return {row.study_id for row in resources.workspace().rows(study_ids, actor=resources.actor()) if row.synthetic}


def named(row: StudyRow) -> str:
    """Return the labels in words, as Markdown."""
    return escaped(wording.labels(row.labels))


def labelled(row: StudyRow) -> str:
    """Return how a study is labelled, as Markdown."""
    names = f"**{named(row)}**"
    return f"{text('card.labelled_as')} {names}" if row.labels else names


def reference_lines(findings: Sequence[ReferenceFinding]) -> str:
    """Return what is known for sure of findings, a line each, as Markdown."""
    return "  \n".join(f":small[{escaped(wording.reference_finding(one))}]" for one in findings)


def about(row: StudyRow, *, labels: bool = True) -> str:
    """Return labels where they are asked for, who gave them, person and origin as Markdown."""
    known = [
        wording.labelled_by(row.labels, row.label_source),
        wording.person(row.age, row.sex, row.view),
        wording.origin(row.cohort, row.licence),
    ]
    lines = [labelled(row)] if labels else []
    return "  \n".join([*lines, *(f":small[{escaped(line)}]" for line in known if line)])
