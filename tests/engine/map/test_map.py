"""The map of a collection: made behind, kept whole, shown as far as consent goes, chosen from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.rounds import written
from helpers.workspaces import build_workspace

from engine.actor import Actor, single_user
from engine.errors import UsageError
from engine.intake.read import read_text
from engine.learning import promotion
from engine.map import job, selection
from engine.map.fidelity import measure_fidelity
from engine.map.file import MAX_STUDIES, MIN_STUDIES, Chart, file_of, load, sampled
from engine.map.layout import nearest, t_sne
from engine.map.place import MapVectors, map_vectors, place_query, place_vector
from engine.map.points import NONE, OTHER, Points, groups, points_of
from engine.model.release import Release, load_release
from engine.retrieval import search as retrieval
from engine.retrieval.answer import Options
from engine.workspace.workspace import Workspace, open_workspace

PATIENTS, FILMS, LIMIT_S = 14, 6, 90


@pytest.fixture(scope="module")
def release() -> Release:
    return load_release()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, release: Release) -> Iterator[Workspace]:
    """A workspace of some patients of the shipped cohort."""
    folder, files = tmp_path_factory.mktemp("map") / "ws", tmp_path_factory.mktemp("files")
    with open_workspace(build_workspace(folder, files, release, range(1, PATIENTS + 1), FILMS)) as opened:
        yield opened


@pytest.fixture(scope="module")
def chart(place: Workspace, release: Release) -> Chart:
    """Its map, made as the app makes it."""
    making = job.begin(place, release, actor=single_user())
    assert making is not None and making.wait(LIMIT_S)
    assert (making.step, making.share, making.error) == ("done", 1.0, "")
    made = load(place.path, release.name)
    assert made is not None
    return made


@pytest.fixture
def points(place: Workspace, chart: Chart, release: Release) -> Points:
    return points_of(place, chart, release.digest, actor=single_user())


def clusters(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return n embeddings around three directions, (n, 256), and whose each is, (n,)."""
    whose = np.arange(n) % 3
    return rng.normal(size=(3, 256))[whose] + 0.3 * rng.normal(size=(n, 256)), whose


def test_what_lies_together_is_drawn_together_and_the_same_every_time() -> None:
    z, whose = clusters(90, np.random.default_rng(1))
    said: list[tuple[str, float]] = []
    drawn = t_sne(z, on_progress=lambda step, done: said.append((step, done)))
    assert np.array_equal(drawn, t_sne(z))
    middles = np.stack([drawn[whose == one].mean(0) for one in range(3)])
    away = np.linalg.norm(drawn[:, None] - middles[None], axis=2)
    assert np.array_equal(away.argmin(1), whose)
    assert [step for step, done in said if done == 1.0] == ["neighbours", "rough", "fine"]


def test_neighbours_are_exact_and_never_oneself() -> None:
    z, _ = clusters(200, np.random.default_rng(2))
    places, far = nearest(z, 7)
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    away = 1 - unit @ unit.T
    np.fill_diagonal(away, np.inf)
    assert np.array_equal(places, np.argsort(away, axis=1)[:, :7])
    assert np.allclose(far, np.sort(away, axis=1)[:, :7], atol=1e-5)


def test_a_map_of_noise_keeps_less_than_a_map_of_neighbours() -> None:
    rng = np.random.default_rng(3)
    codes = np.repeat(rng.integers(0, 256, (20, 32), dtype=np.uint8), 10, axis=0)
    true = np.repeat(rng.normal(size=(20, 2)) * 50, 10, axis=0) + rng.normal(size=(200, 2))
    good, noise = measure_fidelity(codes, true), measure_fidelity(codes, rng.normal(size=(200, 2)))
    assert good.share > 0.8 > 0.2 > noise.share
    assert good.trustworthiness > 0.9 and abs(noise.trustworthiness - 0.5) < 0.1
    assert abs(noise.share - noise.chance) < 0.03


