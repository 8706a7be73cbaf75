"""The protocol of a reader study: what was fixed beforehand, as canonical JSON with its digest in the record.

It names no case and no reader. Cases, their truth and the order of reading stand in it by their digests.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Literal

from engine.errors import UsageError, brief
from engine.metrics.mrmc import COVARIANCES, Covariances
from engine.reader_study.truth import TRUTH_SOURCES, TruthSource
from engine.store.reader_studies import OrderedReading, StoredReaderStudy, StudyCase
from engine.study import Modality
from engine.teaching import input_checks

FORMAT = 1
Scale = Literal["percent", "five"]
SCALES: dict[Scale, tuple[int, int]] = {"percent": (0, 100), "five": (1, 5)}
"""How likely it is that a finding is present: 0 to 100, or 1 (surely absent) to 5 (surely present)."""

MAX_FINDINGS, MAX_CASES, MAX_READERS, MAX_DAYS, MAX_NEIGHBOURS, SEEDS = 5, 500, 50, 365, 10, 10**6
MIN_OF_EACH = 2  # cases in which a finding is present, and absent: fewer have no variance
METHOD = (
    "Obuchowski-Rockette analysis of the area under the empirical ROC curve with Hillis' degrees of freedom, readers "
    "and cases random; readings of cases that every reader read in both arms"
)


@dataclass(frozen=True)
class ReaderStudyPlan:
    """What whoever makes a reader study chooses.

    findings    : asked of each case; the first is the primary endpoint's
    readers     : names of accounts, or of people where nobody signs in
    truth       : where the truth comes from
    washout_days: at least so long after a reader's last answer of the first session does the second begin
    neighbours  : how many are shown
    effect      : the difference in area that the study was sized for; None where that was not done
    hypothesis  : what is expected, and where the study is registered
    """

    title: str
    findings: tuple[str, ...]
    readers: tuple[str, ...]
    scale: Scale = "percent"
    truth: TruthSource = "labels"
    washout_days: int = 28
    neighbours: int = 5
    seed: int = 1
    alpha: float = 0.05
    covariances: Covariances = "jackknife"
    effect: float | None = None
    hypothesis: str = ""


@dataclass(frozen=True)
class Protocol:
    """What of a stored protocol is used while a study runs and when it is analysed."""

    modality: Modality
    findings: tuple[str, ...]
    scale: Scale
    cases: int
    readers: int
    neighbours: int
    release: str
    washout_days: int
    alpha: float
    covariances: Covariances


def checked(plan: ReaderStudyPlan) -> ReaderStudyPlan:
    """Return the plan with its words on one line; UsageError where something of it cannot be."""
    _within("findings", len(plan.findings), 1, MAX_FINDINGS)
    _within("readers", len(plan.readers), 1, MAX_READERS)
    _within("days of washout", plan.washout_days, 0, MAX_DAYS)
    _within("neighbours", plan.neighbours, 1, MAX_NEIGHBOURS)
    for chosen, known in ((plan.scale, SCALES), (plan.truth, TRUTH_SOURCES), (plan.covariances, COVARIANCES)):
        if chosen not in known:
            raise UsageError(f"There is no '{brief(chosen)}' in a reader study: use {', '.join(known)}.")
    if len(set(plan.findings)) < len(plan.findings) or len(set(plan.readers)) < len(plan.readers):
        raise UsageError("A finding or a reader is named twice: name each once, nothing was stored.")
    if not 0 < plan.alpha < 1:
        raise UsageError("The level of a reader study is between 0 and 1: choose within that, such as 0.05.")
    values = {**asdict(plan), "title": input_checks.title(plan.title), "hypothesis": input_checks.note(plan.hypothesis)}
    return ReaderStudyPlan(**values)


def written(
    plan: ReaderStudyPlan,
    *,
    release: str,
    modality: Modality,
    source: str,
    cases: Sequence[StudyCase],
    order: Sequence[OrderedReading],
) -> str:
    """Return the protocol as canonical JSON."""
    low, high = SCALES[plan.scale]
    known: dict[str, Any] = {
        "format": FORMAT,
        "title": plan.title,
        "hypothesis": plan.hypothesis,
        "question": {"modality": modality, "findings": plan.findings, "scale": plan.scale, "from": low, "to": high},
        "cases": {"n": len(cases), "source": source, "truth": plan.truth, "digest": _digest_of_cases(cases)},
        "arms": ["without neighbours", "with neighbours"],
        "neighbours": {"n": plan.neighbours, "modality": modality, "release": release},
        "crossover": {"sessions": 2, "washout_days": plan.washout_days},
        "randomisation": {
            "unit": "case and reader",
            "block": 4,
            "seed": plan.seed,
            "digest": digest(_canonical([asdict(one) for one in order])),
        },
        "readers": {"n": len(plan.readers)},
        "primary_endpoint": f"difference in area under the ROC curve, with less without neighbours, {plan.findings[0]}",
        "secondary_endpoints": ["sensitivity", "specificity", "seconds on case", "certainty"],
        "analysis": {"method": METHOD, "covariances": plan.covariances, "alpha": plan.alpha, "sized_for": plan.effect},
    }
    return _canonical(known)


def digest(words: str) -> str:
    """Return the SHA-256 of a protocol's words."""
    return sha256(words.encode()).hexdigest()


def of_stored(study: StoredReaderStudy) -> Protocol:
    """Return the protocol of a stored reader study."""
    known = json.loads(study.words)
    question, shown, analysis = known["question"], known["neighbours"], known["analysis"]
    return Protocol(
        modality=question["modality"],
        findings=tuple(question["findings"]),
        scale=question["scale"],
        cases=known["cases"]["n"],
        readers=known["readers"]["n"],
        neighbours=shown["n"],
        release=shown["release"],
        washout_days=known["crossover"]["washout_days"],
        alpha=analysis["alpha"],
        covariances=analysis["covariances"],
    )


def _within(what: str, n: int, low: int, high: int) -> None:
    if not low <= n <= high:
        raise UsageError(f"A reader study has {low} to {high} {what} and this one {n}: choose within that.")


def _digest_of_cases(cases: Sequence[StudyCase]) -> str:
    return digest(_canonical([[one.number, one.study_id, one.truth] for one in cases]))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
