"""What a round needs of a workspace, as arrays: rated pairs, original pairs, and what is held out to measure.

Only what may be learnt from: the actor, acting for training, may see every patient, and the embeddings are of the
serving release's encoders. Held-out patients and queries (engine.learning.holdout) measure and are not fitted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.actor import Actor, Purpose
from engine.findings import findings, shared_findings
from engine.learning import decisions
from engine.learning.fit import RatedPairs
from engine.learning.group_balance import By, groups_of, shares
from engine.learning.holdout import is_holdout_patient, is_holdout_query
from engine.learning.reliability import VALUE, Reliability, reliability
from engine.modalities import MODALITIES
from engine.store.imported_ratings import ImportedRating, count_since, imported_ratings
from engine.store.rated_studies import LabelledStudy, RatedSide, labelled_studies, load_sides, with_permitted_patients
from engine.store.records import Rating
from engine.training.data.captions import many_hot
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

MAX_REPLAY, MAX_HOLDOUT = 20_000, 2_000  # studies of one modality; of more, a sample
MARKS = 0.3  # share of a gathering after the ratings; the rest is that of original studies
SEED = 0


@dataclass(frozen=True, eq=False)
class Pool:
    """Labelled studies of one modality, n of them.

    z (n, 256) float32 as stored; has_finding (n, findings) bool; patients, sex, cohort (n,) str
    age (n,) years, NaN where unknown; ids (n,) str, of the studies
    """

    z: np.ndarray
    has_finding: np.ndarray
    patients: np.ndarray
    sex: np.ndarray
    cohort: np.ndarray
    age: np.ndarray
    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.z)


@dataclass(frozen=True, eq=False)
class RoundData:
    """What a round learns from, and what measures it.

    learn, apart    : rated pairs to fit, and held-out ones that measure
    units           : (m,) what intervals of the held-out pairs are drawn by: the query's patient, or its id
    replay, holdout : modality → original studies to fit, and held-out ones that measure
    raters          : rater → reliability, of everyone who gave a mark that is used
    left_out        : marks that are not used: a side is gone, withdrawn, or of other encoders
    """

    learn: RatedPairs
    apart: RatedPairs
    units: np.ndarray
    replay: dict[str, Pool]
    holdout: dict[str, Pool]
    raters: dict[str, Reliability]
    left_out: int


class _Pair(NamedTuple):
    """One mark with both sides: embeddings, modalities, labels, patients, and the query's patient, age and sex."""

    rating: Rating
    zq: np.ndarray
    zs: np.ndarray
    mq: str
    ms: str
    labels: tuple[tuple[str, ...], tuple[str, ...]]
    patients: frozenset[str]
    unit: str
    age: float | None = None  # of whom the query is, where it is known
    sex: str = ""


def ratings_cutoff(release: Release) -> datetime | None:
    """Return when the ratings were gathered that a release learnt from; None for a shipped one, which learnt none.

    An adaptation learns from no ratings and keeps the moment of the release before (`ratings_until`).
    """
    about = release.manifest.get("round", {})
    began = about.get("ratings_until", about.get("began"))
    return datetime.fromisoformat(began) if began else None


def new_ratings(workspace: Workspace, since: datetime | None) -> int:
    """Return how many judgements were given, or imported, since a moment; None for ever."""
    local = sum(1 for one in workspace.all_ratings() if since is None or one.created_at > since)
    return local + decisions.count_since(workspace, since) + count_since(workspace.database, since)


