"""Adapted towers of ECGs and pulse waves: bound by when the heart beats; two links stand beside each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.promotions import promoted
from helpers.visits import beating_visits

from engine.actor import Actor, single_user
from engine.consent.unlearning import unlearn, verify
from engine.errors import UsageError
from engine.learning import adaptation_job, round_job
from engine.learning.adaptation_data import LEARN, VALID, AdaptationData, KindPairs
from engine.learning.adaptation_fit import AdaptationPlan
from engine.learning.adapter_fit import adapt
from engine.learning.fit import RatedPairs
from engine.learning.holdout import is_holdout_patient
from engine.learning.round_data import RoundData
from engine.learning.round_release import round_releases
from engine.model.adapter import BEATS, COARSE, LINKS, SHAPE, columns_of
from engine.model.release import Release
from engine.workspace.workspace import Workspace, open_workspace

PLAN = AdaptationPlan(steps=60, hash_steps=40, check=10, encoders=True)
LONG = 300.0
NO_RATINGS = RatedPairs(
    *(np.zeros((0, 256), np.float32),) * 2, *(np.zeros(0, str),) * 2, *(np.zeros(0),) * 2, np.zeros((0, 1), bool)
)


def test_an_ecg_and_the_pulse_wave_beside_it_are_found_by_when_they_beat_and_forgotten(
    release: Release, tmp_path: Path
):
    with open_workspace(beating_visits(tmp_path / "ws", release)) as place:
        bound = adapted(place, release, PLAN)
        found = bound.manifest["round"]["adaptation"]["own_pair"]
        assert set(found) == {"ecg>ppg", "ppg>ecg"}
        for one in found.values():
            assert one["after"]["codes"]["r_at_10"][0] >= 5 * one["chance"] > one["before"]["codes"]["r_at_10"][1] / 2
        assert {kind for kind, hashed in bound.encoders.items() if hashed != release.encoders[kind]} == {"ecg", "ppg"}
        held = [i for i in range(60) if is_holdout_patient(f"q{i:04d}")]
        sides = []
        for number, kind in enumerate(BEATS.kinds):
            rows = {row.study_id: row for row in place.all_rows()}
            studies = [place.study_of(rows[f"s{2 * i + number:04d}"]) for i in held]
            sides.append(bound.mapped(bound.embed(studies), kind))
        assert own_nearer(*sides) > 0.75  # what a query meets is what was measured
        promoted(place, bound, reason="a test of promotion")
        again = adapted(place, bound, replace(PLAN, encoders=False))  # a release on an adapted one keeps its towers
        assert again.encoders == bound.encoders and again.embed(studies[:2]) == pytest.approx(bound.embed(studies[:2]))
        stored = place.embeddings(bound.name, [f"s{2 * i + number:04d}" for i in held[:2]])
        assert stored == pytest.approx(bound.embed(studies[:2]), abs=1e-5)
        learnt = next(row.patient_id for row in place.all_rows() if not is_holdout_patient(row.patient_id))
        with pytest.raises(UsageError, match="unlearn the patient first"):
            verify(place, learnt)
        assert set(unlearn(place, learnt, actor=single_user()).retired) == {bound.name, again.name}
        assert place.releases.serving() == (release.name, release.digest)


def adapted(place: Workspace, release: Release, plan: AdaptationPlan) -> Release:
    """Adapt a release to the visits of a workspace, to the end."""
    begun = adaptation_job.begin(place, release, Actor("Ada"), plan)
    assert begun.wait(LONG)
    done = round_job.latest_job(place)
    assert done is not None and done.step == "done", done and (done.error, done.log_tail())
    return next(one for one in round_releases(place.path) if one.name == begun.name)


def own_nearer(a: np.ndarray, b: np.ndarray) -> float:
    """Return how often the own study is nearer than another's; a half is chance."""
    scores = a @ b.T
    return float(((scores.diagonal()[:, None] > scores).sum(1) / (len(a) - 1)).mean())


def linked(seed: int = 0, people: int = 360) -> AdaptationData:
    """Visits whose ECG shares four numbers with the film and four others with the pulse wave, in coarse features."""
    rng = np.random.default_rng(seed)
    sides, coarse = {}, {kind: rng.normal(size=(people, COARSE[kind])).astype(np.float32) for kind in COARSE}
    for link in LINKS:
        hidden = rng.normal(size=(people, 4))
        for kind in link.kinds:
            columns = columns_of(link, kind)
            coarse[kind][:, columns] += 3 * hidden @ rng.normal(size=(4, columns.stop - columns.start))
    for kind in COARSE:
        z = rng.normal(size=(people, 256)).astype(np.float32)
        sides[kind] = z / np.linalg.norm(z, axis=1, keepdims=True)
    rows = np.column_stack([np.arange(people)] * 2)
    part = np.where(np.arange(people) % 5 == 0, VALID, LEARN)
    pairs = {link.kinds: KindPairs(rows, part, np.array([f"p{i}" for i in range(people)])) for link in LINKS}
    labels = RoundData(NO_RATINGS, NO_RATINGS, np.zeros(0, str), {}, {}, {}, 0)
    return AdaptationData(sides, pairs, labels, {}, coarse, {f"side.{kind}": np.arange(people) for kind in COARSE})


def test_two_links_of_one_tower_are_learnt_beside_each_other_and_taken_off_again():
    data = linked()
    learnt, made = adapt(data, {})
    assert {part: set(found) for part, found in learnt.items()} == {"adapter": {"cxr", "ecg"}, "beats": {"ecg", "ppg"}}
    for link in LINKS:
        a, b = (made.sides[kind] for kind in link.kinds)
        assert own_nearer(a, b) > 0.85 > 0.6 > own_nearer(*(data.sides[kind] for kind in link.kinds))
    again, same = adapt(made, learnt)  # the same pairs have no more to say
    assert again == {} and same is made
    read = {kind: data.coarse[kind] for kind in BEATS.kinds}  # a site that has no more pairs with films reads none
    unread = replace(made, pairs={BEATS.kinds: data.pairs[BEATS.kinds]}, coarse=read)
    again, _ = adapt(unread, {"adapter": learnt["adapter"]})
    assert set(again) <= {"beats"}
    z = np.asarray(made.sides["ecg"])
    for link in (BEATS, SHAPE):  # in the order against that of adding
        z = learnt[link.part]["ecg"].plain(z, data.coarse["ecg"][:, columns_of(link, "ecg")])
    assert z == pytest.approx(data.sides["ecg"], abs=1e-4)
