"""A workspace's candidates for rating: some queries, and the studies near them that may be shown and learnt from.

The rater's newest queries and those that others share come first, then studies drawn at random, equally many of every
modality, asked for as "more like this". A sample of queries bounds the time; near is exact, by the codes of all
permitted studies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.actor import Actor
from engine.index.hamming import CodeArray, words_of
from engine.learning.candidates import NEAREST, Candidates, CandidateSide, candidates
from engine.store import queries as stored_queries
from engine.store.rated_studies import load_sides, patient_numbers
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

ASKED, DRAWN = 24, 48  # stored queries, and studies as queries


class _Query(NamedTuple):
    """One query: its patients' numbers, and its embedding (256,) as it is stored."""

    id: str
    modality: str
    patients: frozenset[int]
    z: np.ndarray


def gather_candidates(
    workspace: Workspace, release: Release, actor: Actor, rng: np.random.Generator
) -> Candidates | None:
    """Return what the actor may rate under the serving release, or None where there is nothing to compare."""
    denied = workspace.denied([], actor=actor.acting_for("training"))
    codes: dict[str, CodeArray] = {
        kind: _permitted(workspace.codes(release.name, kind), denied) for kind in release.modalities
    }
    codes = {kind: known for kind, known in codes.items() if known.ids.size}
    queries = _queries(workspace, release, actor, codes, rng)
    if not queries:
        return None
    asked = _side(
        workspace,
        release,
        [one.id for one in queries],
        [one.modality for one in queries],
        np.stack([one.z for one in queries]),
    )
    packed = np.packbits(asked.projected > 0, axis=1, bitorder="little")
    near = {kind: _near(words_of(packed), queries, known) for kind, known in codes.items()}
    ids = [str(one) for kind, at in near.items() for one in codes[kind].ids[at]]
    if not ids:
        return None
    kinds = [kind for kind, at in near.items() for _ in at]
    groups = np.concatenate([codes[kind].groups[at] for kind, at in near.items()])
    items = _side(workspace, release, ids, kinds, workspace.embeddings(release.name, ids))
    allowed = np.stack([~np.isin(groups, list(one.patients)) for one in queries])  # (queries, items)
    allowed &= asked.ids[:, None] != items.ids[None]
    return candidates(asked, items, allowed)


def _permitted(known: CodeArray, denied: np.ndarray) -> CodeArray:
    kept = known.mask(denied)
    words = np.ascontiguousarray(known.words[:, kept])
    return CodeArray(known.ids[kept], known.ordinals[kept], known.groups[kept], words)


def _queries(
    workspace: Workspace, release: Release, actor: Actor, codes: dict[str, CodeArray], rng: np.random.Generator
) -> list[_Query]:
    """Return the newest stored queries that may be learnt from, then studies of every modality at random."""
    found = _stored(workspace, actor)
    share = DRAWN // max(1, len(codes))
    for kind, known in codes.items():
        at = rng.permutation(known.ids.size)[:share]
        z = workspace.embeddings(release.name, [str(one) for one in known.ids[at]])
        found += [_Query(str(known.ids[i]), kind, frozenset([int(known.groups[i])]), z[n]) for n, i in enumerate(at)]
    return found


def _stored(workspace: Workspace, actor: Actor) -> list[_Query]:
    """Return the newest queries that the actor asked, or that others share with raters, and that may be learnt from."""
    ids = stored_queries.newest_ids(workspace.database, 3 * ASKED, who=actor.name, shared=True)
    known = load_sides(workspace.database, actor.acting_for("training"), ids)
    usable = [known[one] for one in ids if known[one].embedding is not None and known[one].permitted][:ASKED]
    numbers = patient_numbers(workspace.database, {patient for one in usable for patient in one.patients})
    return [
        _Query(one.id, one.modality, frozenset(numbers[p] for p in one.patients if p in numbers), one.embedding)
        for one in usable
        if one.embedding is not None
    ]


def _near(asked: np.ndarray, queries: Sequence[_Query], known: CodeArray) -> np.ndarray:
    """Return the places, ascending, of the studies among the nearest of any query: words (queries, 4) → (m,) int."""
    found = []
    for words, query in zip(asked, queries, strict=True):
        far = np.bitwise_count(known.words ^ words[:, None]).sum(axis=0, dtype=np.int64)
        far[np.isin(known.groups, list(query.patients))] = np.iinfo(np.int64).max
        found.append(np.lexsort((np.arange(far.size), far))[:NEAREST] if far.size <= NEAREST else _least(far))
    return np.unique(np.concatenate(found))


def _least(far: np.ndarray) -> np.ndarray:
    """Return the places of the NEAREST smallest distances, and of those equal to the last of them."""
    last = np.partition(far, NEAREST - 1)[NEAREST - 1]
    return np.flatnonzero(far <= last)


def _side(
    workspace: Workspace, release: Release, ids: Sequence[str], kinds: Sequence[str], z: np.ndarray
) -> CandidateSide:
    """Return one side of the pairs: embeddings (n, 256) as they are stored become those that the release maps."""
    modality, mapped, projected = np.asarray(kinds), np.zeros_like(z), np.zeros_like(z)
    for kind in sorted(set(kinds)):
        mine = modality == kind
        projected[mine] = release.projections(z[mine], kind)
        mapped[mine] = release.mapped(z[mine], kind)
    return CandidateSide(np.asarray(ids), modality, _groups(workspace, ids), mapped, projected)


def _groups(workspace: Workspace, ids: Sequence[str]) -> np.ndarray:
    """Return what each study belongs to: its cohort, sex and rarest finding; stored queries are one group."""
    from engine.findings import findings

    rows = {row.study_id: row for row in workspace.all_rows(sorted(set(ids)))}
    held = {study_id: findings(row.labels) for study_id, row in rows.items()}
    times: dict[str, int] = {}
    for one in (name for names in held.values() for name in names):
        times[one] = times.get(one, 0) + 1
    rarest = {key: min(names, key=lambda name: (times[name], name), default="") for key, names in held.items()}
    named = {key: f"{row.cohort}|{row.sex or ''}|{rarest[key]}" for key, row in rows.items()}
    return np.asarray([named.get(one, "query") for one in ids])
