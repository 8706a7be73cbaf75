"""Both sides of rated pairs as learning needs them: studies of the workspace, and stored queries.

A pair may be learnt from, or leave the workspace, only where both sides are there and the consent of every patient they
are made of stands, to retrieval and to training.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from engine.errors import CasebindError
from engine.workspace.workspace import Workspace


@dataclass(frozen=True, eq=False)
class RatedSide:
    """One study, or one stored query.

    patients  : whose it is, as far as the workspace knows; the cases' of a mean
    content   : beginning of the SHA-256 of its content; "" where unknown
    encoder   : digest of what made the embedding; "" where there is no embedding of the serving release's encoders
    embedding : (256,) float32, or None then
    words     : (4,) uint64 of its code under the serving release, or None where it has none
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


CONTENT = 16  # hex digits of a fingerprint that tell contents apart between sites


def load_sides(workspace: Workspace, ids: Iterable[str]) -> dict[str, RatedSide]:
    """Return id → side of those studies and stored queries that are there."""
    wanted = sorted(set(ids))
    name, digest = workspace.releases.serving() or ("", "")
    encoders = workspace.releases.encoders(digest)
    found = _queries(workspace, wanted, name, encoders)
    return found | _studies(workspace, wanted, name, encoders)


def withdrawn_patients(workspace: Workspace) -> frozenset[str]:
    """Return the patients who withdrew from retrieval or from training."""
    return frozenset(patient for (patient,) in workspace.database.read("SELECT DISTINCT patient_id FROM withdrawn"))


def hamming(one: RatedSide, other: RatedSide) -> int | None:
    """Return in how many of 256 bits two codes differ, or None where one has no code."""
    if one.words is None or other.words is None:
        return None
    return int(np.bitwise_count(one.words ^ other.words).sum())


def _studies(workspace: Workspace, ids: Sequence[str], release: str, encoders: dict[str, str]) -> dict[str, RatedSide]:
    found = workspace.database.read(
        "SELECT s.study_id, s.modality, s.labels, s.synthetic, s.patient_id, s.fingerprint, e.vector,"
        " [c.w0, c.w1, c.w2, c.w3] FROM studies s"
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
        )
        for row in found
    }


def _queries(workspace: Workspace, ids: Sequence[str], release: str, encoders: dict[str, str]) -> dict[str, RatedSide]:
    found = workspace.database.read(
        "SELECT query_id, modality, facts, fingerprint, patient_key, release, code, vector FROM queries"
        " WHERE query_id IN (SELECT unnest(?))",
        [list(ids)],
    )
    return {row[0]: _query(workspace, row, release, encoders) for row in found}


def _query(workspace: Workspace, row: Sequence[Any], release: str, encoders: dict[str, str]) -> RatedSide:
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
        _patients(workspace, known, modality, fingerprint, patient_key),
        fingerprint[:CONTENT],
        encoder if usable else "",
        _vector(vector) if usable else None,
        np.frombuffer(code, "<u8") if made_by == release else None,
    )


def _patients(
    workspace: Workspace, facts: dict[str, Any], modality: str, fingerprint: str, patient_key: str | None
) -> frozenset[str]:
    """Return the collection's patients that a query is of, by its file's identifier, equal content, or its cases."""
    like = list(facts.get("like") or ())
    found = workspace.database.read(
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


def permitted_ids(workspace: Workspace, ids: Iterable[str]) -> set[str]:
    """Return those of the studies and stored queries that are there and of no patient who withdrew in either scope."""
    wanted = sorted(set(ids))
    rows = workspace.database.read(
        "SELECT study_id, patient_id IN (SELECT patient_id FROM withdrawn) FROM studies"
        " WHERE study_id IN (SELECT unnest(?))",
        [wanted],
    )
    asked = sorted(set(wanted) - {study_id for study_id, _ in rows})
    return {study_id for study_id, out in rows if not out} | (_standing_queries(workspace, asked) if asked else set())


def _standing_queries(workspace: Workspace, ids: Sequence[str]) -> set[str]:
    out = withdrawn_patients(workspace)
    found = workspace.database.read(
        "SELECT query_id, facts, modality, fingerprint, patient_key FROM queries WHERE query_id IN (SELECT unnest(?))",
        [list(ids)],
    )
    return {query_id for query_id, facts, *about in found if not _patients(workspace, json.loads(facts), *about) & out}
