"""What is shown, in a few words: for the browser's title and the list of own searches."""

from __future__ import annotations

from engine.retrieval import wording
from engine.retrieval.answer import Answer
from engine.strings import several, text
from engine.study import Study
from pages.shared import content

LONGEST = 60  # characters of a query in a title


def query_in_words(answer: Answer) -> str:
    """Return what was asked: typed words, the query's own labels, or its kind."""
    return study_in_words(answer.study)


def study_in_words(study: Study) -> str:
    """Return what a query is: typed words, its own labels, or its kind."""
    if study.facts.get("like"):
        return several(len(study.facts["like"]), "like.title")
    if study.modality == "text":
        return content.shortened(study.note.text, LONGEST)
    labels = tuple(study.facts.get("labels") or ())
    return content.shortened(wording.labels(labels), LONGEST) if labels else text(f"modality_one.{study.modality}")
