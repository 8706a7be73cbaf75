"""Phrases of folded words, found among the words of an item: the longest first, adverbs inside them passed over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from engine.findings.names import Phrase, grammar
from engine.findings.words import TextWord

Said = TypeVar("Said")


class Found(NamedTuple, Generic[Said]):
    """A phrase at words start..end, and what it says."""

    start: int
    end: int
    says: Said


class PhraseIndex(Generic[Said]):
    """Phrases with what each says."""

    def __init__(self, said: Mapping[Phrase, Said]) -> None:
        self._by_first: dict[str, list[tuple[Phrase, Said]]] = defaultdict(list)
        for phrase, says in said.items():
            self._by_first[phrase[0]].append((phrase, says))

    def among(self, words: Sequence[TextWord], taken: Iterable[int]) -> list[Found[Said]]:
        """Return the phrases that stand on words not taken, in their order; of two that overlap, the longer."""
        candidates = []
        for start, word in enumerate(words):
            for reading in word.readings:
                for phrase, says in self._by_first.get(reading, ()):
                    end = _end_of(words, phrase, start)
                    if end is not None:
                        candidates.append((-len(phrase), start, end, says))
        found, used = [], set(taken)
        for _, start, end, says in sorted(candidates, key=lambda one: one[:3]):
            if used.isdisjoint(range(start, end)):
                found.append(Found(start, end, says))
                used.update(range(start, end))
        return sorted(found, key=lambda one: one.start)


def inside(found: Iterable[Found[Said]]) -> set[int]:
    """Return the places of the words of phrases."""
    return {place for one in found for place in range(one.start, one.end)}


def _end_of(words: Sequence[TextWord], phrase: Phrase, start: int) -> int | None:
    """Return where a phrase that begins at a word ends; None where it is not there."""
    place, adverbs = start, grammar().adverbs
    for wanted in phrase:
        while start < place < len(words) and wanted not in words[place].readings and words[place].is_any(adverbs):
            place += 1
        if place == len(words) or wanted not in words[place].readings:
            return None
        place += 1
    return place
