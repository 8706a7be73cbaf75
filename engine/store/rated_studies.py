"""Both sides of rated pairs as learning needs them: studies of the workspace, and stored queries.

A pair may be learnt from, or leave the workspace, only where both sides are there and the actor, acting for training,
may see every patient they are made of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from engine.actor import Actor
from engine.errors import CasebindError
from engine.store import permission, staged_codes
from engine.store.database import Database


@dataclass(frozen=True, eq=False)
class RatedSide:
    """One study, or one stored query.

    patients  : whose it is, as far as the workspace knows; the cases' of a mean
    content   : beginning of the SHA-256 of its content; "" where unknown
    encoder   : digest of what made the embedding; "" where there is no embedding of the serving release's encoders
    embedding : (256,) float32, or None then
    words     : (4,) uint64 of its code under the serving release, or None where it has none
    permitted : whether the actor who asked may see the studies of all its patients
    age, sex  : of whom it is, where that is known; age in years
    """

    id: str
    modality: str
    labels: tuple[str, ...]
    synthetic: bool
    patients: frozenset[str]
    content: str
    encoder: str
    embedding: np.ndarray | None
    words: np.ndarray | None
    permitted: bool = True
    age: float | None = None
    sex: str = ""


CONTENT = 16  # hex digits of a fingerprint that tell contents apart between sites


def load_sides(database: Database, actor: Actor, ids: Iterable[str]) -> dict[str, RatedSide]:
    """Return id → side of those studies and stored queries that are there, also of those not permitted."""
    wanted = sorted(set(ids))
    name, digest = staged_codes.serving(database) or ("", "")
    encoders = staged_codes.encoders(database, digest)
    found = _queries(database, wanted, name, encoders) | _studies(database, wanted, name, encoders)
    refused = permission.refused_patients(database, actor, _all_patients(side.patients for side in found.values()))
    return {key: replace(side, permitted=not side.patients & refused) for key, side in found.items()}


def hamming(one: RatedSide, other: RatedSide) -> int | None:
    """Return in how many of 256 bits two codes differ, or None where one has no code."""
    if one.words is None or other.words is None:
        return None
    return int(np.bitwise_count(one.words ^ other.words).sum())


def _studies(database: Database, ids: Sequence[str], release: str, encoders: dict[str, str]) -> dict[str, RatedSide]:
    found = database.read(
        "SELECT s.study_id, s.modality, s.labels, s.synthetic, s.patient_id, s.fingerprint, e.vector,"
        " [c.w0, c.w1, c.w2, c.w3], s.age, coalesce(s.sex, '') FROM studies s"
        " LEFT JOIN embeddings e ON e.study_id = s.study_id AND e.release = ?"
        " LEFT JOIN codes c ON c.study_id = s.study_id AND c.release = ?"
        " WHERE s.study_id IN (SELECT unnest(?))",
        [release, release, list(ids)],
    )
    return {
        row[0]: RatedSide(
            row[0],
            row[1],
            tuple(row[2]),
            row[3],
            frozenset([row[4]]),
            row[5][:CONTENT],
            "" if row[6] is None else encoders.get(row[1], ""),
            _vector(row[6]),
            _words(row[7]),
            age=row[8],
            sex=row[9],
        )
        for row in found
    }


def _queries(database: Database, ids: Sequence[str], release: str, encoders: dict[str, str]) -> dict[str, RatedSide]:
    found = database.read(
        "SELECT query_id, modality, facts, fingerprint, patient_key, release, code, vector FROM queries"
        " WHERE query_id IN (SELECT unnest(?))",
        [list(ids)],
    )
    return {row[0]: _query(database, row, release, encoders) for row in found}


def _query(database: Database, row: Sequence[Any], release: str, encoders: dict[str, str]) -> RatedSide:
    """Return the side that a stored query is; its embedding counts where the serving release's encoders made it."""
    query_id, modality, facts, fingerprint, patient_key, made_by, code, vector = row
    known = json.loads(facts)
    encoder = encoders.get(modality, "")
    usable = bool(encoder) and not known.get("like") and (made_by == release or _encoder(made_by, modality) == encoder)
    return RatedSide(
        query_id,
        modality,
        (),
        bool(known.get("synthetic")),
        _patients(database, known, modality, fingerprint, patient_key),
        fingerprint[:CONTENT],
        encoder if usable else "",
        _vector(vector) if usable else None,
        np.frombuffer(code, "<u8") if made_by == release else None,
        age=None if known.get("age") is None else float(known["age"]),
        sex=str(known.get("sex") or ""),
    )


