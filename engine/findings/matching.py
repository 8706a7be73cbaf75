"""Names of findings among the words of an item: from left to right, the longest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from engine.findings.names import CONJUNCTIONS, Grammar, Name, names_by_first
from engine.findings.words import TextWord

MOST_SKIPPED = 2  # words that describe, inside one name


@dataclass
class Match:
    """A name found at words start..end of an item; `places` are those of its own words."""

    name: Name
    start: int
    end: int
    places: frozenset[int]
    negated: bool = False
    hedged: bool = False
    sides: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Places:
    """Where the words of a name stand, and whether a denial stands between them ("heart is not enlarged")."""

    places: tuple[int, ...]
    denied: bool


def matches_in(words: Sequence[TextWord], rules: Grammar) -> list[Match]:
    """Return the names in an item: the longest first, and of equals what has least inside it."""
    candidates = [match for start in range(len(words)) for match in _beginning_at(words, start, rules)]
    found: list[Match] = []
    for match in sorted(candidates, key=lambda one: (-len(one.places), one.end - one.start, one.start)):
        if all(match.end <= other.start or other.end <= match.start for other in found):
            found.append(match)
    found += [one for match in found for one in _sharing(words, match, found, rules)]
    return sorted(found, key=lambda match: match.start)


def _sharing(words: Sequence[TextWord], match: Match, found: Sequence[Match], rules: Grammar) -> Iterator[Match]:
    """Yield the names that share words with one that they are joined to: "ST elevation or depression"."""
    joins = CONJUNCTIONS | rules.alternatives
    own = [words[place] for place in sorted(match.places)]
    before, after = match.start - 2, match.end + 1
    for place, join, whole in (
        (before, match.start - 1, [*words[before : before + 1], *own[1:]]),
        (after, match.end, [*own[:-1], *words[after : after + 1]]),
    ):
        if len(own) < 2 or not 0 <= place < len(words) or not words[join].is_any(joins):
            continue
        if any(other.start <= place < other.end for other in found):
            continue
        for one in _beginning_at(whole, 0, rules):
            if len(one.places) == len(whole) and one.name.finding != match.name.finding:
                yield Match(one.name, place, place + 1, frozenset({place}), one.negated)
                break


def _beginning_at(words: Sequence[TextWord], start: int, rules: Grammar) -> list[Match]:
    """Return a name of each length and extent that begins at a word; none where a misspelt one could be two findings.

    A name that two languages give to two findings is the first language's.
    """
    alike: dict[tuple[int, int], list[Match]] = {}
    for first in words[start].stems:
        for name in names_by_first().get(first, ()):
            found = _places(words, start, name, rules)
            if found is not None:
                end = found.places[-1] + 1
                match = Match(name, start, end, frozenset(found.places), negated=found.denied != name.absent)
                alike.setdefault((len(found.places), end), []).append(match)
    return [matches[0] for matches in alike.values() if _is_sure(words, matches)]


def _is_sure(words: Sequence[TextWord], matches: Iterable[Match]) -> bool:
    """Say whether names of the same words are one finding's, or all words stand as they are spelt."""
    return len({match.name.finding for match in matches}) == 1 or all(
        words[place].spelt for match in matches for place in match.places
    )


def _places(words: Sequence[TextWord], start: int, name: Name, rules: Grammar) -> _Places | None:
    """Return where the words of a name stand from `start` on; None where they do not."""
    places, place, skipped, denied = [start], start + 1, 0, False
    for wanted in name.stems[1:]:
        while place < len(words) and wanted not in words[place].stems:
            word = words[place]
            if word.is_any(CONJUNCTIONS):
                return None
            if word.is_any(rules.inside):
                denied = True
            elif not word.is_any(rules.function):
                if not word.is_any(rules.context | rules.adverbs) and (word.readings[0],) not in rules.sides:
                    return None
                skipped += 1
            if skipped > MOST_SKIPPED:
                return None
            place += 1
        if place == len(words):
            return None
        places.append(place)
        place += 1
    if name.capitals and tuple(words[place].raw for place in places) != name.capitals:
        return None
    return _Places(tuple(places), denied)
