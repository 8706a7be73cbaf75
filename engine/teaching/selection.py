"""Which studies a quiz asks about: recordings with labels, never two of one patient in one modality."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.actor import Actor
from engine.reference import checked_in
from engine.store.filters import Filters
from engine.store.quizzes import Candidate, collection_candidates, labelled_candidates
from engine.study import Modality
from engine.workspace.workspace import Workspace

RECORDINGS: tuple[Modality, ...] = ("cxr", "ecg", "ppg")  # a report's words give the answer away


def from_collection(workspace: Workspace, collection_id: str, *, actor: Actor) -> list[Candidate]:
    """Return the collection's cases that the actor may see, in its order, of every modality, labelled or not."""
    return collection_candidates(workspace.database, actor.acting_for("teaching"), collection_id)


def from_filters(
    workspace: Workspace, modalities: Sequence[Modality], filters: Filters, *, actor: Actor
) -> list[Candidate]:
    """Return all labelled recordings of these modalities that the filters let through, in the order of their ids."""
    recorded = [one for one in modalities if one in RECORDINGS]
    return labelled_candidates(workspace.database, actor.acting_for("teaching"), recorded, filters.clauses())


def unchecked_films(workspace: Workspace, study_ids: Sequence[str], *, actor: Actor) -> int:
    """Return how many of the studies are synthetic films of which nobody checked that they show their labels."""
    rows = workspace.rows(study_ids, actor=actor.acting_for("teaching"))
    return sum(row.synthetic and row.modality == "cxr" and checked_in(row.extra) is None for row in rows)


def in_turn(
    candidates: Sequence[Candidate], label_of: Callable[[Candidate], str], rng: random.Random
) -> list[Candidate]:
    """Return the candidates shuffled, a case of each label in turn, so that a frequent label does not fill a quiz."""
    groups: dict[str, list[Candidate]] = {}
    for one in rng.sample(list(candidates), len(candidates)):
        groups.setdefault(label_of(one), []).append(one)
    rounds = max((len(group) for group in groups.values()), default=0)
    return [group[i] for i in range(rounds) for group in groups.values() if i < len(group)]


def different(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield each case once, its equal content once, and each patient once per modality."""
    seen: set[tuple[str, str]] = set()
    for one in candidates:
        keys = {("study", one.study_id), (one.modality, one.patient_id), (f"of {one.modality}", one.encounter_id)}
        if one.fingerprint:
            keys.add(("content", one.fingerprint))
        if not keys & seen:
            yield one
        seen |= keys
