"""What a search is asked (Options), what it returns (Answer, Neighbour), and how long its stages took (Stopwatch)."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.modalities import MODALITIES
from engine.retrieval.group_radius import GroupRadius
from engine.retrieval.typed_words import TypedWords
from engine.store.filters import Filters
from engine.study import Modality, Study

if TYPE_CHECKING:
    from engine.intake.quality.verdict import QualityVerdict

BITS = (64, 128, 256)
OPERATING_POINTS = ("precise", "balanced", "broad")
RERANKS = ("none", "asymmetric", "embedding")
MAX_NEIGHBOURS = 1000  # per modality; more is an export, not a search


@dataclass(frozen=True)
class Counted:
    """Pairs like one that is shown: how many were counted, how many share a finding, and the share's 95 % interval."""

    pairs: int = 0
    sharing: int = 0
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class Neighbour:
    """One study near the query.

    rank          : 1 is the nearest of its modality, or the first after re-ranking
    hamming       : bits that differ, out of `bits`
    further_share : share of random pairs of these modalities that are further apart, 0..1
    relevance     : of the pairs like this one that were counted in this collection, the share that share a finding,
                    0..1; None where nothing may be claimed
    counted       : those pairs; claimed or not
    release       : whose codes brought it near
    same_recording : whether its content is that of the query, or nearly
    """

    rank: int
    study_id: str
    patient_id: str
    encounter_id: str
    modality: Modality
    cohort: str
    licence: str
    labels: tuple[str, ...]
    label_source: str
    synthetic: bool
    age: float | None
    sex: str | None
    view: str | None
    recognised: str
    hamming: int
    bits: int
    further_share: float
    relevance: float | None
    counted: Counted = Counted()
    release: str = ""
    same_recording: bool = False


@dataclass(frozen=True, eq=False)
class Answer:
    """What one search returned.

    neighbours       : grouped by modality in the order asked for, nearest first, ranks from 1 in each modality;
                       where `rerank` is not "none", in the order of engine.retrieval.rerank
    nothing_close    : per modality, True when even the nearest permitted study is further than the release calls close
    filters_sentence : what was applied, in words; empty when nothing was
    copies           : studies of the collection whose content is the query's own; their patients are not returned
    missing          : sites that did not answer in time, whose studies are not among the neighbours
    timing_ms        : read, quality, encode, search, total
    typed            : what typed words were understood as; None for a recording, and for a study of the collection
    groups           : radii of the query's own groups that are in use, in the place of that of `balanced`
    """

    query_id: str
    study: Study
    verdict: QualityVerdict
    bits: int
    operating_point: str | None
    code_hex: str
    release: str
    neighbours: tuple[Neighbour, ...]
    nothing_close: dict[str, bool]
    filters_sentence: str
    audit_id: int
    timing_ms: dict[str, float]
    rerank: str = "none"
    missing: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    typed: TypedWords | None = None
    groups: tuple[GroupRadius, ...] = ()

    @property
    def missing_sentence(self) -> str:
        """Say which sites did not answer; empty when all did."""
        if not self.missing:
            return ""
        if len(self.missing) == 1:
            return f"Site {self.missing[0]} did not answer: its studies are not among these."
        return f"Sites {' and '.join(self.missing)} did not answer: their studies are not among these."

    def to_json(self) -> dict[str, Any]:
        """Return the object that `casebind search --json` prints."""
        code = {"bits": self.bits, "hex": self.code_hex} if self.verdict.accepted else None
        return {
            "query": {
                "query_id": self.query_id,
                "modality": self.study.modality,
                "recognised": self.study.recognised,
                "synthetic": bool(self.study.facts.get("synthetic")),
                "quality": {
                    "accepted": bool(self.verdict.accepted),
                    "score": round(float(self.verdict.score), 4),
                    "reasons": list(self.verdict.reasons),
                },
                "code": code,
            },
            "release": self.release,
            "at": self.operating_point,
            "group_radii": [asdict(one) for one in self.groups],
            "rerank": self.rerank,
            "filters": self.filters_sentence,
            "neighbours": [asdict(neighbour) for neighbour in self.neighbours],
            "nothing_close": self.nothing_close,
            "copies": list(self.copies),
            "missing_sites": list(self.missing),
            "audit_id": self.audit_id,
            "timing_ms": self.timing_ms,
            **({} if self.typed is None else self.typed.to_json()),
        }


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to search: target modalities, neighbours per modality, code length, operating point, filters, re-ranking.

    by_meaning : typed words find what lies near their embedding, without a look at labels
    """

    targets: tuple[Modality, ...] = field(default_factory=lambda: tuple(MODALITIES))
    k: int = 10
    bits: int = 256
    operating_point: str | None = None
    filters: Filters = field(default_factory=Filters)
    rerank: str = "none"
    by_meaning: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.targets if name not in MODALITIES]
        if unknown or not self.targets:
            named = f"no modality '{unknown[0]}'" if unknown else "no target modality"
            raise UsageError(f"There is {named} to search into: use {', '.join(MODALITIES)}.")
        if self.bits not in BITS:
            raise UsageError(f"There are no codes of {self.bits} bits: use 64, 128 or 256.")
        if self.operating_point is not None and self.operating_point not in OPERATING_POINTS:
            raise UsageError(f"There is no operating point '{self.operating_point}': use precise, balanced or broad.")
        if self.rerank not in RERANKS:
            raise UsageError(f"There is no re-ranking '{self.rerank}': use none, asymmetric or embedding.")
        if not 1 <= self.k <= MAX_NEIGHBOURS:
            raise UsageError(f"k is {self.k}: ask for 1 to {MAX_NEIGHBOURS} neighbours per modality.")


class Stopwatch:
    """Milliseconds by stage of one query."""

    def __init__(self, started: float | None) -> None:
        self._last = time.perf_counter()
        self._start = self._last if started is None else started
        self.stages = {"read": (self._last - self._start) * 1000}

    def lap(self, stage: str) -> None:
        """Close a stage."""
        present = time.perf_counter()
        self.stages[stage] = (present - self._last) * 1000
        self._last = present

    def result(self) -> dict[str, float]:
        """Return all stages and the total, rounded to 0.1 ms; stages that did not happen are 0."""
        total = (time.perf_counter() - self._start) * 1000
        stages = {stage: self.stages.get(stage, 0.0) for stage in ("read", "quality", "encode", "search")}
        return {stage: round(value, 1) for stage, value in {**stages, "total": total}.items()}