def test_a_map_has_every_permitted_study_once(points: Points, place: Workspace) -> None:
    assert sorted(points.ids) == sorted(row.study_id for row in place.all_rows())
    assert points.state.fresh and (points.state.added, points.state.removed) == (0, 0)
    assert np.isfinite(points.xy).all() and len(np.unique(points.xy, axis=0)) == len(points.ids)
    assert points.synthetic.all()


def test_who_withdraws_leaves_the_map_at_once_and_it_says_that_it_is_old(
    place: Workspace, chart: Chart, release: Release
) -> None:
    patient = place.row(chart.ids[0], actor=single_user()).patient_id
    theirs = {row.study_id for row in place.all_rows() if row.patient_id == patient}
    place.set_consents([patient], False, actor=single_user())
    try:
        seen = points_of(place, chart, release.digest, actor=single_user())
        assert not theirs & set(seen.ids)
        assert (seen.state.fresh, seen.state.added, seen.state.removed) == (False, 0, len(theirs))
    finally:
        place.set_consents([patient], True, actor=single_user())
    assert points_of(place, chart, release.digest, actor=single_user()).state.fresh


def test_groups_name_the_most_frequent_and_every_study_has_one(points: Points) -> None:
    for by in ("finding", "modality", "cohort"):
        names, mine = groups(points, by)
        assert mine.shape == points.ids.shape and set(mine) == set(range(len(names)))
    names, mine = groups(points, "modality")
    assert all(names[one] == kind for one, kind in zip(mine, points.modality, strict=True))
    names, mine = groups(points, "finding")
    for held, labels, one in zip(points.findings, points.labels, mine, strict=True):
        assert names[one] in held or names[one] == (OTHER if labels else NONE)
    with pytest.raises(UsageError, match="no colouring by 'age': use finding, modality, cohort"):
        groups(points, "age")


def test_lasso_box_and_filters_choose_what_lies_in_them(points: Points) -> None:
    x, y = points.xy.T
    left, right = np.quantile(x, [0.2, 0.7]) + 1e-3  # no point is on an edge
    low, high = np.quantile(y, [0.1, 0.8]) + 1e-3
    within = np.flatnonzero((x > left) & (x < right) & (y > low) & (y < high))
    assert within.size
    outline = ([left, right, right, left], [low, low, high, high])
    assert np.array_equal(selection.inside(points, *outline), within)
    assert np.array_equal(selection.in_box(points, (right, left), (high, low)), within)
    assert selection.inside(points, [0, 1], [0, 1]).size == 0
    films = selection.passing(points, ["cxr"])
    assert films.size and set(points.modality[films]) == {"cxr"}
    name = points.finding_counts[0][0]
    found = selection.passing(points, (), [name])
    assert found.size == points.finding_counts[0][1] and all(name in points.findings[one] for one in found)
    assert selection.passing(points).size == len(points.ids)


def test_nearest_on_the_map_and_a_study_that_is_not_there(points: Points) -> None:
    order, away = selection.nearest_points(points, f" {points.ids[3]} ", 5)
    expected = np.argsort(np.hypot(*(points.xy - points.xy[3]).T), kind="stable")
    assert order.tolist() == [one for one in expected.tolist() if one != 3][:5]
    assert np.all(np.diff(away) >= 0)
    with pytest.raises(UsageError, match="There is no study nobody on the map: take an id"):
        selection.nearest_points(points, "nobody")


def test_a_query_stands_among_its_nearest_and_a_study_at_its_own_place(
    place: Workspace, points: Points, release: Release
) -> None:
    known = map_vectors(place, release, points)
    at = lambda query_id: place_query(place, release, points, known, query_id, actor=single_user())  # noqa: E731
    own = at(str(points.ids[3]))
    assert own is not None and np.array_equal(own.xy, points.xy[3]) and own.near == () and own.is_clear
    assert at("nobody") is None
    asked = retrieval.search(place, release, read_text("atrial fibrillation"), Options(k=1), actor=single_user())
    found = at(asked.query_id)
    assert found is not None and len(found.near) == 10 and set(found.near) <= set(points.ids)
    away = [
        np.hypot(*(place_vector(points, known, known.vectors[i : i + 1]).xy - points.xy[i]))
        for i in range(len(points.ids))
    ]
    every = np.hypot(*(points.xy[:, None] - points.xy[None]).transpose(2, 0, 1))
    assert np.median(away) < 0.4 * np.median(every)  # neighbours by embedding are neighbours on the map


