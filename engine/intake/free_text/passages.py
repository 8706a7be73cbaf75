"""Passages: what the rules find, one beside the other, and a text with passages replaced by what they are.

Rules were weighed against Presidio: it needs a spaCy pipeline for every language to find names, and none of those is
published as a package by its makers. What rules find is measured (`casebind evaluate free-text`); they miss a name in
small letters, and one that nothing around it betrays and no list of given names has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from engine.intake.free_text import contacts, dates, names, numbers

Kind = Literal["name", "date", "number", "phone", "mail", "address", "age"]
KINDS: tuple[Kind, ...] = ("name", "date", "number", "phone", "mail", "address", "age")


@dataclass(frozen=True, order=True)
class Passage:
    """A stretch of a text: characters start … end − 1, and what they seem to be."""

    start: int
    end: int
    kind: Kind


def found_in(text: str) -> tuple[Passage, ...]:
    """Return the passages of a text that may tell who somebody is, in order, none over another."""
    owner: list[Kind | None] = [None] * len(text)  # by letter; where two rules meet the earlier one counts
    begins: set[int] = set()
    for passage in _candidates(text):
        free = {at for at in range(passage.start, passage.end) if owner[at] is None}
        for at in free:
            owner[at] = passage.kind
        begins |= {at for at in free if at == passage.start or at - 1 not in free}
    return tuple(sorted(_runs(text, owner, begins)))


def replaced(text: str, passages: Iterable[Passage]) -> str:
    """Return a text with [name], [date], … in the place of passages."""
    for one in sorted(passages, reverse=True):
        text = f"{text[: one.start]}[{one.kind}]{text[one.end :]}"
    return text


def _runs(text: str, owner: list[Kind | None], begins: set[int]) -> Iterator[Passage]:
    """Yield each run of letters of one passage, without the blanks and commas at its ends; none of a single letter."""
    at = 0
    while at < len(text):
        kind, end = owner[at], at + 1
        if kind is not None:
            while end < len(text) and owner[end] == kind and end not in begins:
                end += 1
            words = text[at:end]
            start = at + len(words) - len(words.lstrip(" ,;:\n"))
            last = at + len(words.rstrip(" ,;:\n"))
            words = text[start:last]
            if sum(map(str.isalnum, words)) > 1 and (kind != "name" or words != words.lower()):
                yield Passage(start, last, kind)
        at = end


def _candidates(text: str) -> Iterator[Passage]:
    for kind, spans in (
        ("mail", contacts.mails(text)),
        ("address", contacts.addresses(text)),
        ("number", numbers.labelled(text)),
        ("phone", contacts.labelled_phones(text)),
        ("date", dates.dates(text)),
        ("number", numbers.shaped(text)),
        ("phone", contacts.phones(text)),
        ("number", numbers.long(text)),
        ("name", names.names(text)),
        ("age", dates.ages(text)),
    ):
        yield from (Passage(start, end, kind) for start, end in spans)  # type: ignore[arg-type]
