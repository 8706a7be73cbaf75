"""Typed words and what they found in words, the same on a page and in the shell."""

from __future__ import annotations

from collections.abc import Sequence

from engine.findings import Mention
from engine.retrieval.answer import Neighbour
from engine.retrieval.typed_words import LabelCount, TypedWords
from engine.retrieval.wording import label
from engine.strings import several, text


def mention(one: Mention) -> str:
    """Return a finding as it was understood, e.g. "no pleural effusion" or "pneumothorax, left"."""
    finding = label(one.finding)
    sided = text("typed.sided", finding=finding, side=text(f"typed.side_{one.side}")) if one.side else finding
    return text("typed.negated", finding=sided) if one.negated else sided


def understood(words: TypedWords) -> str:
    """Return the sentence of what was understood, or that nothing was, with what is near."""
    if words.understood:
        return text("typed.understood_line", findings="; ".join(map(mention, words.understood)))
    near = [
        text(f"typed.{name}", names=", ".join(names))
        for name, names in (("near_in_spelling", words.near_in_spelling), ("near_in_meaning", words.near_in_meaning))
        if names
    ]
    said = "; ".join(near)
    return f"{text('typed.unknown')} {said[0].upper()}{said[1:]}." if said else unknown_alone()


def unknown_alone() -> str:
    """Return that nothing was understood and nothing is near."""
    return f"{text('typed.unknown')} {text('typed.none_near')}"


def count(one: LabelCount, modality: str) -> str:
    """Return how many studies of a modality are labelled so, e.g. "104 chest films labelled cardiomegaly"."""
    names = text("typed.and").join(map(label, one.findings))
    single, many = text(f"modality_plain.{modality}"), text(f"modality_plains.{modality}")
    if one.instead_of:
        return several(one.studies, "typed.instead", modality=single, asked=label(one.instead_of), findings=names)
    said = "not_labelled" if one.negated else "labelled"
    if one.studies == 0:
        return text(f"typed.{said}_none", modality=single, findings=names)
    return several(one.studies, f"typed.{said}", modality=single if one.studies == 1 else many, findings=names)


def counts(words: TypedWords, modality: str) -> str:
    """Return the counts of one modality as one line; "" where labels did not count."""
    said: Sequence[LabelCount] = words.counts.get(modality, ())
    return "; ".join(count(one, modality) for one in said) + "." if said else ""


def card(words: TypedWords, neighbour: Neighbour) -> str:
    """Return why a study stands among the results."""
    if words.by_meaning:
        return text("typed.card_meaning")
    joined = text("typed.and")
    if neighbour.study_id in words.labelled_as:
        return text("typed.card_labelled", findings=joined.join(map(label, words.labelled_as[neighbour.study_id])))
    affirmed = [label(one.finding) for one in words.understood if not one.negated]
    if affirmed:
        return text("typed.card_not_labelled", findings=joined.join(affirmed))
    return text("typed.card_without", findings=joined.join(label(one.finding) for one in words.understood))


def side(words: TypedWords) -> str:
    """Return that the side is not recorded, where one is asked for and none is; else ""."""
    return text("typed.no_side") if words.side_recorded is False else ""