def gather_round_data(
    workspace: Workspace,
    actor: Actor,
    progress: Callable[[float], object] = lambda share: None,
    balance: By = "",
    *,
    purpose: Purpose = "training",
) -> RoundData:
    """Return everything a round under the serving release learns from and is measured on.

    balance  : by what groups of those who ask weigh alike among the rated pairs to fit; what measures is as it was
    progress : told the share that is gathered, 0 … 1; what it raises ends the gathering
    purpose  : "federation" for what other hospitals get the result of; other hospitals' ratings stay out of it then
    """
    actor = actor.acting_for(purpose)
    progress(0.0)
    pairs, left_out = _pairs(workspace, actor)
    given = [one.rating for one in pairs if one.rating.strategy != decisions.ADJUDICATED]
    overruled, expected = _decided(workspace, actor)
    known = reliability([*given, *overruled], _expected(pairs) | expected)
    apart = np.array([_apart(one) for one in pairs], bool)
    marked = _marked(pairs, known)
    learn = _balanced(marked.take(~apart), [one for one in pairs if not _apart(one)], balance)
    units = np.array([one.unit for one in pairs], dtype=str)
    progress(MARKS)
    replay, holdout = _originals(workspace, actor, lambda share: progress(MARKS + (1 - MARKS) * share))
    return RoundData(learn, marked.take(apart), units[apart], replay, holdout, known, left_out)


def _decided(workspace: Workspace, actor: Actor) -> tuple[list[Rating], dict[tuple[str, str], bool]]:
    """Return the judgements on decided pairs, and what was decided, of patients who may be learnt from."""
    overruled, expected = decisions.overruled(workspace), decisions.expected(workspace)
    ids = {one for pair in [*expected, *(rating.pair for rating in overruled)] for one in pair}
    known = with_permitted_patients(workspace.database, actor, ids) if ids else set()
    return (
        [rating for rating in overruled if known.issuperset(rating.pair)],
        {pair: relevant for pair, relevant in expected.items() if known.issuperset(pair)},
    )


def _pairs(workspace: Workspace, actor: Actor) -> tuple[list[_Pair], int]:
    """Return the marks of this site and of others that can be used, and how many cannot."""
    ratings = decisions.judgements(workspace)
    known = load_sides(workspace.database, actor, {one for rating in ratings for one in rating.pair})
    own = [_own(rating, known) for rating in ratings]
    encoders = workspace.releases.encoders((workspace.releases.serving() or ("", ""))[1])
    imported = imported_ratings(workspace.database, encoders) if actor.purpose == "training" else ()
    others = [_foreign(row) for row in imported]
    found = [one for one in own if one is not None] + [one for one in others if one.rating.mark in VALUE]
    return found, len(ratings) - sum(one is not None for one in own)


def _own(rating: Rating, known: Mapping[str, RatedSide]) -> _Pair | None:
    q, s = known.get(rating.query_id), known.get(rating.study_id)
    if q is None or s is None or q.embedding is None or s.embedding is None or not (q.permitted and s.permitted):
        return None
    unit = min(q.patients, default=q.id)
    labels, patients = (q.labels, s.labels), q.patients | s.patients
    return _Pair(rating, q.embedding, s.embedding, q.modality, s.modality, labels, patients, unit, age=q.age, sex=q.sex)


def _foreign(row: ImportedRating) -> _Pair:
    rating = Rating(
        0,
        row.query_id,
        row.study_id,
        row.mark,
        row.who,
        row.release,
        row.bits,
        row.operating_point,
        row.created_at,
        finding=row.finding,
        source=row.source,
    )
    labels, unit = (row.query_labels, row.labels), f"{row.source} {row.query_id}"
    return _Pair(rating, row.query_vector, row.vector, row.query_modality, row.modality, labels, frozenset(), unit)


def _apart(pair: _Pair) -> bool:
    return is_holdout_query(pair.rating.query_id) or any(is_holdout_patient(patient) for patient in pair.patients)


def _expected(pairs: Sequence[_Pair]) -> dict[tuple[str, str], bool]:
    """Return pair → whether the labels of both share a finding, where both have some."""
    known = [(one, [findings(labels) for labels in one.labels]) for one in pairs]
    return {one.rating.pair: bool(q & s) for one, (q, s) in known if q and s}


def _marked(pairs: Sequence[_Pair], known: Mapping[str, Reliability]) -> RatedPairs:
    empty = np.empty((0, 256), np.float32)
    return RatedPairs(
        np.stack([one.zq for one in pairs]) if pairs else empty,
        np.stack([one.zs for one in pairs]) if pairs else empty,
        np.array([one.mq for one in pairs], dtype=str),
        np.array([one.ms for one in pairs], dtype=str),
        np.array([VALUE[one.rating.mark] for one in pairs], np.float32),
        np.array([_weight(one.rating, known) for one in pairs], np.float32),
        many_hot([_meant(one) for one in pairs]),
    )


