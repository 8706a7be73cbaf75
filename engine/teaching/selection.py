"""Which studies a quiz asks about: recordings with labels, never two of one patient in one modality."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.store.filters import CONSENT_SQL, Clause, Filters
from engine.study import Modality
from engine.workspace.workspace import Workspace

RECORDINGS: tuple[Modality, ...] = ("cxr", "ecg", "ppg")  # a report's words give the answer away
COLUMNS = "s.study_id, s.patient_id, s.encounter_id, s.modality, s.labels, s.fingerprint"


@dataclass(frozen=True)
class Candidate:
    """A study that a quiz may ask about."""

    study_id: str
    patient_id: str
    encounter_id: str
    modality: Modality
    labels: tuple[str, ...]
    fingerprint: str
    note: str = ""


def from_collection(workspace: Workspace, collection_id: str) -> list[Candidate]:
    """Return the collection's cases that may be shown, in its order, of every modality and with or without labels."""
    found = workspace.database.read(
        f"SELECT {COLUMNS}, c.note FROM collection_cases c JOIN studies s USING (study_id)"
        f" WHERE c.removed_at IS NULL AND c.collection_id = ? AND {CONSENT_SQL} ORDER BY c.place",
        [collection_id],
    )
    return [_candidate(*row) for row in found]


def from_filters(workspace: Workspace, modalities: Sequence[Modality], filters: Filters) -> list[Candidate]:
    """Return all labelled recordings of these modalities that the filters let through, in the order of their ids."""
    own = Clause("list_contains(?, s.modality)", ([one for one in modalities if one in RECORDINGS],), "")
    clauses = [own, *filters.clauses()]
    conditions = " AND ".join(clause.sql for clause in clauses)
    found = workspace.database.read(
        f"SELECT {COLUMNS}, '' FROM studies s WHERE {CONSENT_SQL} AND len(s.labels) > 0 AND {conditions} ORDER BY 1",
        [value for clause in clauses for value in clause.values],
    )
    return [_candidate(*row) for row in found]


def in_turn(
    candidates: Sequence[Candidate], label_of: Callable[[Candidate], str], rng: random.Random
) -> list[Candidate]:
    """Return them shuffled, taking a case of each label in turn, so that a frequent label does not fill a quiz."""
    groups: dict[str, list[Candidate]] = {}
    for one in rng.sample(list(candidates), len(candidates)):
        groups.setdefault(label_of(one), []).append(one)
    rounds = max((len(group) for group in groups.values()), default=0)
    return [group[i] for i in range(rounds) for group in groups.values() if i < len(group)]


def different(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield the candidates without a case, its equal content, or its patient in the same modality coming twice."""
    seen: set[tuple[str, str]] = set()
    for one in candidates:
        keys = {("study", one.study_id), (one.modality, one.patient_id), (f"of {one.modality}", one.encounter_id)}
        if one.fingerprint:
            keys.add(("content", one.fingerprint))
        if not keys & seen:
            yield one
        seen |= keys


def _candidate(*row: object) -> Candidate:
    study_id, patient_id, encounter_id, modality, labels, fingerprint, note = row
    return Candidate(
        str(study_id),
        str(patient_id),
        str(encounter_id),
        modality,  # type: ignore[arg-type]
        tuple(labels),  # type: ignore[arg-type]
        str(fingerprint),
        str(note),
    )
