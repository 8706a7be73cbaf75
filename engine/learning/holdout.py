"""What no round learns from, so that every round can be measured on it: some patients, and some queries' ratings.

Both follow from a hash of the id alone: the same ones for every round, on every machine, without a list to keep.
"""

from __future__ import annotations

from hashlib import sha256

HOLDOUT_PATIENTS = 0.30  # of the patients; their studies measure, and are never fitted
HOLDOUT_QUERIES = 0.20  # of the queries; marks on their neighbours measure, and are never fitted


def hash_share(name: str) -> float:
    """Return a number in 0 … 1 that depends on a name alone, evenly spread over names."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") / 2**64


def is_holdout_patient(patient_id: str) -> bool:
    """Return whether a patient's studies only measure."""
    return hash_share(patient_id) < HOLDOUT_PATIENTS


def is_holdout_query(query_id: str) -> bool:
    """Return whether marks on a query's neighbours only measure."""
    return hash_share(f"query {query_id}") < HOLDOUT_QUERIES
