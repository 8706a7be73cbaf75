"""Ratings on their way to another site: every one that counts, skips as well, with what both sites need to pool them.

Pairs of patients who withdrew from retrieval or training are left out, and whoever withdraws while the file is made is
not in it. Embeddings go along only where they are asked for: they say more about a recording than a mark does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from engine import plain_text
from engine.actor import Actor
from engine.report.table_csv import csv_bytes, dictionary, iso
from engine.store import permission
from engine.store.rated_studies import RatedSide, hamming, load_sides, with_permitted_patients
from engine.store.records import Rating
from engine.strings import notice
from engine.workspace.workspace import Workspace

TABLE = "pooled"


@dataclass(frozen=True)
class ExportedRatings:
    """A finished file.

    n        : ratings in it
    left_out : ratings of withdrawn patients
    gone     : ratings of studies or queries that are no longer there
    """

    data: bytes
    name: str
    audit_id: int
    n: int
    left_out: int
    gone: int


def site(workspace: Workspace) -> str:
    """Return the id of a workspace under which its ratings travel; a copy has the same."""
    return f"site-{hmac.new(workspace.key, b'casebind ratings', hashlib.sha256).hexdigest()[:12]}"


def export_ratings(
    workspace: Workspace, *, actor: Actor, embeddings: bool = False, bom: bool = False
) -> ExportedRatings:
    """Return the CSV of all ratings that count, oldest first, and note the export in the audit.

    embeddings : with the embeddings of both sides, so that another site can train on pairs it does not have
    """
    permission.require(workspace.database, actor, "curate")
    trainer = actor.acting_for("training")  # whoever takes the file learns from it
    while True:
        ratings = workspace.all_ratings(skips=True)
        known = load_sides(workspace.database, trainer, {one for rating in ratings for one in rating.pair})
        present = [rating for rating in ratings if all(one in known for one in rating.pair)]
        permitted = [rating for rating in present if all(known[one].permitted for one in rating.pair)]
        about = f"ratings to pool, {'with' if embeddings else 'without'} embeddings"
        ids = sorted({one for rating in permitted for one in rating.pair})
        audit_id = workspace.audit("export", actor=actor, returned=ids, filters=about)
        data = csv_bytes(TABLE, _rows(workspace, permitted, known, embeddings=embeddings, audit_id=audit_id), bom)
        if with_permitted_patients(workspace.database, trainer, ids).issuperset(ids):
            left_out, gone = len(present) - len(permitted), len(ratings) - len(present)
            name = f"casebind-ratings-{audit_id}.csv"
            return ExportedRatings(data, name, audit_id, len(permitted), left_out, gone)


def dictionary_csv() -> bytes:
    """Return the data dictionary of the file as CSV: column and meaning."""
    return plain_text.csv_text(("column", "meaning"), dictionary()[TABLE].items()).encode("utf-8")


def _rows(
    workspace: Workspace, ratings: Sequence[Rating], known: dict[str, RatedSide], *, embeddings: bool, audit_id: int
) -> Iterator[dict[str, Any]]:
    home = site(workspace)
    ending = {"export_audit_id": audit_id, "exported_at_utc": iso(datetime.now(UTC)), "notice": notice()}
    for rating in ratings:
        query, study = known[rating.query_id], known[rating.study_id]
        row = _rating(rating, home) | _pair(query, study) | ending
        if embeddings:
            row |= {
                "query_embedding": encode_embedding(query.embedding),
                "embedding": encode_embedding(study.embedding),
            }
        yield {name: plain_text.escape_protected(v) if isinstance(v, str) else v for name, v in row.items()}


def _rating(rating: Rating, home: str) -> dict[str, Any]:
    return {
        "uid": rating.uid,
        "site": rating.source or home,
        "rater": rating.who,
        "query_id": rating.query_id,
        "study_id": rating.study_id,
        "mark": rating.mark,
        "why": ";".join(rating.why),
        "comment": rating.comment,
        "finding": rating.finding,
        "strategy": rating.strategy,
        "random_share": rating.random_share,
        "guideline_version": rating.guideline,
        "rated_at_utc": iso(rating.created_at),
        "release": rating.release,
        "code_length_bits": rating.bits,
        "operating_point": rating.operating_point,
    }


def _pair(query: RatedSide, study: RatedSide) -> dict[str, Any]:
    return {
        "query_content": query.content,
        "query_modality": query.modality,
        "query_labels": plain_text.one_line(";".join(query.labels)),
        "query_synthetic": query.synthetic,
        "query_encoder": query.encoder,
        "content": study.content,
        "modality": study.modality,
        "labels": plain_text.one_line(";".join(study.labels)),
        "synthetic": study.synthetic,
        "encoder": study.encoder,
        "hamming_bits": hamming(query, study),
    }


def encode_embedding(embedding: np.ndarray | None) -> str:
    """Return base64 of 256 little-endian float16, or "" where there is no embedding."""
    return "" if embedding is None else base64.b64encode(embedding.astype("<f2").tobytes()).decode("ascii")


def decode_embedding(words: str) -> np.ndarray:
    """Return (256,) float32 of what `encode_embedding` wrote, of length 1; ValueError where it is something else."""
    vector = np.frombuffer(base64.b64decode(words, validate=True), "<f2").astype(np.float32)
    length = float(np.linalg.norm(vector)) if vector.size == 256 else 0.0
    if not 0.98 < length < 1.02:  # float16 leaves it within a thousandth
        raise ValueError("no embedding")
    return vector / np.float32(length)
