"""The studies that a device keeps: codes, small pictures and plain facts of cases that are returned most often.

Only studies that the actor may see are taken, so that consent and policies count; reports are not. A card has a day on
which it expires, after which the device shows it no more unless a later bundle says otherwise.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from engine.actor import Actor
from engine.edge.parts import CARDS, CODES, PICTURES
from engine.model.release import Release
from engine.signals import envelope
from engine.store.acts import KINDS
from engine.store.records import StudyRow
from engine.study import Trace
from engine.workspace.workspace import Workspace

KEPT = ("cxr", "ecg", "ppg")
ROWS_LOOKED_AT = 20_000  # of the audit, the newest
COLUMNS, SIDE = 24, 48  # of a trace's picture (two heights each), of a film's


@dataclass(frozen=True)
class CachePolicy:
    """Which studies a device keeps.

    studies    : at most, of every modality
    valid_days : until their cards expire without a contact
    """

    studies: int = 2000
    valid_days: int = 7


@dataclass(frozen=True, eq=False)
class Cache:
    """cards : one a study, in the order of the codes, (n, 32) uint8; pictures: study id → uint8 array."""

    cards: list[dict[str, object]]
    codes: np.ndarray
    pictures: dict[str, np.ndarray]

    def files(self) -> dict[str, bytes]:
        """Return the parts of a bundle."""
        codes, pictures = io.BytesIO(), io.BytesIO()
        np.save(codes, self.codes)
        np.savez_compressed(pictures, allow_pickle=False, **self.pictures)
        text = json.dumps(self.cards, ensure_ascii=False) + "\n"
        return {CARDS: text.encode(), CODES: codes.getvalue(), PICTURES: pictures.getvalue()}


def cache_of(workspace: Workspace, release: Release, policy: CachePolicy, now: datetime, *, actor: Actor) -> Cache:
    """Return the studies most often returned, as far as the audit says, then by id; each modality has its own limit."""
    expires = (now + timedelta(days=policy.valid_days)).isoformat(timespec="seconds")
    asked = (row for row in workspace.audit_rows(ROWS_LOOKED_AT) if KINDS.get(row.kind) == "query")
    returned = Counter(study_id for row in asked for study_id in row.returned)
    rows = workspace.rows(actor=actor)
    patients = {patient: place for place, patient in enumerate(sorted({row.patient_id for row in rows}))}
    cards: list[dict[str, object]] = []
    codes: list[np.ndarray] = []
    pictures: dict[str, np.ndarray] = {}
    for modality in KEPT:
        coded = workspace.codes(release.name, modality)
        places = {study_id: place for place, study_id in enumerate(coded.ids)}
        own = [row for row in rows if row.modality == modality and row.study_id in places]
        own = sorted(own, key=lambda row: (-returned[row.study_id], row.study_id))[: policy.studies]
        own.sort(key=lambda row: row.study_id)
        cards += [_card(row, patients[row.patient_id], expires) for row in own]
        codes.append(_bytes(coded.words, [places[row.study_id] for row in own]))
        pictures |= {row.study_id: _picture(workspace, row) for row in own}
    return Cache(cards, np.concatenate(codes), pictures)


def _bytes(words: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Return packed codes (m, 32) uint8 of some columns of (4, n) words."""
    return np.ascontiguousarray(words[:, list(places)].T.astype("<u8")).view(np.uint8).reshape(-1, 32)


def _card(row: StudyRow, patient: int, expires: str) -> dict[str, object]:
    return {
        "study_id": row.study_id,
        "modality": row.modality,
        "patient": patient,
        "cohort": row.cohort,
        "licence": row.licence,
        "labels": list(row.labels),
        "label_source": row.label_source,
        "age": row.age,
        "sex": row.sex,
        "view": row.view,
        "synthetic": row.synthetic,
        "recognised": row.recognised,
        "valid_until": expires,
    }


def _picture(workspace: Workspace, row: StudyRow) -> np.ndarray:
    """Return the searched stretch's first lead as (columns,) heights, or a film as (side, side), uint8."""
    content = workspace.study_of(row).searched
    if isinstance(content, Trace):
        row_of = content.samples[0].astype(np.float64)
        _, heights = envelope(np.nan_to_num(row_of), COLUMNS)
        return _as_bytes(heights)
    from PIL import Image

    from engine.model.cxr import prepare

    small = Image.fromarray(np.round(255 * prepare(content)).astype(np.uint8)).resize((SIDE, SIDE))  # type: ignore[arg-type]
    return np.asarray(small, np.uint8)


def _as_bytes(heights: np.ndarray) -> np.ndarray:
    low, high = float(heights.min()), float(heights.max())
    scaled: np.ndarray = np.round(255 * (heights - low) / (high - low or 1.0)).astype(np.uint8)
    return scaled
