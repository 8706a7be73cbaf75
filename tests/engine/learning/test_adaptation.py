"""Own pairs bound: what a visit shares is found on patients never learnt from, and nothing where it shares nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.once import Once
from helpers.promotions import promoted, rolled_back
from helpers.shipped import SHIPPED
from helpers.visits import shown_visits, visits

from engine.actor import Actor, single_user
from engine.consent.unlearning import unlearn
from engine.errors import UsageError
from engine.learning import adaptation_data, adaptation_job, gate, promotion, round_job
from engine.learning.adaptation_fit import AdaptationPlan, fit_hash, fit_maps
from engine.learning.holdout import is_holdout_patient
from engine.learning.round_data import ratings_cutoff
from engine.learning.round_release import round_releases
from engine.learning.round_worker import STATE
from engine.learning.timeline import timeline
from engine.model.release import Release
from engine.workspace.workspace import Workspace, open_workspace

PLAN = AdaptationPlan(steps=60, hash_steps=40, check=10)
LONG = 300.0
ADA = Actor("Ada")


@pytest.fixture(scope="session")
def coupled(once: Once, release: Release) -> Path:
    return once.made("coupled-visits", lambda folder: visits(folder / "ws", release)) / "ws"


def opened(folder: Path, tmp_path: Path, name: str = "ws") -> Workspace:
    return open_workspace(shutil.copytree(folder, tmp_path / name))


def made(place: Workspace, release: Release, plan: AdaptationPlan = PLAN) -> Release:
    begun = adaptation_job.begin(place, release, ADA, plan)
    assert begun.wait(LONG)
    done = round_job.latest_job(place)
    assert done is not None and done.step == "done", done and (done.error, done.log_tail())
    assert not list(done.folder.glob("in.*"))
    return next(one for one in round_releases(place.path) if one.name == done.name)


@pytest.fixture(scope="module")
def adapted(coupled: Path, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace of coupled visits that was adapted once, without a kill."""
    folder = tmp_path_factory.mktemp("adapted")
    with opened(coupled, folder) as place:
        made(place, release)
    return folder / "ws"


def test_own_pairs_are_found_on_patients_that_were_not_learnt_from(adapted: Path, release: Release, tmp_path: Path):
    with opened(adapted, tmp_path) as place:
        (bound,) = round_releases(place.path)
        about = bound.manifest["round"]
        learnt, found = about["adaptation"], about["adaptation"]["own_pair"]
        assert set(found) == {"cxr>ecg", "ecg>cxr", "cxr>text", "text>cxr", "ecg>text", "text>ecg"}
        for one in found.values():
            before, after = (one[way]["codes"]["r_at_10"] for way in ("before", "after"))
            assert after[0] >= 5 * one["chance"] and after[0] >= 2 * before[0]
            assert one["gain"][1] > 0 and after[1] <= after[0] <= after[2]
            assert one["matched"] > 60 and one["beyond_gain"][1] > 0 and one["after"]["beyond"][1] > 0.6
            assert (
                one["after"]["floats"]["r_at_1"][0] <= one["after"]["floats"]["r_at_5"][0] <= one["itq"]["r_at_10"][2]
            )
        held = sum(is_holdout_patient(f"q{i:04d}") for i in range(330))
        assert learnt["counts"]["cxr-ecg"]["held_out"] == held and learnt["patients"] == 330 - held
        assert learnt["pairs"] == 3 * (330 - held) and learnt["rules"][0]["rule"] == "visit"
        curve = [point["found"]["cxr-ecg"] for point in learnt["curve"]]
        assert [one["pairs"] for one in curve] == sorted(one["pairs"] for one in curve) and curve[0]["pairs"] == 0
        assert curve[-1]["r_at_10"][0] > curve[0]["r_at_10"][0]
        assert any(row.section == "overall" for row in gate.table(bound)) and ratings_cutoff(bound) is None
        (entry,) = [one for one in timeline(place) if one.name == bound.name]
        assert (entry.pairs, entry.ratings, entry.who) == (learnt["pairs"], 0, "Ada")
        promoted(place, bound, reason="a test of promotion")
        assert place.releases.serving() == (bound.name, bound.digest)
        rolled_back(place)
        assert place.releases.serving() == (release.name, release.digest)


def test_where_a_visit_shares_nothing_nothing_is_gained(once: Once, release: Release, tmp_path: Path):
    def write(folder: Path) -> None:
        visits(folder / "ws", release, coupled=False)

    with opened(once.made("uncoupled-visits", write) / "ws", tmp_path) as place:
        found = made(place, release).manifest["round"]["adaptation"]["own_pair"]
    assert all(one["gain"][1] <= 0 for one in found.values())


def test_a_killed_adaptation_goes_on_and_ends_as_if_it_had_not_been(
    adapted: Path, coupled: Path, release: Release, tmp_path: Path
):
    with opened(coupled, tmp_path) as place:
        begun = adaptation_job.begin(place, release, ADA, PLAN)
        last = time.monotonic() + LONG
        while not (begun.folder / "in.checkpoint.pt").is_file() and time.monotonic() < last:
            time.sleep(0.02)
        os.kill(int(json.loads((begun.folder / STATE).read_text())["pid"]), signal.SIGKILL)
        assert begun.wait(LONG)
        cut = round_job.latest_job(place)
        assert cut is not None and cut.step == "failed" and "without a result" in cut.error
        resumed = made(place, release)
        assert resumed.name == begun.name == f"{SHIPPED}.1"
    (whole,) = round_releases(adapted)
    assert whole.manifest["parts"] == resumed.manifest["parts"]


