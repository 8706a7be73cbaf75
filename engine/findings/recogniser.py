"""Words → the findings that they name, each with what denies it and its side.

A text is read clause by clause (. ; and line ends), a clause item by item (commas). Within an item the longest name
counts; words that join or describe may stand inside it ("bloqueo completo de rama izquierda"). A word that nobody knows
may be misspelt by one edit. An everyday word ("mass") is a finding among clinical words alone, a short abbreviation in
lower case among words that are all known.

A denial ("no", "ohne") reaches to the end of its item, and over a list that "or" closes: "no effusion, pneumothorax or
oedema"; without "or" over two or more that are named and no more: "no effusion, pneumothorax, oedema". "but" ends it.
What hedges ("may reflect", "history of") reaches as far where whoever reads a report names it. A side belongs to the
nearest finding of its item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from engine.findings.names import (
    CONJUNCTIONS,
    SHORT,
    Grammar,
    Name,
    Phrase,
    forgiven_words,
    grammar,
    names_by_first,
    spoken_words,
    with_narrower,
)
from engine.findings.spelling import folded, one_edit_away, stem

WORD_OR_MARK = re.compile(r"[^\W_]+|[.,;\n!?]")
CLAUSE_END, ITEM_END = ".;\n!?", ","
MOST_SKIPPED = 2  # words that describe, inside one name
FAR = 1000  # words; further than any side from its finding


@dataclass(frozen=True)
class Mention:
    """One finding that a text names.

    finding : a name of vocabulary.toml
    side    : "left", "right", "bilateral", or None where none is said
    written : the words of the text
    hedged  : whether it is thought possible, asked for or of the past, as far as hedges were given
    """

    finding: str
    negated: bool
    side: str | None
    written: str
    hedged: bool = False


@dataclass(frozen=True)
class Hedges:
    """What keeps a finding from being stated in a report, as folded words.

    around : of what follows it in its item, else of what stands before it
    after  : of what stands before it
    """

    around: tuple[Phrase, ...] = ()
    after: tuple[Phrase, ...] = ()


@dataclass(frozen=True)
class _Word:
    """A word of a text: as written, and the folded words that it may be; `spelt` where it is one as it stands."""

    raw: str
    readings: tuple[str, ...]
    spelt: bool = True

    @property
    def stems(self) -> tuple[str, ...]:
        """Return the stems that a name may have here; an everyday word has none."""
        return tuple(stem(one) for one in self.readings if one not in grammar().everyday)


@dataclass
class _Match:
    """A name found at words start..end of an item."""

    name: Name
    start: int
    end: int
    places: frozenset[int]
    negated: bool = False
    hedged: bool = False
    sides: set[str] = field(default_factory=set)


@lru_cache(maxsize=4096)
def recognise(text: str, hedges: Hedges | None = None) -> tuple[Mention, ...]:
    """Return the findings that a text names, in their order, each once for each denial, hedge and side.

    hedges : of a report, in which an abbreviation of three capitals is clinical; None for what somebody types
    """
    mentions = [mention for clause in _clauses(text) for mention in _read_clause(clause, hedges)]
    found = {(one.finding, one.negated, one.hedged, one.side): one for one in reversed(mentions)}
    return tuple(found.values())[::-1]


@lru_cache(maxsize=4096)
def findings_named(label: str) -> frozenset[tuple[str, str | None]]:
    """Return (finding, side) of what a published label affirms."""
    return frozenset((one.finding, one.side) for one in recognise(label) if not one.negated)


def labels_of(finding: str, labels: Iterable[str]) -> tuple[str, ...]:
    """Return those of some labels that mean a finding or a kind of it, never something broader."""
    wanted = with_narrower(finding)
    return tuple(label for label in labels if any(named in wanted for named, _ in findings_named(label)))


def _clauses(text: str) -> list[list[list[_Word]]]:
    """Return clauses of items of words; a dot after one or two letters ("li.", "o. B.") ends nothing."""
    clauses: list[list[list[_Word]]] = [[[]]]
    last = ""
    for found in WORD_OR_MARK.finditer(text):
        mark = found.group()
        inside = text[found.end() : found.end() + 1].isalnum() and mark in ".,"  # 7.5, d.h
        if mark in CLAUSE_END and not inside and not (mark == "." and len(last) <= 2):
            clauses.append([[]])
        elif mark in ITEM_END and not inside:
            clauses[-1].append([])
        elif mark not in CLAUSE_END + ITEM_END:
            clauses[-1][-1].append(_word(mark))
            last = mark
    return clauses


def _word(raw: str) -> _Word:
    plain = folded(raw)
    if not plain.isascii() or plain in spoken_words() or plain in grammar().everyday or stem(plain) in _stems():
        return _Word(raw, (plain,))
    near = _corrected(plain)
    return _Word(raw, near or (plain,), spelt=not near)


@lru_cache(maxsize=1)
def _stems() -> frozenset[str]:
    return frozenset(stem(word) for word in spoken_words())


@lru_cache(maxsize=16384)
def _corrected(plain: str) -> tuple[str, ...]:
    return one_edit_away(plain, forgiven_words())


def _read_clause(clause: list[list[_Word]], hedges: Hedges | None) -> list[Mention]:
    rules, is_report = grammar(), hedges is not None
    items = [_Item(words, rules, hedges or Hedges()) for words in clause]
    named = sum(not one.name.weak or (is_report and item.in_capitals(one)) for item in items for one in item.matches)
    strong = sum(item.unknown for item in items) <= named + sum(item.clinical for item in items)
    every_word_known = not any(item.unknown for item in items)
    for item in items:
        item.matches = [
            one
            for one in item.matches
            if (is_report and item.in_capitals(one)) or _counts(one, item, strong, every_word_known)
        ]
        item.deny()
        item.hedge()
    _continue_lists(items)
    for item in items:
        item.attach_sides()
    return [item.mention(match) for item in items for match in item.matches]


def _counts(match: _Match, item: _Item, clinical: bool, every_word_known: bool) -> bool:
    """Say whether a weak name counts here."""
    if not match.name.weak:
        return True
    written = [item.words[place].raw for place in sorted(match.places)]
    if len("".join(written)) <= SHORT and not all(word.isupper() for word in written):
        return every_word_known and not all(_any(item.words[one], item.rules.function) for one in match.places)
    return clinical


def _continue_lists(items: Sequence[_Item]) -> None:
    """Let a denial or a hedge reach over the items of a list: one that "or" closes, or one of findings alone."""
    for at, item in enumerate(items):
        if not item.open_denial and not item.open_hedge:
            continue
        rest = []
        for other in items[at + 1 :]:
            closes = other.says_or and other.triggers  # "ni", "noch" and "nor" close the list and deny themselves
            if (other.triggers and not closes) or other.ended or not other.matches or not other.begins_with_finding:
                break
            rest.append(other)
            if closes:
                break
        closing = max((n for n, other in enumerate(rest) if other.says_or), default=-1)
        if len(rest) > 1 and at + len(rest) == len(items) - 1 and all(other.is_bare for other in rest):
            closing = len(rest) - 1
        for other in rest[: closing + 1]:
            for match in other.matches:
                match.negated |= item.open_denial
                match.hedged |= item.open_hedge


class _Item:
    """The words between two commas, and what they say."""

    def __init__(self, words: list[_Word], rules: Grammar, hedges: Hedges) -> None:
        self.words, self.rules = words, rules
        self.matches = _matches(words, rules)
        named = {place for match in self.matches for place in match.places}
        self._hedges_after = _spans(words, hedges.after, named)
        self._hedges = _spans(words, hedges.around, named | _inside(self._hedges_after))
        hedging = _inside(self._hedges_after + self._hedges)
        self._quiet = hedging | _inside(_spans(words, rules.unless, named | hedging))
        taken = named | self._quiet
        self._until = [start for start, _ in _spans(words, rules.until, taken)]
        self._after = _spans(words, rules.after, taken)
        self._before = _spans(words, rules.before, taken)
        around = _inside([*self._after, *self._before]) | self._quiet
        self._sides = [(start, rules.sides[phrase]) for start, _, phrase in _phrases(words, rules.sides, named)]
        self.unknown = self.clinical = 0
        for place, word in enumerate(words):
            if place in named or place in around or _any(word, rules.function) or word.raw.isdigit():
                continue
            if (word.spelt and _any(word, rules.context)) or any(start == place for start, _ in self._sides):
                self.clinical += 1
            elif not _any(word, CONJUNCTIONS | rules.alternatives):
                self.unknown += 1
        self.triggers = bool(self._before or self._after)
        self.ended = bool(self._until)
        self.says_or = any(_any(word, rules.alternatives) for word in words)
        self.open_denial = self.open_hedge = False

    @property
    def is_bare(self) -> bool:
        """Say whether there is nothing but findings and words that join."""
        named = {place for match in self.matches for place in match.places}
        joins = self.rules.function | CONJUNCTIONS
        return all(place in named or _any(word, joins) for place, word in enumerate(self.words))

    def in_capitals(self, match: _Match) -> bool:
        """Say whether a name is an abbreviation of at least SHORT letters, in capitals."""
        written = "".join(self.words[place].raw for place in sorted(match.places))
        return len(written) >= SHORT and written.isupper() and written.isalpha()

    @property
    def begins_with_finding(self) -> bool:
        """Say whether nothing but words that join or describe stands before the first finding."""
        first = min(match.start for match in self.matches)
        return all(_any(word, self.rules.function | self.rules.context | self.rules.alternatives | CONJUNCTIONS)
                   or any(start == place for start, _ in self._sides)
                   for place, word in enumerate(self.words[:first]))  # fmt: skip

    def deny(self) -> None:
        """Mark the findings that a denial reaches."""
        after = [(start, end) for start, end in self._after if any(match.end <= start for match in self.matches)]
        covered = {place for start, end in after for place in range(start, end)}
        before = [start for start, _ in self._before if start not in covered]
        for start, _ in after:
            first = max((stop for stop in self._until if stop < start), default=-1)
            for match in self.matches:
                match.negated |= first < match.start and match.end <= start
        for start in before:
            last = min((stop for stop in self._until if stop > start), default=FAR)
            for match in self.matches:
                match.negated |= start < match.start < last
            self.open_denial |= last == FAR and any(match.start > start for match in self.matches)

    def hedge(self) -> None:
        """Mark the findings that something keeps from being stated."""
        for start, end in self._hedges:
            last = min((stop for stop in self._until if stop > start), default=FAR)
            following = [match for match in self.matches if end <= match.start < last]
            for match in following or [one for one in self.matches if one.end <= start]:
                match.hedged = True
            self.open_hedge |= bool(following) and last == FAR
        for start, _ in self._hedges_after:
            first = max((stop for stop in self._until if stop < start), default=-1)
            for match in self.matches:
                match.hedged |= first < match.start and match.end <= start

    def attach_sides(self) -> None:
        """Give each side to the nearest finding, over as few conjunctions as can be; the following one at a tie."""
        for place, side in self._sides:
            nearest = min(self.matches, key=lambda match: self._distance(place, match), default=None)
            if nearest is not None:
                nearest.sides.add(side)

    def _distance(self, place: int, match: _Match) -> float:
        low, high = (place, match.start) if place < match.start else (match.end - 1, place)
        between = range(low + 1, high)
        joined = sum(_any(self.words[one], CONJUNCTIONS | self.rules.alternatives) for one in between)
        told_before = 0.0 if place < match.start else 0.5
        return FAR * joined + len(between) + told_before

    def mention(self, match: _Match) -> Mention:
        """Return a match as what a reader sees."""
        both = "bilateral" if len(match.sides) > 1 else next(iter(match.sides), None)
        written = " ".join(word.raw for word in self.words[match.start : match.end])
        return Mention(match.name.finding, match.negated, both, written, match.hedged)


def _matches(words: list[_Word], rules: Grammar) -> list[_Match]:
    """Return the names in an item from left to right: the longest first, and of equals what has least inside it."""
    candidates = [match for start in range(len(words)) for match in _beginning_at(words, start, rules)]
    found: list[_Match] = []
    for match in sorted(candidates, key=lambda one: (-len(one.places), one.end - one.start, one.start)):
        if all(match.end <= other.start or other.end <= match.start for other in found):
            found.append(match)
    return sorted(found, key=lambda match: match.start)


def _beginning_at(words: list[_Word], start: int, rules: Grammar) -> list[_Match]:
    """Return a name of each length and extent that begins at a word; none where a misspelt one could be two findings.

    A name that two languages give to two findings is the first language's.
    """
    alike: dict[tuple[int, int], list[_Match]] = {}
    for first in words[start].stems:
        for name in names_by_first().get(first, ()):
            places = _places(words, start, name, rules)
            if places is not None:
                match = _Match(name, start, places[-1] + 1, frozenset(places))
                alike.setdefault((len(places), match.end), []).append(match)
    return [
        matches[0]
        for matches in alike.values()
        if len({match.name.finding for match in matches}) == 1
        or all(words[place].spelt for match in matches for place in match.places)
    ]


def _places(words: list[_Word], start: int, name: Name, rules: Grammar) -> list[int] | None:
    """Return where the words of a name stand from `start` on; None where they do not."""
    places, place, skipped = [start], start + 1, 0
    for wanted in name.stems[1:]:
        while place < len(words) and wanted not in words[place].stems:
            if _any(words[place], CONJUNCTIONS):
                return None
            if not _any(words[place], rules.function):
                if not _any(words[place], rules.context) and (words[place].readings[0],) not in rules.sides:
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
    return places


def _spans(words: list[_Word], phrases: Iterable[Phrase], taken: set[int]) -> list[tuple[int, int]]:
    """Return (start, end) of the phrases, longest first, that stand on words not taken yet."""
    return [(start, end) for start, end, _ in _phrases(words, phrases, taken)]


def _inside(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {place for start, end in spans for place in range(start, end)}


def _phrases(words: list[_Word], phrases: Iterable[Phrase], taken: set[int]) -> list[tuple[int, int, Phrase]]:
    """Return (start, end, phrase) of the phrases in an item, longest first where two overlap."""
    found, used = [], set(taken)
    for phrase in sorted(phrases, key=len, reverse=True):
        for start in range(len(words) - len(phrase) + 1):
            end = _end_of(words, phrase, start)
            if end is not None and used.isdisjoint(range(start, end)):
                found.append((start, end, phrase))
                used.update(range(start, end))
    return sorted(found)


def _end_of(words: list[_Word], phrase: Phrase, start: int) -> int | None:
    """Return where a phrase that begins at a word ends, adverbs inside it passed over; None where it is not there."""
    place, adverbs = start, grammar().adverbs
    for wanted in phrase:
        while start < place < len(words) and wanted not in words[place].readings and _any(words[place], adverbs):
            place += 1
        if place == len(words) or wanted not in words[place].readings:
            return None
        place += 1
    return place


def _any(word: _Word, listed: frozenset[str]) -> bool:
    return any(reading in listed for reading in word.readings)
