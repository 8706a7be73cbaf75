"""`casebind evaluate typed`: what typed words are read as, what is refused as no finding, and what they find.

recognition : of written phrases in four languages, the share that is read as the finding that they name
off topic   : of generated letters, numbers and names and of written everyday words, the share that is no finding
meaning     : AUROC of the cosine to the nearest finding's name, between paraphrases of findings and off-topic words;
              the limit below which nothing is near refuses REFUSED of the off-topic words of `valid`
precision   : of the first ten of a modality for a label of the workspace, typed as it is or as one of its names, the
              share that has the label; for labels of which ten patients have one
"""

from __future__ import annotations

import random
import string
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from engine.actor import Actor
from engine.findings.recogniser import recognise
from engine.intake.read import read_text
from engine.metrics.resampling import measured
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.meaning import NEAR, meaning_scores
from engine.retrieval.stored_query import ACCEPTED, encoded_anew, exclusion_clause
from engine.retrieval.typed import answer_typed
from engine.store.records import StoredQuery
from engine.study import Modality
from engine.workspace.workspace import Workspace

REFUSED = 0.95  # share of the off-topic words of `valid` that nothing may be near to
DRAWN = 60  # random letters, and as many numbers and names
FIRST = 10  # neighbours that count
SEED = 21


@dataclass(frozen=True)
class Phrases:
    """Words of one kind, `valid` and `test` by turns."""

    words: tuple[str, ...]

    def split(self, name: str) -> tuple[str, ...]:
        """Return those of one split."""
        return self.words[0::2] if name == "valid" else self.words[1::2]


def evaluate(workspace: Workspace, release: Release, *, actor: Actor) -> dict[str, Any]:
    """Return every figure; those of the workspace are of what the actor may see."""
    return {
        "release": release.name,
        "recognition": {language: _recognition(named) for language, named in phrases()["known"].items()},
        "off_topic": _refusals(off_topic().words),
        "meaning": _meaning(),
        "precision_at_10": list(_precision(workspace, release, actor)),
    }


@lru_cache(maxsize=1)
def phrases() -> dict[str, Any]:
    """Return typed_phrases.toml."""
    return tomllib.loads(Path(__file__).with_name("typed_phrases.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def off_topic() -> Phrases:
    """Return words that name no finding: drawn letters, numbers, people and places, and what is written."""
    chance, written = random.Random(SEED), phrases()["off_topic"]
    letters = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 10))) for _ in range(DRAWN)]
    numbers = [f"{chance.randint(0, 10 ** chance.randint(1, 9))}" for _ in range(DRAWN // 2)]
    names = [f"{chance.choice(written['first_names'])} {chance.choice(written['last_names'])}" for _ in range(DRAWN)]
    words = [*letters, *numbers, *names, *written["places"], *written["everyday"], *written["sentences"]]
    chance.shuffle(words)
    return Phrases(tuple(dict.fromkeys(words)))


def as_table(found: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{'recognised':<24}{'share':>8}{'n':>6}"]
    lines += [f"{name:<24}{one['share']:>8.3f}{one['n']:>6}" for name, one in found["recognition"].items()]
    refused, meaning = found["off_topic"], found["meaning"]
    lines.append(f"{'off topic, no finding':<24}{refused['share']:>8.3f}{refused['n']:>6}")
    low, high = meaning["auroc"][1:]
    lines.append(
        f"{'meaning, AUROC on test':<24}{meaning['auroc'][0]:>8.3f}{meaning['n']:>6}  ({low:.3f} to {high:.3f})"
    )
    lines.append(f"{'limit, from valid':<24}{meaning['limit']:>8.3f}")
    for name in ("near_paraphrases", "near_off_topic"):
        lines.append(f"{name.replace('_', ' '):<24}{meaning[name]:>8.3f}")
    lines.append(f"{'precision at 10':<44}{'share':>8}{'with label':>12}")
    for one in found["precision_at_10"]:
        lines.append(f"{one['modality'] + ': ' + one['typed']:<44}{one['precision']:>8.3f}{one['studies']:>12}")
    return "\n".join(lines)


def _recognition(named: dict[str, str]) -> dict[str, Any]:
    """Return the share of phrases that are read as their finding, and those that are not."""
    missed = [words for words, finding in named.items() if finding not in {one.finding for one in recognise(words)}]
    return {"share": 1 - len(missed) / len(named), "n": len(named), "missed": missed}


def _refusals(words: Sequence[str]) -> dict[str, Any]:
    """Return the share of words that are no finding, and what the others are read as."""
    read_as = {one: [mention.finding for mention in recognise(one)] for one in words if recognise(one)}
    return {"share": 1 - len(read_as) / len(words), "n": len(words), "read_as": read_as}


def _meaning() -> dict[str, Any]:
    """Return AUROC on `test` with its interval, and the limit chosen on `valid` with what it lets through on `test`."""
    near, far = Phrases(tuple(phrases()["paraphrases"]["words"])), off_topic()
    valid = _nearest_cosine(far.split("valid"))
    limit = float(np.quantile(valid, REFUSED))
    here, there = _nearest_cosine(near.split("test")), _nearest_cosine(far.split("test"))
    scores, truth = np.concatenate([here, there]), np.repeat([1, 0], [len(here), len(there)])
    own = np.arange(len(scores)).astype(str)  # every phrase is drawn by itself
    auroc = measured(
        lambda draws: np.array([roc_auc_score(truth, scores, sample_weight=weights) for weights in draws]), own
    )
    return {
        "auroc": [float(auroc.value), float(auroc.low), float(auroc.high)],
        "n": len(scores),
        "limit": limit,
        "limit_in_use": NEAR,
        "near_paraphrases": float((here >= limit).mean()),
        "near_off_topic": float((there >= limit).mean()),
    }


def _nearest_cosine(words: Sequence[str]) -> np.ndarray:
    """Return the cosine of each phrase to the nearest finding's name, (n,)."""
    return np.asarray(meaning_scores(words).max(axis=1))


def _precision(workspace: Workspace, release: Release, actor: Actor) -> Iterator[dict[str, Any]]:
    """Yield the precision of each label of each modality that enough patients have."""
    rows = workspace.rows(actor=actor)
    for modality in release.modalities:
        here = [row for row in rows if row.modality == modality]
        for label in workspace.labels(modality, actor=actor):
            having = [row for row in here if label in row.labels]
            if len({row.patient_id for row in having}) >= FIRST and recognise(label):
                precision = _precision_of(workspace, release, label, modality, actor)
                yield {"modality": modality, "typed": label, "studies": len(having), "precision": precision}


def _precision_of(workspace: Workspace, release: Release, label: str, modality: Modality, actor: Actor) -> float:
    """Return the share of the first ten for a typed label that have it."""
    study = read_text(label)
    nothing = np.empty(0, np.float32)
    blank = StoredQuery("", actor.name, study, dict(ACCEPTED), "", nothing.astype(np.uint8), nothing)
    stored = encoded_anew(workspace, release, blank, actor=actor)
    own, options = exclusion_clause(workspace, study, actor=actor), Options(targets=(modality,), k=FIRST)
    (found, _, _), _ = answer_typed(workspace, release, stored, own, options, actor=actor)
    return float(np.mean([label in one.labels for one in found])) if found else 0.0