def _balanced(marked: RatedPairs, pairs: Sequence[_Pair], balance: By) -> RatedPairs:
    """Return rated pairs whose queries' groups weigh alike together."""
    groups = groups_of(balance, [one.age for one in pairs], [one.sex for one in pairs])
    return replace(marked, weight=marked.weight * shares(groups))


def _weight(rating: Rating, known: Mapping[str, Reliability]) -> float:
    """Return what a mark counts: its rater's reliability; a decision counts in full."""
    return 1.0 if rating.strategy == decisions.ADJUDICATED else known[rating.rater].weight


def _meant(pair: _Pair) -> frozenset[str]:
    """Return the finding that the rater named; of a relevant pair without one, what both sides' labels share."""
    if pair.rating.finding:
        return frozenset([pair.rating.finding])
    return shared_findings(*pair.labels) if pair.rating.mark == "relevant" else frozenset()


def _originals(
    workspace: Workspace, actor: Actor, progress: Callable[[float], object]
) -> tuple[dict[str, Pool], dict[str, Pool]]:
    """Return the labelled studies of every modality: those to fit, and the held-out ones."""
    (name, _) = workspace.releases.serving() or ("", "")
    rows = [row for row in labelled_studies(workspace.database, actor, name) if findings(row.labels)]
    found: tuple[dict[str, Pool], dict[str, Pool]] = ({}, {})
    for done, modality in enumerate(MODALITIES, 1):
        for held_out, most in ((False, MAX_REPLAY), (True, MAX_HOLDOUT)):
            mine = [r for r in rows if r.modality == modality and is_holdout_patient(r.patient_id) == held_out]
            chosen = np.sort(np.random.default_rng(SEED).permutation(len(mine))[:most])
            if len(chosen):
                found[held_out][modality] = _pool(workspace, name, [mine[i] for i in chosen])
        progress(done / len(MODALITIES))
    return found


def _pool(workspace: Workspace, release: str, rows: Sequence[LabelledStudy]) -> Pool:
    return Pool(
        workspace.embeddings(release, [row.study_id for row in rows]),
        many_hot([findings(row.labels) for row in rows]),
        np.array([row.patient_id for row in rows], dtype=str),
        np.array([row.sex or "" for row in rows], dtype=str),
        np.array([row.cohort for row in rows], dtype=str),
        np.array([np.nan if row.age is None else row.age for row in rows], np.float64),
        np.array([row.study_id for row in rows], dtype=str),
    )


def to_arrays(data: RoundData) -> dict[str, np.ndarray]:
    """Return the arrays of a round under flat names, as an .npz file holds them."""
    out = {
        f"{part}.{f.name}": getattr(getattr(data, part), f.name)
        for part in ("learn", "apart")
        for f in fields(RatedPairs)
    }
    for part in ("replay", "holdout"):
        for modality, pool in getattr(data, part).items():
            out |= {f"{part}.{modality}.{f.name}": getattr(pool, f.name) for f in fields(Pool)}
    return {**out, "units": data.units}


def digest(data: RoundData) -> str:
    """Return a SHA-256 over everything that is learnt from or measures, to tell whether it is still the same."""
    found = hashlib.sha256()
    for name, array in sorted(to_arrays(data).items()):
        found.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def from_arrays(arrays: Mapping[str, np.ndarray]) -> RoundData:
    """Return what `to_arrays` made; without raters."""
    pairs = {part: RatedPairs(*(arrays[f"{part}.{f.name}"] for f in fields(RatedPairs))) for part in ("learn", "apart")}
    pools: dict[str, dict[str, Pool]] = {
        part: {
            str(m): Pool(*(arrays[f"{part}.{m}.{f.name}"] for f in fields(Pool)))
            for m in MODALITIES
            if f"{part}.{m}.z" in arrays
        }
        for part in ("replay", "holdout")
    }
    return RoundData(pairs["learn"], pairs["apart"], arrays["units"], pools["replay"], pools["holdout"], {}, 0)