def _patients(
    database: Database, facts: dict[str, Any], modality: str, fingerprint: str, patient_key: str | None
) -> frozenset[str]:
    """Return the collection's patients that a query is of, by its file's identifier, equal content, or its cases."""
    like = list(facts.get("like") or ())
    found = database.read(
        "SELECT DISTINCT patient_id FROM studies WHERE patient_key = ? OR (fingerprint = ? AND fingerprint <> '')"
        " OR study_id IN (SELECT unnest(?::VARCHAR[]))",
        [patient_key, "" if modality == "text" else fingerprint, like],
    )
    own = {str(facts["patient_id"])} if facts.get("patient_id") else set()
    return frozenset({patient for (patient,) in found} | own)


@lru_cache(maxsize=64)
def _encoder(release: str, modality: str) -> str:
    """Return the digest of what an installed release embeds with; a round's is that of the release it is named for."""
    from engine.model.release import load_release, releases

    for path in releases():
        if path.name == release.split(".")[0]:
            try:
                return load_release(path).encoders.get(modality, "")
            except CasebindError:
                return ""
    return ""


def _vector(values: Sequence[float] | None) -> np.ndarray | None:
    return None if values is None else np.asarray(values, np.float32)


def _words(values: Sequence[int | None]) -> np.ndarray | None:
    return None if values[0] is None else np.asarray(values, np.uint64)


def with_permitted_patients(database: Database, actor: Actor, ids: Iterable[str]) -> set[str]:
    """Return those of the studies and stored queries that are there and all of whose patients the actor may see."""
    wanted = sorted(set(ids))
    studies = database.read("SELECT study_id, patient_id FROM studies WHERE study_id IN (SELECT unnest(?))", [wanted])
    patients = {study_id: frozenset([patient_id]) for study_id, patient_id in studies}
    patients |= _query_patients(database, sorted(set(wanted) - patients.keys()))
    refused = permission.refused_patients(database, actor, _all_patients(patients.values()))
    return {key for key, of in patients.items() if not of & refused}


def _query_patients(database: Database, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return query id → its patients, of the stored queries that are there."""
    if not ids:
        return {}
    found = database.read(
        "SELECT query_id, facts, modality, fingerprint, patient_key FROM queries WHERE query_id IN (SELECT unnest(?))",
        [list(ids)],
    )
    return {query_id: _patients(database, json.loads(facts), *about) for query_id, facts, *about in found}


def _all_patients(parts: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*parts)


class LabelledStudy(NamedTuple):
    """A study that has labels and an embedding. age : years, None where unknown"""

    study_id: str
    modality: str
    labels: tuple[str, ...]
    patient_id: str
    sex: str | None
    cohort: str
    age: float | None
    synthetic: bool


def labelled_studies(database: Database, actor: Actor, release: str) -> list[LabelledStudy]:
    """Return the permitted studies that have labels and an embedding under a release, by id."""
    sql = (
        "SELECT s.study_id, s.modality, s.labels, s.patient_id, s.sex, s.cohort, s.age, s.synthetic"
        " FROM permitted_studies s JOIN embeddings e ON e.study_id = s.study_id AND e.release = ?"
        " WHERE len(s.labels) > 0 ORDER BY s.study_id"
    )
    found = permission.read(database, actor, sql, [release])
    return [LabelledStudy(study_id, modality, tuple(labels), *rest) for study_id, modality, labels, *rest in found]


def labels_of(database: Database, actor: Actor, ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return study id → labels, of the permitted studies among the ids that have some."""
    sql = "SELECT study_id, labels FROM permitted_studies WHERE len(labels) > 0 AND study_id IN (SELECT unnest(?))"
    return {key: tuple(labels) for key, labels in permission.read(database, actor, sql, [sorted(set(ids))])}


def patient_numbers(database: Database, patient_ids: Iterable[str]) -> dict[str, int]:
    """Return patient id → the number under which the codes hold the patient, of those who are there."""
    sql = "SELECT patient_id, number FROM patients WHERE patient_id IN (SELECT unnest(?::VARCHAR[]))"
    return dict(database.read(sql, [sorted(set(patient_ids))]))