def test_what_was_cut_off_is_forgotten_where_somebody_has_withdrawn_since(
    coupled: Path, release: Release, tmp_path: Path
):
    with opened(coupled, tmp_path) as place:
        begun = adaptation_job.begin(place, release, ADA, PLAN)
        os.kill(int(json.loads((begun.folder / STATE).read_text())["pid"]), signal.SIGKILL)
        assert begun.wait(LONG)
        gone = next(f"q{i:04d}" for i in range(330) if not is_holdout_patient(f"q{i:04d}"))
        place.set_consent(gone, False, actor=single_user(), scope="training")
        anew = adaptation_job.begin(place, release, ADA, PLAN)
        assert anew.number == begun.number + 1 and not list(begun.folder.glob("in.*"))
        with pytest.raises(UsageError, match="on its way"):
            adaptation_job.begin(place, release, ADA, PLAN)
        patients = anew.about["adaptation"]["patients"]
        assert patients == begun.about["adaptation"]["patients"] - 1
        assert anew.about["adaptation"]["patients_digest"] != begun.about["adaptation"]["patients_digest"]
        round_job.cancel(place, single_user())
        ended = round_job.latest_job(place)
        assert ended is not None and ended.step == "cancelled" and not list(anew.folder.glob("in.*"))


def test_maps_and_layer_stay_where_a_part_of_the_patients_has_too_few_pairs_and_nothing_is_labelled(
    coupled: Path, release: Release, tmp_path: Path
):
    with opened(coupled, tmp_path) as place:
        _, data = adaptation_data.gather(place, ADA.maintaining(), release.name, tmp_path)
    few = replace(data.fewer(0.01), labels=replace(data.labels, replay={}))
    maps = fit_maps(release.heads, few, PLAN, saved=None, save=lambda state: None)
    assert all((maps[kind] == release.heads[kind]).all() for kind in maps)
    layer = fit_hash(release.layer(), maps, release.heads, few, PLAN, saved=None, save=lambda state: None)
    assert (layer.weight == release.layer().state_dict()["weight"].numpy()).all()


def test_too_few_pairs_are_one_sentence_and_leave_nothing(release: Release, tmp_path: Path):
    visits(tmp_path / "few", release, 40)
    with open_workspace(tmp_path / "few") as place:
        with pytest.raises(UsageError, match="pairs to learn from and 200 are needed"):
            adaptation_job.begin(place, release, ADA, PLAN)
        assert round_job.latest_job(place) is None


def test_held_out_patients_are_in_no_part_that_is_learnt_from(coupled: Path, release: Release, tmp_path: Path):
    with opened(coupled, tmp_path) as place:
        found, data = adaptation_data.gather(place, ADA.maintaining(), release.name, tmp_path)
        known = dict.fromkeys((one.a, one.b) for one in found)
        assert set(data.pairs) == set(known)
        for kinds, pairs in data.pairs.items():
            mine = [one for one in found if (one.a, one.b) == kinds]
            held = np.array([is_holdout_patient(one.patient_id) for one in mine])
            assert np.array_equal(pairs.part == adaptation_data.HELD, held)
            z = place.embeddings(release.name, [one.second for one in mine])
            assert np.array_equal(data.sides[kinds[1]][pairs.rows[:, 1]], z)


def test_an_adaptation_that_learnt_from_somebody_unlearnt_serves_no_more(
    adapted: Path, release: Release, tmp_path: Path
):
    with opened(adapted, tmp_path) as place:
        (bound,) = round_releases(place.path)
        gone = next(f"q{i:04d}" for i in range(330) if not is_holdout_patient(f"q{i:04d}"))
        done = unlearn(place, gone, actor=single_user())
        assert done.retired == (bound.name,) and place.releases.serving() == (release.name, release.digest)
        with pytest.raises(UsageError, match="may not serve"):
            promotion.promote(place, bound, ADA, release.digest, "a reason that is long enough")


class Stopped(Exception):
    """Raised where the reading of films and ECGs is stopped."""


def test_adapted_encoders_find_what_film_and_ecg_show_and_embeddings_forgot(release: Release, tmp_path: Path):
    plan, shares = replace(PLAN, encoders=True), list[float]()

    def stop(share: float) -> None:
        if share > 0.4:
            raise Stopped

    with open_workspace(shown_visits(tmp_path / "ws", release)) as place:
        with pytest.raises(Stopped):
            adaptation_job.begin(place, release, ADA, plan, progress=stop)
        assert round_job.latest_job(place) is None and (place.path / "rounds/coarse/in.coarse.cxr.npy").is_file()
        begun = adaptation_job.begin(place, release, ADA, plan, progress=shares.append)
        assert min(share for share in shares if share) > 0.4  # it went on where it was stopped
        assert begun.wait(LONG)
        done = round_job.latest_job(place)
        assert done is not None and done.step == "done", done and (done.error, done.log_tail())
        assert not list((place.path / "rounds").glob("*/in.*"))
        (bound,) = round_releases(place.path)
        found = bound.manifest["round"]["adaptation"]["own_pair"]
        for one in found.values():
            assert one["after"]["codes"]["r_at_10"][0] >= 5 * one["chance"] > one["before"]["codes"]["r_at_10"][1]
            assert one["after"]["beyond"][1] > 0.5
        assert {kind for kind, hashed in bound.encoders.items() if hashed != release.encoders[kind]} == {"cxr", "ecg"}
    shown_visits(tmp_path / "few", release, 4)
    shutil.copytree(tmp_path / "ws" / "releases", tmp_path / "few" / "releases")
    with open_workspace(tmp_path / "few") as place:  # films take long to be encoded
        promoted(place, bound, reason="a test of promotion")
        rows = place.all_rows(["s0000", "s0001"])
        made = bound.embed([place.study_of(row) for row in rows])
        assert place.embeddings(bound.name, ["s0000", "s0001"]) == pytest.approx(made, abs=1e-5)
