"""What near means is counted on the collection itself, said where enough was counted, counted again after a change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from helpers.workspaces import build_workspace

from engine import settings
from engine.actor import Actor, single_user
from engine.cli import run
from engine.findings import abnormal, shared_findings
from engine.intake.paths import read_paths
from engine.intake.read import read_text
from engine.learning.collection_calibration import count_in_background, keep_current
from engine.learning.counted_pairs import rated_queries
from engine.model.release import Release
from engine.retrieval.answer import Options
from engine.retrieval.search import Filters, search, search_like, search_stored
from engine.store import calibrations
from engine.workspace.workspace import Workspace, open_workspace

PATIENTS = 80
ASKED = Options(targets=("ecg",), k=10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, release: Release) -> Path:
    """A closed workspace of many patients, its pairs counted."""
    made = tmp_path_factory.mktemp("counted")
    build_workspace(made / "ws", made / "files", release, range(1, PATIENTS + 1), 0)
    with open_workspace(made / "ws") as workspace:
        assert keep_current(workspace, release)
    return made / "ws"


@pytest.fixture
def counted(folder: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the workspace, open."""
    with open_workspace(Path(shutil.copytree(folder, tmp_path / "ws"))) as workspace:
        yield workspace


def test_every_pair_of_the_ten_nearest_is_counted_once(counted: Workspace, release: Release) -> None:
    """The ECGs' pairs again, in plain Python, from the answers that a user gets."""
    rows = [row for row in counted.all_rows() if row.modality == "ecg" and row.labels]
    pairs = shared = 0
    for row in rows:
        answer = search_stored(counted, release, row.study_id, ASKED, actor=single_user())
        for one in answer.neighbours:
            if abnormal(one.labels):
                pairs, shared = pairs + 1, shared + bool(shared_findings(row.labels, one.labels))
    cells = counted.calibration(release.digest)["pairs"]["ecg>ecg"]["256"]["cells"]  # type: ignore[index]
    (by_origin,) = cells.values()
    assert sum(cell["pairs"] for cell in by_origin["synthetic"]) == pairs
    assert sum(cell["sharing"] for cell in by_origin["synthetic"]) == shared


def test_a_neighbour_says_what_was_counted_and_only_where_it_has_a_finding(
    counted: Workspace, release: Release
) -> None:
    said = 0
    for row in [row for row in counted.all_rows() if row.modality == "ecg"][:40]:
        for one in search_stored(counted, release, row.study_id, ASKED, actor=single_user()).neighbours:
            if not abnormal(one.labels):
                assert one.relevance is None and one.counted.pairs == 0
            elif one.relevance is not None:
                said += 1
                assert one.relevance == pytest.approx(one.counted.sharing / one.counted.pairs, abs=1e-4)
                assert one.counted.low <= one.relevance <= one.counted.high
    assert said > 50


def test_nothing_is_said_where_nothing_like_it_was_counted(counted: Workspace, release: Release) -> None:
    ids = [row.study_id for row in counted.all_rows() if row.modality == "ecg" and abnormal(row.labels)]

    def says_something(study_id: str) -> bool:
        answer = search_stored(counted, release, study_id, ASKED, actor=single_user())
        return any(one.relevance is not None for one in answer.neighbours)

    ids = list(islice(filter(says_something, ids), 3))
    assert len(ids) == 3
    chosen = replace(ASKED, filters=Filters(labels=("atrial fibrillation",)))
    silent = [
        search_stored(counted, release, ids[0], chosen, actor=single_user()),  # labels were chosen
        search_like(counted, release, ids, ASKED, actor=single_user()),  # a mean of cases
        search(counted, release, read_text("some words that nobody knows"), ASKED, actor=single_user()),
        search_stored(counted, release, ids[0], replace(ASKED, bits=64, k=60), actor=single_user()),
    ]
    for answer in silent[:3]:
        assert all(one.relevance is None for one in answer.neighbours)
    assert all(one.relevance is None for one in silent[3].neighbours[10:])  # none of the ten nearest


def test_a_change_has_the_pairs_counted_again(counted: Workspace, release: Release) -> None:
    assert not keep_current(counted, release)
    before = counted.calibration(release.digest)
    patients = sorted({row.patient_id for row in counted.all_rows()})[:20]
    counted.set_consents(patients, False, actor=single_user())
    assert keep_current(counted, release, at_most=10) is False  # too many to be counted while somebody waits
    job = count_in_background(counted, release)
    assert job is not None and job.wait(240) and not job.error
    assert count_in_background(counted, release) is None
    after = counted.calibration(release.digest)
    assert after is not None and before is not None

    def total(counts: dict) -> int:
        (cells,) = counts["pairs"]["ecg>ecg"]["256"]["cells"].values()
        return sum(cell["pairs"] for cell in cells["synthetic"])

    assert total(after) < total(before)
    calibrations.save(counted.database, release.digest, "counted by another rule", before)
    assert keep_current(counted, release)


def test_a_rating_is_an_observation_weighed_by_its_rater(counted: Workspace, release: Release) -> None:
    study = read_paths([settings.DEMO / "ecg" / "syn-0200-e1-ecg.hea"])
    answer = search(counted, release, study, ASKED, actor=single_user())
    near = answer.neighbours[0].study_id
    for name, mark in (("ann", "relevant"), ("bob", "irrelevant")):
        counted.rate(answer.query_id, near, mark, actor=Actor(name), release=release.name)
    (query,) = rated_queries(counted)
    share, weight = query.ratings[near]
    assert share == pytest.approx(0.5, abs=0.05) and 0 < weight < 2
    assert not query.labelled and query.modality == "ecg"


def test_a_recording_is_told_what_was_counted_of_recordings(counted: Workspace, release: Release) -> None:
    """An upload is no synthetic study; what is shipped of recordings holds for the shipped cohort alone."""
    files = [settings.DEMO / "ecg" / f"syn-{number:04d}-e1-ecg.hea" for number in range(200, 212)]
    asked = [search(counted, release, read_paths([file]), ASKED, actor=single_user()) for file in files]
    neighbours = [one for answer in asked for one in answer.neighbours]
    shipped = json.loads((settings.DEMO / f"recordings-{release.base}.json").read_text())
    known = {(cell["pairs"], cell["sharing"]) for cell in shipped["pairs"]["ecg>ecg"]["256"]["cells"]}
    said = [(one.counted.pairs, one.counted.sharing) for one in neighbours if one.relevance is not None]
    cohorts = {one.cohort for one in neighbours}
    assert (set(said) <= known and said) if shipped["cohort"] in cohorts else not said


def test_the_command_prints_stated_and_observed_shares(counted: Workspace, capsys: pytest.CaptureFixture) -> None:
    counted.close()
    assert run(["evaluate", "calibration", "--workspace", str(counted.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {(row["source"], row["target"]): row for row in found["rows"]}
    row = rows["ecg", "ecg"]
    assert row["pairs"] > 100 and abs(row["stated"] - row["observed"]) < 0.05 and 0 <= row["ece"] < 0.15
    far = {row["source"]: row["share"] for row in found["nothing_close"]}
    assert 0 <= far["ecg"] <= 0.05 and np.isfinite(far["ecg"])
