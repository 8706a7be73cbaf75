"""What keeps a finding of a report from being stated: denied, doubted, asked for, of the past, or a relative's.

The kinds of words are those of NegEx (Chapman et al., J Biomed Inform 2001; for other languages Chapman et al., MEDINFO
2013) and ConText (Harkema et al., J Biomed Inform 2009). reports.toml names them, by language and together read. What
they reach is decided within an item and the list that it opens:

- what denies or doubts what follows reaches to the next new statement ("but", "there is"), to the next such words, to
  "with" after a finding, and stops before a finding of which is said that it stays;
- what denies or doubts what stands before reaches the nearest finding and those joined to it by "and" or a list;
- an item without a finding that says "none is seen" or "no longer visible" is about the finding before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

from engine.findings.items import AFTER, BEFORE, UNLESS, UNTIL, Item, listed
from engine.findings.matching import Match, matches_in
from engine.findings.names import CONJUNCTIONS, SHORT, Phrase, grammar
from engine.findings.phrases import Found, PhraseIndex
from engine.findings.spelling import words_of

KINDS = (
    "quiet", "denies_next", "denies_last", "gone", "none", "doubts", "doubts_next", "doubts_last", "between", "others",
    "opens", "stays", "with",
)  # fmt: skip
TYPED = {UNLESS: "quiet", UNTIL: "opens", AFTER: "denies_last", BEFORE: "denies_next"}
DOUBTS, DOUBTING = {"doubts", "doubts_next", "doubts_last"}, {"doubts", "doubts_next", "between"}
FORWARD = {"denies_next", "gone", *DOUBTING}
STARTS = FORWARD - {"gone"}  # what begins a statement of its own after a finding
OTHER_WORDS = 2  # before a finding in a list at most
JOINS = CONJUNCTIONS | {"sowie", "wie", "well", "plus", "asi", "ainsi", "also", "nebst"}
NORMAL = "normal"
Kinds = frozenset[str]


@dataclass(frozen=True, eq=False)
class ReportRules:
    """The phrases around findings in reports, each with the kinds that it is, and all words of these."""

    phrases: PhraseIndex[Kinds]
    words: frozenset[str]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> ReportRules:
        """Return the rules of reports.toml: a table of classes and rules a language; typed denials are joined."""
        found: dict[Phrase, set[str]] = {}
        for table in said.values():
            for kind in KINDS:
                for rule in table["rules"].get(kind, ()):
                    for phrase in spelt_out(rule, table["classes"]):
                        found.setdefault(phrase, set()).add(kind)
        for typed, kind in TYPED.items():
            for phrase in getattr(grammar(), typed):
                if not found.get(phrase, set()) & {*DOUBTS, "quiet"}:
                    found.setdefault(phrase, set()).add(kind)
        phrases = PhraseIndex({phrase: frozenset(kinds) for phrase, kinds in found.items()})
        return cls(phrases, frozenset(word for phrase in found for word in phrase))


def spelt_out(rule: str, classes: Mapping[str, Sequence[str]]) -> list[Phrase]:
    """Return the phrases that a rule stands for: "(no) {seen}" with and without "no", for each word."""
    parts = re.findall(r"\([^)]*\)|\{[^}]*\}|[^\s(){}]+", rule)
    ways = []
    for part in parts:
        if part[0] == "(":
            ways.append(["", part[1:-1]])
        else:
            ways.append(list(classes[part[1:-1]]) if part[0] == "{" else [part])
    whole = [" ".join(way) for way in product(*ways)]
    return [words_of(one.replace("~", ending)) for one in whole for ending in (classes["~"] if "~" in one else [""])]


def interpret(items: Sequence[Item], rules: ReportRules) -> None:
    """Mark what the items of a clause of a report deny and doubt, and leave out names that are everyday words."""
    for earlier, later in pairwise(items):
        _take_subject(earlier, later)
    only_one = sum(len(item.matches) for item in items) == 1
    read = [_ReportItem(item, rules, only_one=only_one) for item in items]
    for at, one in enumerate(read):
        before = next((other for other in reversed(read[:at]) if other.matches), None)
        one.mark(before)
    for at, one in enumerate(read):
        for match in one.opened(read[at + 1 :]):
            match.negated |= one.denies_on
            match.hedged |= one.doubts_on
    for at, one in enumerate(read):
        one.reach_back(read[:at])


def _take_subject(before: Item, item: Item) -> None:
    """Read a predicate alone with a word of the item before it: "Mediastinum central, not widened"."""
    if item.matches or before.matches or not any(word.is_any(item.rules.inside) for word in item.words):
        return
    for subject in before.words:
        for match in matches_in([subject, *item.words], item.rules):
            if match.start == 0 and len(match.places) > 1:
                item.matches = [replace(match, end=match.end - 1, places=frozenset(p - 1 for p in match.places if p))]
                return


def _lies_within(match: Match, phrase: Found[Kinds]) -> bool:
    """Say whether a name is only a part of a phrase: "no findings" of "no findings to suggest"."""
    shorter = match.end - match.start < phrase.end - phrase.start
    return shorter and phrase.start <= match.start and match.end <= phrase.end


class _ReportItem:
    """An item of a report with the phrases around its findings."""

    def __init__(self, item: Item, rules: ReportRules, *, only_one: bool) -> None:
        self.item, self.words = item, item.words
        longer = [one for one in rules.phrases.among(self.words, ()) if "denies_next" in one.says]
        counting = [one for one in item.matches if self._counts(one, only_one)]
        item.matches = [one for one in counting if not any(_lies_within(one, other) for other in longer)]
        self.matches = item.matches
        found = rules.phrases.among(self.words, item.named)
        self.said = [one for one in found if "quiet" not in one.says]
        self.quiet = [one for one in found if "quiet" in one.says]
        self.denies_on = self.doubts_on = False
        self._back: list[tuple[Match, bool]] = []  # nearest findings of what reaches back, and whether it denies

    def _counts(self, match: Match, only_one: bool) -> bool:
        """Say whether a name counts: "normal" where a clause says nothing else, a short one in capitals."""
        written = self.item.written(match)
        if match.name.finding == NORMAL:
            joins = self.item.rules.function
            return only_one and all(
                place in match.places or word.is_any(joins) for place, word in enumerate(self.words)
            )
        if not match.name.weak or len(written) > SHORT:
            return True
        if len(written) < SHORT or not written.isalpha():
            return written.isupper() and not self.item.unknown > 2
        return written.isupper() or not self.item.unknown

    def mark(self, before: _ReportItem | None) -> None:
        """Mark the findings of the item; before : the nearest item before it that names findings."""
        for one in self.said:
            if "stays" in one.says and (again := self._again(one, before)) is not None:
                self.matches.append(again)
            if "others" in one.says:
                self._doubt(self.matches)
            if "doubts" in one.says:
                self._doubt([match for match in self.matches if match.start < one.start < match.end])
            following = self._following(one) if one.says & FORWARD else []
            if not self._denies_forward(one, following):
                self._doubt_or_reach_back(one, following, before)

    def _denies_forward(self, one: Found[Kinds], following: Sequence[Match]) -> bool:
        """Mark what a phrase denies of what follows; say whether it has said all with that."""
        if "gone" in one.says and following and self._describes(one, following[0]):
            self._deny(following[:1])
            return True
        if "denies_next" not in one.says:
            return False
        if self._goes_on(one):
            return True
        self._deny(following)
        self.denies_on |= bool(following) and self._is_open(one)
        return bool(following)

    def _doubt_or_reach_back(self, one: Found[Kinds], following: Sequence[Match], before: _ReportItem | None) -> None:
        if one.says & DOUBTING:
            self._doubt(following)
            self.doubts_on |= bool(following) and self._is_open(one)
        else:
            following = []
        if "between" in one.says or (not following and self._reaches_back(one)):
            self._backwards(one, before)

    def _again(self, one: Found[Kinds], before: _ReportItem | None) -> Match | None:
        """Return what is said to stay on another side, as a finding of its own: "left has cleared, right persists"."""
        first = max(
            (other.start for other in self.said if "opens" in other.says and other.start < one.start), default=0
        )
        known = [*(before.matches if before else ()), *(match for match in self.matches if match.end <= first)]
        here = any(first <= match.start for match in self.matches)
        sided = any(self.item.is_side(place) for place in range(first, len(self.words)))
        return None if here or not sided or not known else replace(known[-1], negated=False, hedged=False, sides=set())

    def _reaches_back(self, one: Found[Kinds]) -> bool:
        """Say whether a phrase that nothing follows is about what stands before it."""
        told = bool(one.says & {"denies_last", "gone", "doubts_last"})
        return told or (bool(one.says & {"doubts", "none"}) and self._only_joined(one.end, len(self.words)))

    def _goes_on(self, one: Found[Kinds]) -> bool:
        """Say whether "nor" goes on with what denies nothing: "no change of the effusion nor of the oedema"."""
        joins = self.words[one.start].is_any(self.item.rules.alternatives)
        quiet = any(other.end <= one.start for other in self.quiet)
        return joins and quiet and not any("denies_next" in o.says and o.start < one.start for o in self.said)

    def _backwards(self, one: Found[Kinds], before: _ReportItem | None) -> None:
        denies = bool(one.says & {"denies_last", "gone", "none"})
        found = self._standing_before(one)
        if not found and not self.matches and before is not None and self._says_no_more(one):
            found = before.matches[-1:]
        for match in found:
            if denies:
                match.negated = True
            else:
                match.hedged = True
        if found and self.matches and found[-1] is self.matches[0]:
            self._back.append((found[-1], denies))

    def reach_back(self, before: Sequence[_ReportItem]) -> None:
        """Let what denies or doubts findings joined by "and" reach over the items of the list before them."""
        for nearest, denies in self._back:
            if not any(word.is_any(JOINS) for word in self.words[: nearest.start]) and len(self.matches) < 2:
                continue
            for other in reversed(before):
                if other.said or other.quiet or not other.matches or not other.item.begins_with_finding(OTHER_WORDS):
                    break
                for match in other.matches:
                    match.negated |= denies
                    match.hedged |= not denies

    def opened(self, items: Sequence[_ReportItem]) -> Iterable[Match]:
        """Return the findings of the items after it over which an open denial or doubt reaches."""
        if not self.denies_on and not self.doubts_on:
            return []
        free = []
        for one in items:
            if any(said.says & (DOUBTS | {"stays", "opens", "gone", "denies_last"}) for said in one.said):
                break
            free.append(one.item)
        return [
            match for item in listed([one.item for one in items], OTHER_WORDS) if item in free for match in item.matches
        ]

    def _barriers(self, after: int) -> list[int]:
        """Return where a reach from a word on ends."""
        found = [one.start for one in self.said if "opens" in one.says and one.start >= after]
        for one in self.said:
            passed = any(after <= match.start and match.end <= one.start for match in self.matches)
            if one.start >= after and passed and (one.says & STARTS or "with" in one.says):
                found.append(one.start)
        return found

    def _following(self, one: Found[Kinds]) -> list[Match]:
        last = min(self._barriers(one.end), default=len(self.words))
        found = [match for match in self.matches if one.end <= match.start < last]
        return [match for n, match in enumerate(found) if n == 0 or not self._stays(match)]

    def _is_open(self, one: Found[Kinds]) -> bool:
        return not self._barriers(one.end)

    def _stays(self, match: Match) -> bool:
        """Say whether a finding is said to stay: nothing but words that join stands between."""
        return any("stays" in one.says and self._only_joined(match.end, one.start) for one in self.said)

    def _only_joined(self, first: int, last: int) -> bool:
        known = self.item.rules.function | self.item.rules.context
        between = range(first, last)
        return first <= last and all(self.words[place].is_any(known) or self.item.is_side(place) for place in between)

    def _standing_before(self, one: Found[Kinds]) -> list[Match]:
        """Return the nearest finding before a phrase and those joined to it, the nearest first."""
        first = max((other.end for other in self.said if "opens" in other.says and other.end <= one.start), default=0)
        found: list[Match] = []
        for match in reversed([match for match in self.matches if first <= match.start and match.end <= one.start]):
            if found and not self._are_joined(match, found[-1]):
                break
            found.append(match)
        return found

    def _are_joined(self, left: Match, right: Match) -> bool:
        """Say whether "and" or "or" alone stands between two findings, with words that describe."""
        between = range(left.end, right.start)
        joins = JOINS | self.item.rules.alternatives
        free = not any(one.start in between or one.end - 1 in between for one in [*self.said, *self.quiet])
        return free and any(self.words[place].is_any(joins) for place in between)

    def _describes(self, one: Found[Kinds], match: Match) -> bool:
        """Say whether a phrase stands directly before a finding as its adjective."""
        return self._only_joined(one.end, match.start) and not any(
            self.words[place].is_any(CONJUNCTIONS) for place in range(one.end, match.start)
        )

    def _says_no_more(self, one: Found[Kinds]) -> bool:
        """Say whether an item has no word of its own beside a phrase."""
        known = self.item.rules.function | self.item.rules.context | self.item.rules.adverbs
        rest = [word for place, word in enumerate(self.words) if not one.start <= place < one.end]
        return all(word.is_any(known) for word in rest)

    @staticmethod
    def _deny(matches: Iterable[Match]) -> None:
        for match in matches:
            match.negated = True

    @staticmethod
    def _doubt(matches: Iterable[Match]) -> None:
        for match in matches:
            match.hedged = True
