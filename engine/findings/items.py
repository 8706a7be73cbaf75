"""The words between two commas, and what they say: the findings that they name, what is around these, sides."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from engine.findings.matching import Match, matches_in
from engine.findings.names import CONJUNCTIONS, SHORT, Grammar, grammar
from engine.findings.phrases import Found, PhraseIndex, inside
from engine.findings.words import TextWord

FAR = 1000  # words; further than any side from its finding
UNLESS, UNTIL, AFTER, BEFORE = "unless", "until", "after", "before"


@lru_cache(maxsize=1)
def _denials() -> dict[str, PhraseIndex[str]]:
    """Return the phrases that deny what is typed, by their kind."""
    return {kind: PhraseIndex(dict.fromkeys(getattr(grammar(), kind), kind)) for kind in (UNLESS, UNTIL, AFTER, BEFORE)}


@lru_cache(maxsize=1)
def _sides() -> PhraseIndex[str]:
    return PhraseIndex(grammar().sides)


class Item:
    """The words between two commas, and what they say.

    denials : what denies typed words, where names leave words to it
    unknown, clinical : how many words nobody knows, and how many are clinical ones beside names
    """

    def __init__(self, words: Sequence[TextWord], rules: Grammar) -> None:
        self.words, self.rules = words, rules
        self.matches = matches_in(words, rules)
        quiet = _denials()[UNLESS].among(words, self.named)
        taken = self.named | inside(quiet)
        self.denials = [one for kind in (UNTIL, AFTER, BEFORE) for one in _denials()[kind].among(words, taken)]
        self._sides = [(one.start, one.says) for one in _sides().among(words, self.named)]
        around = inside(one for one in self.denials if one.says != UNTIL) | taken
        self.unknown = self.clinical = 0
        for place, word in enumerate(words):
            if place in around or word.is_any(rules.function) or word.raw.isdigit():
                continue
            if (word.spelt and word.is_any(rules.context)) or self.is_side(place):
                self.clinical += 1
            elif not word.is_any(CONJUNCTIONS | rules.alternatives):
                self.unknown += 1
        self.says_or = any(word.is_any(rules.alternatives) for word in words)

    @property
    def named(self) -> set[int]:
        """Return the places of the words of names."""
        return {place for match in self.matches for place in match.places}

    @property
    def is_bare(self) -> bool:
        """Say whether there is nothing but findings and words that join."""
        named, joins = self.named, self.rules.function | CONJUNCTIONS
        return all(place in named or word.is_any(joins) for place, word in enumerate(self.words))

    def begins_with_finding(self, others: int = 0) -> bool:
        """Say whether nothing but words that join or describe stands before the first finding, and so many others."""
        known = self.rules.function | self.rules.context | self.rules.alternatives | CONJUNCTIONS
        first = min(match.start for match in self.matches)
        return others >= sum(
            not word.is_any(known) and not self.is_side(place) for place, word in enumerate(self.words[:first])
        )

    def of(self, kind: str) -> list[Found[str]]:
        """Return what denies in one way."""
        return [one for one in self.denials if one.says == kind]

    def written(self, match: Match) -> str:
        """Return the words of a name as they stand there."""
        return "".join(self.words[place].raw for place in sorted(match.places))

    def in_capitals(self, match: Match) -> bool:
        """Say whether a name is an abbreviation of at least SHORT letters, in capitals."""
        written = self.written(match)
        return len(written) >= SHORT and written.isupper() and written.isalpha()

    def attach_sides(self) -> None:
        """Give each side to the nearest finding, over as few conjunctions as can be; the following one at a tie."""
        for place, side in self._sides:
            nearest = min(self.matches, key=lambda match: self._distance(place, match), default=None)
            if nearest is not None:
                nearest.sides.add(side)

    def is_side(self, place: int) -> bool:
        """Say whether a side stands at a word."""
        return any(start == place for start, _ in self._sides)

    def _distance(self, place: int, match: Match) -> float:
        low, high = (place, match.start) if place < match.start else (match.end - 1, place)
        between = range(low + 1, high)
        joined = sum(self.words[one].is_any(CONJUNCTIONS | self.rules.alternatives) for one in between)
        told_before = 0.0 if place < match.start else 0.5
        return FAR * joined + len(between) + told_before


def listed(items: Sequence[Item], others: int = 0) -> Sequence[Item]:
    """Return the items that go on with a list: up to one that "or" closes, or all where they are findings alone.

    others : words that nobody knows before a finding at most
    """
    rest: list[Item] = []
    for other in items:
        triggers = bool(other.of(BEFORE) or other.of(AFTER))
        closes = other.says_or and triggers  # "ni", "noch" and "nor" close the list and deny themselves
        if (triggers and not closes) or other.of(UNTIL) or not other.matches or not other.begins_with_finding(others):
            break
        rest.append(other)
        if closes:
            break
    closing = max((n for n, other in enumerate(rest) if other.says_or), default=-1)
    if len(rest) > 1 and len(rest) == len(items) and all(other.is_bare for other in rest):
        closing = len(rest) - 1
    return rest[: closing + 1]