def test_a_place_between_two_ends_of_the_map_is_not_clear(points: Points) -> None:
    n = 20
    xy = np.repeat([[0.0, 0.0], [100.0, 0.0]], n // 2, axis=0)
    apart = replace(points, ids=points.ids[:n], xy=xy)
    vectors = np.random.default_rng(1).normal(size=(n, 256)).astype(np.float32)
    z = np.concatenate([vectors[:5], vectors[10:15]]).sum(0, keepdims=True)  # five of either end are nearest
    assert not place_vector(apart, MapVectors(vectors, {}), z).is_clear
    near = vectors[: n // 2].sum(0, keepdims=True)
    assert place_vector(apart, MapVectors(vectors, {}), near).is_clear


def test_common_labels_are_those_of_a_tenth_or_more(points: Points) -> None:
    labels = [("A", "B")] * 8 + [("C",)] * 2 + [("D",)]
    few = replace(points, labels=labels)
    assert selection.common_labels(few, np.arange(11)) == ["A", "B", "C"]
    assert selection.common_labels(few, np.array([10])) == ["D"]
    assert selection.common_labels(replace(points, labels=[()] * 11), np.arange(11)) == []


def test_a_damaged_map_is_none_and_is_made_again(place: Workspace, chart: Chart, release: Release) -> None:
    file = file_of(place.path, release.name)
    whole = file.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], b"PK\x03\x04 nothing"):
        file.write_bytes(broken)
        assert load(place.path, release.name) is None
    making = job.begin(place, release, actor=single_user())
    assert making is not None and making.wait(LIMIT_S)
    again = load(place.path, release.name)
    assert again is not None and np.array_equal(again.points, chart.points)


def test_stopping_leaves_what_was_there(place: Workspace, chart: Chart, release: Release) -> None:
    before = file_of(place.path, release.name).read_bytes()
    making = job.begin(place, release, actor=single_user())
    assert making is not None
    assert job.begin(place, release, actor=single_user()) is making  # one at a time
    making.stop()
    assert making.wait(LIMIT_S) and making.step == "stopped"
    assert file_of(place.path, release.name).read_bytes() == before
    assert [one.name for one in file_of(place.path, release.name).parent.iterdir()] == [f"{release.name}.npz"]


def test_a_rounds_release_is_laid_out_by_its_own_map_of_the_embeddings(
    place: Workspace, chart: Chart, release: Release, tmp_path: Path
) -> None:
    with open_workspace(Path(shutil.copytree(place.path, tmp_path / "ws"))) as other:
        made = written(other.path, release)
        assert promotion.promote(other, made, Actor("Ada"), release.digest).wait(LIMIT_S)
        making = job.begin(other, made, actor=single_user())
        assert making is not None and making.wait(LIMIT_S) and making.step == "done"
        of_round = load(other.path, made.name)
        assert of_round is not None and of_round.ids.tolist() == chart.ids.tolist()
        assert not np.allclose(of_round.points, chart.points, atol=1e-3)  # though the stored embeddings are the same


def test_too_few_studies_make_no_map(tmp_path: Path, release: Release) -> None:
    with open_workspace(build_workspace(tmp_path / "ws", tmp_path / "files", release, range(1, 4), 2)) as few:
        assert 0 < sum(few.all_counts().values()) < MIN_STUDIES
        assert job.begin(few, release, actor=single_user()) is None
        assert load(few.path, release.name) is None


def test_of_very_many_studies_a_sample_is_drawn() -> None:
    assert sampled(40).tolist() == list(range(40))
    some = sampled(3 * MAX_STUDIES)
    assert some.size == MAX_STUDIES == np.unique(some).size and np.array_equal(some, sampled(3 * MAX_STUDIES))
