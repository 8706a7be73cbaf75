"""Texts for studies, the anchor of binding: phrases of their findings (generated), and the reports that exist."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.findings import findings_of_label, phrase, vocabulary
from engine.findings.names import all_names
from engine.findings.spelling import words_of
from engine.training.data.prepared import Example, load

VARIANTS = 4  # differently worded sentences per set of findings
JOINERS = (", ", " and ", "; ")
OPENINGS = ("", "", "findings: ", "shows ", "patient with ")


@dataclass(frozen=True)
class Captions:
    """A bank of texts.

    vectors  : (texts, 384) float32 sentence vectors
    holds    : (texts, findings) bool, what each text says; empty for a report, which is true of its own studies only
    of_set   : findings as joined in Row → numbers of the sentences that say exactly them
    of_one   : finding → numbers of what is taught to say it (`taught_phrases`)
    unseen   : finding → numbers of its phrases that no training draws
    of_study : study_id → number of its own report
    """

    texts: list[str]
    vectors: np.ndarray
    holds: np.ndarray
    of_set: dict[str, list[int]]
    of_one: dict[str, list[int]]
    of_study: dict[str, int]
    unseen: dict[str, list[int]]


def many_hot(sets: Iterable[Iterable[str]]) -> np.ndarray:
    """Sets of findings → (n, findings) bool in vocabulary order."""
    names = {name: i for i, name in enumerate(vocabulary())}
    rows = [list(found) for found in sets]
    out = np.zeros((len(rows), len(names)), bool)
    for row, found in zip(out, rows, strict=True):
        row[[names[name] for name in found]] = True
    return out


def _sentences(names: list[str], rng: np.random.Generator) -> list[str]:
    made = []
    for _ in range(VARIANTS):
        words = [phrase(name, rng) for name in rng.permutation(names)]
        made.append(OPENINGS[rng.integers(len(OPENINGS))] + JOINERS[rng.integers(len(JOINERS))].join(words))
    return made


def taught_phrases() -> dict[str, list[str]]:
    """Return finding → what is taught to say it: its phrases, and names of whatever its published labels mean.

    A name that holds an untaught phrase, or is held by one, is left out: what becomes of words that nobody taught must
    stay measurable. Names are English, as the sentence encoder is.
    """
    taught = {}
    for finding, entry in vocabulary().items():
        kept = [words_of(phrase) for phrase in entry["unseen"]]
        said = {words_of(phrase): phrase for phrase in entry["phrases"]}
        for name in all_names():
            words = words_of(name.written)
            if name.language != "en" or name.capitals or finding not in findings_of_label(name.finding):
                continue
            if not any(_holds(words, other) or _holds(other, words) for other in kept):
                said.setdefault(words, name.written)
        taught[finding] = list(said.values())
    return taught


def _holds(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(words[at : at + len(part)] == part for at in range(len(words) - len(part) + 1))


def build(cache: Path, seed: int = 0) -> None:
    """Write captions.json and captions.npy for the prepared recordings in `cache`."""
    from engine.model.text import sentence_vectors

    rng = np.random.default_rng(seed)
    rows: list[Example] = [row for modality in ("cxr", "ecg", "ppg") for row in load(cache, modality).rows]
    bank: dict[str, frozenset[str]] = {}
    of_one = taught_phrases()
    unseen = {name: list(entry["unseen"]) for name, entry in vocabulary().items()}
    for name, texts in (*of_one.items(), *unseen.items()):
        bank |= {text: bank.get(text, frozenset()) | {name} for text in texts}  # some names say two findings
    of_set: dict[str, list[str]] = {}
    for joined in sorted({row.findings for row in rows if row.findings}):
        of_set[joined] = _sentences(joined.split(";"), rng)
        bank |= {text: frozenset(joined.split(";")) for text in of_set[joined]}
    of_study = {row.study_id: row.report for row in rows if row.report}
    bank |= {text: frozenset() for text in of_study.values()}
    number = {text: i for i, text in enumerate(bank)}
    index = {
        "texts": list(bank),
        "holds": [sorted(found) for found in bank.values()],
        "of_set": {k: [number[t] for t in v] for k, v in of_set.items()},
        "of_one": {k: [number[t] for t in v] for k, v in of_one.items()},
        "of_study": {k: number[v] for k, v in of_study.items()},
        "unseen": {k: [number[t] for t in v] for k, v in unseen.items()},
    }
    (cache / "captions.json").write_text(json.dumps(index))
    np.save(cache / "captions.npy", sentence_vectors(list(bank)))


def load_captions(cache: Path) -> Captions:
    """Read the bank back."""
    index = json.loads((cache / "captions.json").read_text())
    index["holds"] = many_hot(index["holds"])
    return Captions(vectors=np.load(cache / "captions.npy"), **index)


def draw_captions(rows: list[Example], captions: Captions, rng: np.random.Generator) -> np.ndarray:
    """Draw one caption number per study, −1 where nothing is known of it.

    A third each: one finding (rare ones more often), all findings, the report – as far as the study has them.
    """
    weight = 1 / np.sqrt(1 + captions.holds.sum(0))
    names = {name: i for i, name in enumerate(vocabulary())}
    out = np.full(len(rows), -1)
    for i, row in enumerate(rows):
        found, report = sorted(row.finding_set), captions.of_study.get(row.study_id)
        draw = rng.random()
        if report is not None and (draw < 1 / 3 or not found):
            out[i] = report
        elif found and draw < 2 / 3:
            chance = np.array([weight[names[name]] for name in found])
            out[i] = rng.choice(captions.of_one[found[rng.choice(len(found), p=chance / chance.sum())]])
        elif found:
            out[i] = rng.choice(captions.of_set[row.findings])
    return out


def true_of(numbers: np.ndarray, captions: Captions, has_finding: np.ndarray) -> np.ndarray:
    """Return which captions are true of which studies: (captions, studies) bool.

    held : (studies, findings) bool. A caption is true of its own study, of one with the same caption, and of every
    study that has all findings it says – "identical texts are positives" (MEDBind eq. 1) read by meaning.
    """
    said = captions.holds[numbers]  # (captions, findings)
    implied = (said.astype(np.float32) @ (~has_finding).T.astype(np.float32) == 0) & said.any(1)[:, None]
    return implied | (numbers[:, None] == numbers[None])
