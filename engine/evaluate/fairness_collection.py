"""A workspace's own collection as populations whose groups are compared, by what its record knows of people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.evaluate import fairness
from engine.evaluate.fairness import Population, Refusals
from engine.findings import findings
from engine.metrics.fairness import age_band
from engine.store import group_facts
from engine.store.group_facts import StudyFacts
from engine.training.data.captions import many_hot
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

COHORT, WITHIN = "cohort", ("sex", "age", "view", "device")
MOST = 1500  # studies of one modality that ask one another; of more, whole patients are drawn
SEED = 0
NOTES = (
    *fairness.NOTES,
    "Studies of this collection ask one another; of many, a sample of whole patients. A refusal counts where a stored "
    "study was judged again; a recording that was refused on its way in is not stored.",
)


def evaluate(workspace: Workspace, release: Release, *, actor: Actor) -> dict[str, Any]:
    """Return the figures of every group of a workspace's own collection, as JSON; of what the actor may see.

    release : the one that serves the workspace
    """
    sections: list[dict[str, Any]] = []
    everything = group_facts.facts(workspace.database, actor)
    seen = {one.study_id for one in everything}
    judged = group_facts.judged(workspace.database)
    verdicts = [(one, refused) for one, refused in judged if refused or one.study_id in seen]
    for modality in release.modalities:
        mine = _sampled([one for one in everything if one.modality == modality and findings(one.labels)])
        codes = _codes(workspace, release, modality)
        known = [one for one in mine if one.study_id in codes]
        asked = [(one, refused) for one, refused in verdicts if one.modality == modality]
        for source in ("", *sorted({one.cohort for one in known})):
            part = [one for one in known if source in ("", one.cohort)]
            if part:
                of = _population(modality, source, part, codes)
                rule = fairness.pair_rule(release, modality, modality)
                by = WITHIN if source else (COHORT,)
                sections += _sections(of, rule, by, _refusals(asked, source), all(one.synthetic for one in part))
    return {
        "release": release.name,
        "split": "",
        "bits": fairness.BITS,
        "operating_point": fairness.POINT,
        "sections": sections,
        "looked_at": fairness.looked_at(sections),
        "few": [],
        "small": [],
        "unknown": [],
        "notes": list(NOTES),
    }


def _sections(
    of: Population, rule: fairness.PairRule, by: Sequence[str], refusals: Refusals, synthetic: bool
) -> Iterator[dict[str, Any]]:
    """Yield what each fact shows, marked where every study is synthetic."""
    found = fairness.sections(of, rule, by, refusals)
    yield from ({**one, "synthetic": synthetic} for one in found)


def _sampled(studies: Sequence[StudyFacts]) -> list[StudyFacts]:
    """Return at most about MOST studies: those of patients drawn one after the other."""
    if len(studies) <= MOST:
        return list(studies)
    patients = sorted({one.patient_id for one in studies})
    share = MOST / len(studies)
    kept = {patients[i] for i in np.random.default_rng(SEED).permutation(len(patients))[: int(share * len(patients))]}
    return [one for one in studies if one.patient_id in kept]


def _codes(workspace: Workspace, release: Release, modality: str) -> dict[str, np.ndarray]:
    """Return study → its packed code (32,) uint8."""
    codes = workspace.codes(release.name, modality)
    packed = np.ascontiguousarray(codes.words.T).view(np.uint8)
    return dict(zip((str(one) for one in codes.ids), packed, strict=True))


def _population(modality: str, source: str, part: Sequence[StudyFacts], codes: dict[str, np.ndarray]) -> Population:
    packed = np.stack([codes[one.study_id] for one in part])
    held = many_hot(findings(one.labels) for one in part)
    patients = np.array([one.patient_id for one in part])
    return Population(modality, modality, source, packed, packed, held, patients, _facts(part))


def _facts(part: Sequence[StudyFacts]) -> dict[str, list[str]]:
    return {
        COHORT: [one.cohort for one in part],
        "sex": [one.sex for one in part],
        "age": [age_band(one.age) for one in part],
        "view": [one.view for one in part],
        "device": [one.device for one in part],
    }


def _refusals(judged: Sequence[tuple[StudyFacts, bool]], source: str) -> Refusals:
    mine = [(one, refused) for one, refused in judged if source in ("", one.cohort)]
    patients = np.array([one.patient_id for one, _ in mine], dtype=str)
    return Refusals(patients, np.array([refused for _, refused in mine], bool), _facts([one for one, _ in mine]))
