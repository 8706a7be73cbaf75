"""The rows of a workspace as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np

from engine.study import Modality, Study

Mark = Literal["relevant", "partly", "irrelevant"]
MARKS: tuple[Mark, ...] = ("relevant", "partly", "irrelevant")
SKIP = "skip"  # kept with its history like a mark, but no judgement
ALL_MARKS = (*MARKS, SKIP)

REASONS = ("finding", "side", "quality", "other")
"""Why a mark was given: wrong finding, wrong side, quality, other."""

SCOPES = ("retrieval", "training", "teaching", "federation")
"""What a patient can consent to: being returned as a neighbour; being learnt from; standing in collections, quizzes."""


@dataclass(frozen=True)
class StudyRow:
    """What is known about one study of the workspace, without its content.

    label_source  : who gave the labels, in words
    quality_score : of the quality gate, 0..1
    file          : content file, relative to the workspace's studies folder
    extra         : further columns of its manifest, as they were
    gate          : digest of the quality gate that judged it; "" where it was not noted
    refused       : why a later gate refuses it, so that it is set aside; "" while it is accepted
    """

    study_id: str
    patient_id: str
    encounter_id: str
    cohort: str
    modality: Modality
    acquired_at: str | None = None
    age: float | None = None
    sex: str | None = None
    view: str | None = None
    labels: tuple[str, ...] = ()
    label_source: str = ""
    report: str | None = None
    synthetic: bool = False
    licence: str = ""
    attribution: str = ""
    recognised: str = ""
    quality_score: float = 0.0
    fingerprint: str = ""
    patient_key: str | None = None
    window_s: tuple[float, float] | None = None
    file: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    gate: str = ""
    refused: str = ""


class ContentFile(NamedTuple):
    """The canonical file of a study's content (engine.store.content): its bytes, and how its name ends."""

    data: bytes
    suffix: str


@dataclass(frozen=True, eq=False)
class NewStudy:
    """One study on its way into the workspace: its row, what it holds, and what the release made of it.

    embedding : (256,) float32, L2-normalised
    code      : (32,) uint8, packed little-endian
    file      : of its content, where it was made already; the study need not have the content then
    """

    row: StudyRow
    row_key: str
    study: Study
    embedding: np.ndarray
    code: np.ndarray
    consent: dict[str, bool] = field(default_factory=dict)
    file: ContentFile | None = None


IDS = KEEP_IDS, REPLACE_IDS, REPLACE_ALL_IDS = ("keep", "replace", "replace-all")
TEXTS = REPLACE_TEXTS, REFUSE_TEXTS, KEEP_TEXTS = ("replace", "refuse", "keep")  # with passages that name somebody


@dataclass(frozen=True)
class Cohort:
    """Where studies come from and what may be done with them.

    ids : one of IDS. Whether ids of patients and encounters stay as they come, since they are public pseudonyms, or
          become the workspace's own, and those of studies with them where they hold one, or all of them
    """

    name: str
    licence: str
    attribution: str
    synthetic: bool
    label_source: str
    ids: str = REPLACE_IDS


@dataclass(frozen=True)
class Rating:
    """One mark that one person gave to one neighbour of one query; a study may itself be the query.

    mark         : one of MARKS, or SKIP
    why          : tags of REASONS
    comment      : at most 500 characters, on one line
    finding      : what the rater had in mind, a name of the vocabulary of engine.findings, or ""
    strategy     : the queue that offered the pair; "" from a search
    random_share : offered at random, so that it measures without bias
    uid          : the same wherever the rating goes
    source       : "" given here, else the site that it was imported from
    guideline    : version of the guidelines in force; None where it was not noted, as of another site's ratings
    """

    rating_id: int
    query_id: str
    study_id: str
    mark: str
    who: str
    release: str
    bits: int
    operating_point: str | None
    created_at: datetime
    why: tuple[str, ...] = ()
    comment: str = ""
    finding: str = ""
    strategy: str = ""
    random_share: bool = False
    uid: str = ""
    source: str = ""
    undone_at: datetime | None = None
    guideline: int | None = None

    @property
    def pair(self) -> tuple[str, str]:
        """What was rated: query id and study id."""
        return self.query_id, self.study_id

    @property
    def rater(self) -> str:
        """The person; one of another site is somebody else, whatever the name."""
        return f"{self.who} ({self.source})" if self.source else self.who


@dataclass(frozen=True)
class Observation:
    """One judged query.

    source        : file format and device, as far as they are known
    cause         : the name of the limit that a refused one broke; "" of an accepted one
    measures      : name → value of what the gate measured
    latency_ms    : from the file to the answer; None of a refused one
    nothing_close : whether nothing of its own modality was called close; None where that was not asked for
    patient_id, patient_key, fingerprint : by which a patient is counted once, and erased
    """

    query_id: str
    modality: str
    source: str
    accepted: bool
    score: float
    release: str
    synthetic: bool
    fingerprint: str
    cause: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    latency_ms: float | None = None
    nothing_close: bool | None = None
    patient_id: str | None = None
    patient_key: str | None = None


@dataclass(frozen=True, eq=False)
class StoredQuery:
    """One accepted query, as it was stored: enough to show the same page again.

    verdict   : the quality gate's verdict as plain JSON
    code      : (32,) uint8
    embedding : (256,) float32, of `release`
    observed  : what the monitor is told of it, stored with it; None where it was asked before
    """

    query_id: str
    who: str
    study: Study
    verdict: dict[str, Any]
    release: str
    code: np.ndarray
    embedding: np.ndarray
    created_at: datetime | None = None
    observed: Observation | None = None

    @property
    def is_typed(self) -> bool:
        """Whether it is words of a person, rather than a report of the collection or the mean of cases."""
        return self.study.modality == "text" and self.who != "" and not self.study.facts.get("like")


@dataclass(frozen=True)
class AuditRow:
    """One line of the audit: who did what, when, with which release, and which studies were shown.

    audit_id : its number, from 1 without gaps
    filters  : the filters of a search, or what else was asked
    refused  : the sentence that was said instead
    outcome  : done, refused or failed
    about    : further facts
    """

    audit_id: int
    created_at: datetime
    who: str
    kind: str
    query_id: str | None
    code: str | None
    returned: tuple[str, ...]
    release: str | None
    filters: str | None
    refused: str | None
    patients: tuple[str, ...] = ()
    session: str = ""
    roles: tuple[str, ...] = ()
    purpose: str = ""
    outcome: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
