"""`casebind evaluate reports`: labels read from reports, against 200, 208 hard and 453 new sentences.

They are labelled by hand. Of what sentences affirm, precision, recall and F1; of the findings that were read at all,
the share whose denial or affirmation is right. `valid` is what names and rules were chosen on, `test` was kept aside.
Intervals are 95 %, by sentence.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from engine.findings.reports import read_report
from engine.metrics.resampling import measured

FILES = {"plain": "report_sentences.toml", "hard": "report_sentences_hard.toml", "new": "report_sentences_new.toml"}
SPLITS = {"valid": 0, "test": 1}  # the first and the second of every two
Sentence = tuple[str, frozenset[str], frozenset[str]]


def sentences(split: str, kind: str = "plain") -> dict[str, list[Sentence]]:
    """Return language → sentences of a split of one of FILES with what they affirm and deny."""
    table = tomllib.loads(Path(__file__).with_name(FILES[kind]).read_text(encoding="utf-8"))
    own = table.get(split)  # a file whose splits are of their own; else every second sentence
    rows = own or {language: every[SPLITS[split] :: 2] for language, every in table.items()}
    return {
        language: [(words, frozenset(yes), frozenset(no)) for words, yes, no in some] for language, some in rows.items()
    }


def evaluate(split: str = "test", kind: str = "plain") -> dict[str, Any]:
    """Return the figures of all languages together and of each, and every sentence that was read otherwise."""
    by_language = sentences(split, kind)
    every = [one for rows in by_language.values() for one in rows]
    return {
        "split": split,
        "sentences": kind,
        "n": len(every),
        **_figures(every),
        "languages": {language: {"n": len(rows), **_figures(rows)} for language, rows in by_language.items()},
        "otherwise": [_as_read(one) for one in every if _differs(one)],
    }


def as_table(found: dict[str, Any]) -> str:
    """Return the figures as lines."""
    lines = [f"{'':8}{'n':>5}  F1                      precision  recall  denial right"]
    for name, one in (("all", found), *found["languages"].items()):
        f1, denial = one["f1"], one["denial"]
        span = f"{f1['value']:.3f} ({f1['low']:.3f} to {f1['high']:.3f})"
        lines.append(
            f"{name:8}{one['n']:>5}  {span}  {one['precision']:>9.3f}  {one['recall']:>6.3f}  {denial['value']:.3f}"
        )
    return "\n".join(lines)


def _figures(rows: list[Sentence]) -> dict[str, Any]:
    counts = np.array([_counts(*one) for one in rows], float)  # right, wrong, missed; denials right, of how many
    right, wrong, missed = counts[:, :3].sum(0)
    names = [str(i) for i in range(len(rows))]
    f1 = measured(lambda w: 2 * (w @ counts[:, 0]) / (w @ (2 * counts[:, 0] + counts[:, 1] + counts[:, 2])), names)
    denial = measured(lambda w: (w @ counts[:, 3]) / (w @ counts[:, 4]), names)
    return {
        "f1": f1.as_dict(),
        "precision": round(right / max(1.0, right + wrong), 4),
        "recall": round(right / max(1.0, right + missed), 4),
        "denial": denial.as_dict(),
    }


def _counts(words: str, yes: frozenset[str], no: frozenset[str]) -> tuple[int, int, int, int, int]:
    found = read_report(words)
    affirmed, denied = set(found.affirmed), set(found.denied)
    read = (affirmed | denied) & (yes | no)
    agreed = sum((one in denied) == (one in no) for one in read)
    return len(affirmed & yes), len(affirmed - yes), len(yes - affirmed), agreed, len(read)


def _differs(sentence: Sentence) -> bool:
    found = read_report(sentence[0])
    return (set(found.affirmed), set(found.denied)) != (sentence[1], sentence[2])


def _as_read(sentence: Sentence) -> dict[str, Any]:
    words, yes, no = sentence
    found = read_report(words)
    read = {"affirmed": sorted(found.affirmed), "denied": sorted(found.denied)}
    return {"sentence": words, **read, "is": sorted(yes), "is_not": sorted(no)}
