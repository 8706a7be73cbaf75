"""Words → the findings that they name, each with what denies it and its side.

A text is read clause by clause (. ; and line ends), a clause item by item (commas). Within an item the longest name
counts; words that join or describe may stand inside it ("bloqueo completo de rama izquierda"), a denial too ("heart is
not enlarged"). A word that nobody knows may be misspelt by one edit. An everyday word ("mass") is a finding among
clinical words alone, a short abbreviation in lower case among words that are all known.

A denial ("no", "ohne") reaches to the end of its item, and over a list that "or" closes: "no effusion, pneumothorax or
oedema"; without "or" over two or more that are named and no more: "no effusion, pneumothorax, oedema". "but" ends it.
Who reads a report gives the rules of reports instead (engine.findings.context). A side belongs to the nearest finding
of its item.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.findings.context import ReportRules, interpret
from engine.findings.items import AFTER, BEFORE, FAR, UNTIL, Item, listed
from engine.findings.matching import Match
from engine.findings.names import SHORT, grammar, with_narrower
from engine.findings.phrases import inside
from engine.findings.words import TextWord, clauses


@dataclass(frozen=True)
class Mention:
    """One finding that a text names.

    finding : a name of vocabulary.toml
    side    : "left", "right", "bilateral", or None where none is said
    written : the words of the text
    hedged  : whether it is thought possible, asked for or of the past, as the rules of reports say
    """

    finding: str
    negated: bool
    side: str | None
    written: str
    hedged: bool = False


@lru_cache(maxsize=4096)
def recognise(text: str, rules: ReportRules | None = None) -> tuple[Mention, ...]:
    """Return the findings that a text names, in their order, each once for each denial, hedge and side.

    rules : those of a report, in which an everyday word is clinical; None for what somebody types
    """
    read = clauses(text, None if rules is None else rules.words)
    mentions = [mention for clause in read for mention in _read_clause(clause, rules)]
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


def says_none(text: str, rules: ReportRules) -> bool:
    """Say whether a sentence of a report that names no finding denies what was asked for before it."""
    return any(
        one.says & {"none", "denies_last"}
        for clause in clauses(text, rules.words)
        for words in clause
        for one in rules.phrases.among(words, ())
    )


def _read_clause(clause: Sequence[Sequence[TextWord]], rules: ReportRules | None) -> list[Mention]:
    items = [Item(words, grammar()) for words in clause]
    if rules is not None:
        interpret(items, rules)
    else:
        _keep_what_counts(items)
        for item in items:
            _deny(item)
        _continue_lists(items)
    for item in items:
        item.attach_sides()
    return [_mention(item, match) for item in items for match in item.matches]


def _keep_what_counts(items: Sequence[Item]) -> None:
    """Leave out weak names that are everyday words here."""
    named = sum(not one.name.weak for item in items for one in item.matches)
    clinical = sum(item.unknown for item in items) <= named + sum(item.clinical for item in items)
    every_word_known = not any(item.unknown for item in items)
    for item in items:
        item.matches = [one for one in item.matches if _counts(one, item, clinical, every_word_known)]


def _counts(match: Match, item: Item, clinical: bool, every_word_known: bool) -> bool:
    """Say whether a name counts here."""
    if not match.name.weak:
        return True
    written = item.written(match)
    if len(written) <= SHORT and not written.isupper():
        return every_word_known and not all(item.words[one].is_any(item.rules.function) for one in match.places)
    return clinical


def _deny(item: Item) -> None:
    """Mark the findings of an item that a denial reaches."""
    until = [one.start for one in item.of(UNTIL)]
    after = [one for one in item.of(AFTER) if any(match.end <= one.start for match in item.matches)]
    covered = inside(after)
    for one in after:
        first = max((stop for stop in until if stop < one.start), default=-1)
        for match in item.matches:
            match.negated |= first < match.start and match.end <= one.start
    for start in [one.start for one in item.of(BEFORE) if one.start not in covered]:
        last = min((stop for stop in until if stop > start), default=FAR)
        for match in item.matches:
            match.negated |= start < match.start < last


def _continue_lists(items: Sequence[Item]) -> None:
    """Let a denial reach over the items of a list: one that "or" closes, or one of findings alone."""
    for at, item in enumerate(items):
        before, until = item.of(BEFORE), item.of(UNTIL)
        is_open = any(
            not any(stop.start > one.start for stop in until) and any(match.start > one.start for match in item.matches)
            for one in before
        )
        for match in (match for other in listed(items[at + 1 :]) for match in other.matches) if is_open else ():
            match.negated = True


def _mention(item: Item, match: Match) -> Mention:
    """Return a match as what a reader sees."""
    both = "bilateral" if len(match.sides) > 1 else next(iter(match.sides), None)
    written = " ".join(word.raw for word in item.words[match.start : match.end])
    return Mention(match.name.finding, match.negated, both, written, match.hedged)
