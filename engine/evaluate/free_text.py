"""`casebind evaluate free-text`: which passages that name somebody are found, and how often a clean text is altered.

The sentences (free_text_sentences.txt) are constructed. Rules were changed with the half `tuned`; the half `held-out`
was written before them and is what is reported.

recall    : share of the marked passages that found ones cover whole
precision : share of the found passages that touch a marked one
altered   : share of texts without a mark, constructed and of the shipped cohort, in which anything but a day is found
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.intake.free_text import KINDS, Passage, found_in
from engine.metrics.resampling import wilson
from engine.settings import DEMO

HALVES = ("held-out", "tuned")
CLEAN = "clean"
_MARK = re.compile(r"\[(\w+):([^\]]*)\]")


@dataclass(frozen=True)
class Marked:
    """One sentence. half : one of HALVES, or CLEAN. passages : what is marked in its text"""

    half: str
    language: str
    text: str
    passages: tuple[Passage, ...]


def sentences() -> Iterator[Marked]:
    """Yield the constructed sentences."""
    for line in Path(__file__).with_name("free_text_sentences.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            half, language, words = line.split(" ", 2)
            yield _read(half, language, words.replace("⏎", "\n"))


def evaluate(reports: Iterable[str] | None = None) -> dict[str, Any]:
    """Return every figure with n and a 95 % interval. reports : texts without names; those shipped by default"""
    by_half: dict[str, list[Marked]] = defaultdict(list)
    for one in sentences():
        by_half[one.half].append(one)
    halves = {half: _figures(by_half[half]) for half in HALVES}
    clean = {"constructed": [one.text for one in by_half[CLEAN]], "reports": list(reports or shipped_reports())}
    return {**halves, "altered": {name: _altered(texts) for name, texts in clean.items()}}


def shipped_reports() -> list[str]:
    """Return every text of the shipped cohort, each once."""
    with (DEMO / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    files = [(DEMO / row["file"]).read_text(encoding="utf-8") for row in rows if row["modality"] == "text"]
    return sorted({row["report"] for row in rows if row["report"]} | set(files))


def as_table(found: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'':<24}{'share':>8}{'95 % interval':>20}{'n':>7}"]
    for half in HALVES:
        rows = {"recall": found[half]["recall"], "precision": found[half]["precision"]}
        rows |= {f"recall, {kind}": one for kind, one in found[half]["by_kind"].items()}
        rows |= {f"recall, {language}": one for language, one in found[half]["by_language"].items()}
        lines += [half, *(_line(f"  {name}", one) for name, one in rows.items())]
    lines += ["altered though clean", *(_line(f"  {name}", one) for name, one in found["altered"].items())]
    return "\n".join(lines)


def _line(name: str, one: dict[str, Any]) -> str:
    low, high = one["interval"]
    return f"{name:<24}{one['share']:>8.3f}{f'{low:.3f} to {high:.3f}':>20}{one['n']:>7}"


def _read(half: str, language: str, words: str) -> Marked:
    text, passages, at = "", [], 0
    for mark in _MARK.finditer(words):
        text += words[at : mark.start()]
        passages.append(Passage(len(text), len(text) + len(mark[2]), next(one for one in KINDS if one == mark[1])))
        text, at = text + mark[2], mark.end()
    return Marked(half, language, text + words[at:], tuple(passages))


def _figures(marked: Sequence[Marked]) -> dict[str, Any]:
    covered: list[tuple[str, str, bool, str]] = []  # kind, language, whether it is found, its words
    right: list[bool] = []
    for one in marked:
        found = found_in(one.text)
        letters = {at for passage in found for at in range(passage.start, passage.end)}
        for passage in one.passages:
            own = {at for at in range(passage.start, passage.end) if one.text[at].isalnum()}
            covered.append((passage.kind, one.language, own <= letters, one.text[passage.start : passage.end]))
        right += [any(a.start < b.end and b.start < a.end for b in one.passages) for a in found]
    return {
        "recall": _share([hit for _, _, hit, _ in covered]),
        "precision": _share(right),
        "by_kind": {kind: _share([hit for of, _, hit, _ in covered if of == kind]) for kind in KINDS},
        "by_language": {
            language: _share([hit for _, of, hit, _ in covered if of == language])
            for language in sorted({of for _, of, _, _ in covered})
        },
        "missed": [words for _, _, hit, words in covered if not hit],
        "sentences": len(marked),
    }


def _altered(texts: Sequence[str]) -> dict[str, Any]:
    found = [[one for one in found_in(text) if one.kind != "date"] for text in texts]
    words = sorted({text[one.start : one.end] for text, here in zip(texts, found, strict=True) for one in here})
    return {**_share([bool(here) for here in found]), "words": words[:20]}


def _share(hits: Sequence[bool]) -> dict[str, Any]:
    n = len(hits)
    return {"share": sum(hits) / n if n else 0.0, "interval": list(wilson(sum(hits), n)), "n": n}
