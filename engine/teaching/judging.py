"""Whether an answer is right: options as labelled, words by the findings that they name, a box by where it lies."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.errors import UsageError
from engine.findings.recogniser import findings_named, recognise
from engine.store.quiz_runs import QuizQuestion
from engine.store.quizzes import Region

MAX_WORDS = 200  # characters of an answer in own words
OVERLAP = 0.25  # share of overlap from which a box is right


def chosen_options(question: QuizQuestion, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return what was chosen in the order of the options; UsageError where it is nothing, or none of them."""
    picked = tuple(option for option in question.options if option in chosen)
    if not picked or len(picked) != len(set(chosen)) or (question.asks == "one" and len(picked) > 1):
        raise UsageError("Choose among the options shown, then commit: nothing was stored.")
    return picked


def own_words(words: str) -> str:
    """Return an answer in own words on one line; UsageError where it is empty or too long."""
    words = " ".join(words.split())
    if not 1 <= len(words) <= MAX_WORDS:
        raise UsageError(f"Write what you see in 1 to {MAX_WORDS} characters, then commit: nothing was stored.")
    return words


def drawn_region(region: Sequence[float]) -> Region:
    """Return a box within the film, its ends in order; UsageError where it has no area."""
    if len(region) != 4 or not all(math.isfinite(one) for one in region):
        raise UsageError("Draw a box on the film, then commit: nothing was stored.")
    left, right = sorted(min(1.0, max(0.0, one)) for one in (region[0], region[2]))
    top, bottom = sorted(min(1.0, max(0.0, one)) for one in (region[1], region[3]))
    if area((left, top, right, bottom)) <= 0:
        raise UsageError("Draw a box on the film, then commit: nothing was stored.")
    return left, top, right, bottom


def words_agree(words: str, labelled: Sequence[str]) -> bool:
    """Return whether words name the finding of the first label, and none that the case is not labelled as.

    Synonyms, abbreviations and other languages count as engine.findings reads them; what is denied is not named.
    """
    plain = {label.casefold() for label in labelled}
    if words.casefold() in plain:
        return words.casefold() == labelled[0].casefold()
    named = {mention.finding for mention in recognise(words) if not mention.negated}
    carried = {finding for label in labelled for finding, _ in findings_named(label)}
    asked = {finding for finding, _ in findings_named(labelled[0])}
    return bool(asked) and asked <= named and named <= carried


def region_agrees(drawn: Region, wanted: Region) -> bool:
    """Return whether a box overlaps the wanted one by OVERLAP, or is no larger and has its middle inside it."""
    middle = (drawn[0] + drawn[2]) / 2, (drawn[1] + drawn[3]) / 2
    inside = wanted[0] <= middle[0] <= wanted[2] and wanted[1] <= middle[1] <= wanted[3]
    return overlap(drawn, wanted) >= OVERLAP or (inside and area(drawn) <= area(wanted))


def best_overlap(drawn: Region, wanted: Sequence[Region]) -> float:
    """Return the largest overlap of a box with one of those wanted; 0 where there is none."""
    return max((overlap(drawn, one) for one in wanted), default=0.0)


def overlap(one: Region, other: Region) -> float:
    """Return the area that two boxes share, as a share of what they cover together (Jaccard), 0..1."""
    shared = area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))
    covered = area(one) + area(other) - shared
    return shared / covered if covered > 0 else 0.0


def area(region: Region) -> float:
    """Return the area of a box, 0 where its ends are out of order."""
    return max(0.0, region[2] - region[0]) * max(0.0, region[3] - region[1])
