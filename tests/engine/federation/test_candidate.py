"""A workspace in a federation: what it learns from, and a result that becomes a candidate which nobody has promoted."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from helpers.rounds import rate

from engine.actor import Actor, single_user
from engine.consent.acts import carry_out
from engine.errors import FederationError
from engine.federation.candidate import learn
from engine.federation.state import SharedState, state_of
from engine.learning import gate, round_job
from engine.learning.round_release import round_releases
from engine.model.release import Release
from engine.workspace.serving import serving_release
from engine.workspace.workspace import open_workspace

WHO, FEDERATION = "Ada", {"federation": "f1", "exchange": 1}


@pytest.fixture(scope="module")
def site(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace in which Ada rated."""
    folder = Path(shutil.copytree(small_demo, tmp_path_factory.mktemp("site") / "ws"))
    with open_workspace(folder) as place:
        rate(place, 20)
    return folder


def gathered(site: Path) -> tuple[set[str], int]:
    """Return the patients whose studies a site would learn from, and how many examples."""
    given = carry_out(site, "federation gives", FEDERATION, WHO)
    folder = Path(given["folder"])
    with np.load(folder / "in.npz", allow_pickle=False) as arrays:
        patients = {str(p) for name in arrays.files if name.endswith(".patients") for p in arrays[name]}
    shutil.rmtree(folder)
    return patients, given["examples"]


def test_whom_federation_is_denied_is_not_learnt_from_and_a_round_still_may(site: Path) -> None:
    before, _ = gathered(site)
    gone, untrained = sorted(before)[:2]
    with open_workspace(site) as place:
        place.set_consent(gone, False, actor=single_user(), scope="federation")
        place.set_consent(untrained, False, actor=single_user(), scope="training")
        assert place.consent(gone, actor=Actor(WHO).acting_for("training"))
    after, _ = gathered(site)
    assert after == before - {gone, untrained}
    with open_workspace(site) as place:
        assert [row.kind for row in place.audit_rows()].count("federation") == 2


def test_what_a_site_sends_is_what_it_was_sent_and_has_learnt(site: Path, release: Release) -> None:
    given, start = carry_out(site, "federation gives", FEDERATION, WHO), state_of(release)
    sent = [learn(given, start, steps=1, proximal=0.0, seed=seed) for seed in (1, 1)]
    assert np.array_equal(sent[0].vector(), sent[1].vector()) and not np.array_equal(sent[0].vector(), start.vector())
    assert sent[0].ground == start.ground
    other = replace(start, ground=replace(start.ground, encoders="others"))
    with pytest.raises(FederationError, match="have every site install the same release"):
        learn(given, other, steps=1, proximal=0.0, seed=1)
    shutil.rmtree(given["folder"])


def test_a_result_is_measured_once_by_the_own_gate_and_waits(site: Path, release: Release, tmp_path: Path) -> None:
    learnt: SharedState = state_of(release)
    learnt = learnt.with_vector(learnt.vector() + 1e-3)
    np.savez(tmp_path / "r.npz", **learnt.arrays())
    facts = {"federation": "f1", "exchanges": 2, "file": str(tmp_path / "r.npz"), "ground": asdict(learnt.ground)}
    made = carry_out(site, "federation takes", facts, WHO)
    with open_workspace(site) as place:
        job = round_job.latest_job(place)
        assert job is not None and job.kind == "federation" and job.wait(240.0)
        assert [one.step for one in round_job.jobs(place)] == ["done"], job.log_tail()
        (candidate,) = round_releases(site)
        assert candidate.name == made["name"] and serving_release(place, release).name == release.name
        assert candidate.manifest["round"]["federation"] == {"id": "f1", "exchanges": 2}
        assert any(row.section == "overall" for row in gate.table(candidate))
        assert np.array_equal(candidate.layer().state_dict()["weight"].numpy(), learnt.weight)
        assert not list(job.folder.glob("in.*"))
    assert carry_out(site, "federation takes", facts, WHO) == made  # the same message again
    with open_workspace(site) as place:
        assert len(round_job.jobs(place)) == 1
