"""Many studies through the same stages as a query: read, window, quality gate, embedding, code; in batches."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.errors import CasebindError, ReleaseError
from engine.intake.burned_in_choice import Screen
from engine.intake.quality.judge import choose_window, judge
from engine.intake.quality.verdict import gate_digest
from engine.modalities import resolve, spec_of
from engine.store.records import ContentFile
from engine.study import Study
from engine.workspace.manifest import StudyEntry

if TYPE_CHECKING:
    from engine.model.release import Release

EMBEDDING, CODE_BYTES = 256, 32
BATCH = 16  # studies encoded at once; each batch is one transaction, so this much work is redone after a kill


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one entry.

    reason    : why it was not accepted, "" when it was
    embedding : (256,) float32, zero when not accepted
    code      : (32,) uint8, zero when not accepted
    file      : of its content, where it was made already
    turn      : how far small changes turn its projections, where that is unusual (engine.workspace.steadiness)
    """

    entry: StudyEntry
    study: Study | None
    score: float
    reason: str
    embedding: np.ndarray
    code: np.ndarray
    file: ContentFile | None = None
    turn: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the study was read, passed the gate and was encoded."""
        return not self.reason


class PrecomputedOutcome(NamedTuple):
    """What an earlier run made of one study: see Outcome."""

    fingerprint: str
    score: float
    reason: str
    embedding: np.ndarray
    code: np.ndarray


@dataclass(frozen=True, eq=False)
class Precomputed:
    """Outcomes of a release by study id; each is used only for content of the same fingerprint.

    gate : digest of the quality gate whose verdicts they are
    """

    outcomes: dict[str, PrecomputedOutcome]
    gate: str = ""

    def outcome(self, entry: StudyEntry, study: Study) -> Outcome | None:
        """Return the finished outcome of a study, or None where it has to be judged."""
        known = self._of_content(entry, study)
        return None if known is None or self.gate != gate_digest() else Outcome(entry, study, *known[1:])

    def encoded(self, entry: StudyEntry, study: Study) -> tuple[np.ndarray, np.ndarray]:
        """Return embedding and code of a study, whatever gate accepted it; zeros where it has to be encoded."""
        known = self._of_content(entry, study)
        return _nothing() if known is None else (known.embedding, known.code)

    def _of_content(self, entry: StudyEntry, study: Study) -> PrecomputedOutcome | None:
        known = self.outcomes.get(entry.study_id)
        return known if known is not None and known.fingerprint == study.fingerprint != "" else None


NOTHING_PRECOMPUTED = Precomputed({})


def encode_batches(
    entries: Sequence[StudyEntry],
    release: Release,
    key: bytes,
    precomputed: Precomputed = NOTHING_PRECOMPUTED,
    screen: Screen | None = None,
) -> Iterator[list[Outcome]]:
    """Yield the outcomes batch by batch, in the order of the entries.

    screen : what is done about films that seem to carry text; None takes them as they are
    """
    for first in range(0, len(entries), BATCH):
        some = entries[first : first + BATCH]
        read = [_read(entry, key, precomputed) for entry in some]
        _compute_ahead([one for one in read if isinstance(one, Study)])
        outcomes = [
            one if isinstance(one, Outcome) else _judged(entry, one, precomputed, screen)
            for entry, one in zip(some, read, strict=True)
        ]
        waiting = [place for place, one in enumerate(outcomes) if one.accepted and not one.embedding.any()]
        for place, done in zip(waiting, _embedded([outcomes[place] for place in waiting], release), strict=True):
            outcomes[place] = done
        yield outcomes


def load_precomputed(file: Path, digest: str) -> Precomputed:
    """Return what `casebind encode` wrote to `file`, if it is there and was made with the release of this digest."""
    if not file.is_file():
        return NOTHING_PRECOMPUTED
    try:
        with np.load(file, allow_pickle=False) as table:
            if str(table["release_digest"]) != digest:
                return NOTHING_PRECOMPUTED
            gate = str(table["gate_digest"])
            columns = [table[name] for name in ("study_id", "fingerprint", "score", "reason", "embedding", "code")]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ReleaseError(f"The embeddings in {file.name} are damaged: run casebind encode once more.") from error
    rows = zip(*columns, strict=True)
    return Precomputed(
        {str(one[0]): PrecomputedOutcome(str(one[1]), float(one[2]), str(one[3]), *one[4:]) for one in rows}, gate
    )


def _read(entry: StudyEntry, key: bytes, precomputed: Precomputed) -> Study | Outcome:
    """Read one entry and choose what of it is searched; its outcome where that is known already, or reading failed."""
    try:
        study = entry.load(key)
        study = replace(choose_window(study), facts={**study.facts, **entry.facts})
        return precomputed.outcome(entry, study) or study
    except CasebindError as error:
        return _failed(entry, str(error))


def _compute_ahead(studies: Sequence[Study]) -> None:
    """Compute together what gate and encoder ask of each study; what fails here fails there, of one study alone."""
    for modality in dict.fromkeys(study.modality for study in studies):
        with suppress(CasebindError):
            ahead = spec_of(modality).ahead
            if ahead is not None:
                resolve(ahead)([study for study in studies if study.modality == modality])


def _judged(entry: StudyEntry, study: Study, precomputed: Precomputed, screen: Screen | None) -> Outcome:
    """Put one study through the gate, and what was accepted through the screen for text in films."""
    try:
        verdict = judge(study)
        if verdict.accepted and screen is not None:
            study = screen.passed(study)
    except CasebindError as error:
        return _failed(entry, str(error))
    if not verdict.accepted:
        return replace(_failed(entry, "refused: " + " ".join(verdict.reasons)), study=study, score=verdict.score)
    return Outcome(entry, study, verdict.score, "", *precomputed.encoded(entry, study))


def _embedded(waiting: list[Outcome], release: Release) -> list[Outcome]:
    """Encode a batch; where that fails, one by one, so that one study cannot take the others with it."""
    if not waiting:
        return []
    studies = [one.study for one in waiting if one.study is not None]
    try:
        vectors = np.asarray(release.embed(studies), dtype=np.float32)
    except CasebindError as error:
        if len(waiting) == 1:
            return [_failed(waiting[0].entry, str(error))]
        return [done for one in waiting for done in _embedded([one], release)]
    codes = [release.codes(vector[None], study.modality)[0] for study, vector in zip(studies, vectors, strict=True)]
    return [
        replace(one, embedding=vector, code=code) for one, vector, code in zip(waiting, vectors, codes, strict=True)
    ]


def _failed(entry: StudyEntry, reason: str) -> Outcome:
    return Outcome(entry, None, 0.0, reason, *_nothing())


def _nothing() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(EMBEDDING, np.float32), np.zeros(CODE_BYTES, np.uint8)
