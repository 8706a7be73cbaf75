"""What a query costs, held together: shares add up, grams follow the grid, short work is not recorded."""

from __future__ import annotations

import numpy as np
import pytest

from engine.bench.energy.run import EnergyPlan, as_lines, result
from engine.bench.energy.stages import (
    CODES,
    DENSE,
    ENCODE,
    EXPLAIN,
    SEARCH,
    StageEnergy,
    dense,
    encoding,
    explaining,
    metered,
    searching,
)
from engine.bench.explain import shipped_studies
from engine.cli import run
from engine.model.release import Release, load_release
from engine.training.meter import EnergyUsed


def stage(name: str, of: str, joules: float) -> StageEnergy:
    """Return a stage of a hundred queries."""
    return StageEnergy(name, of, 100, EnergyUsed(100 * joules, 5.0, 10.0, 12.0, "estimated", 0.4, "by hand"))


FOUND = [
    stage(ENCODE, "cxr", 2.0),
    stage(ENCODE, "ecg", 0.1),
    stage(SEARCH, CODES, 0.1),
    stage(SEARCH, DENSE, 1.3),
    stage(EXPLAIN, "cxr", 20.0),
]


@pytest.fixture
def release() -> Release:
    return load_release()


def test_a_query_is_encoded_and_searched_and_grams_follow_the_grid(release: Release) -> None:
    found = result(release, [], EnergyPlan(grid=360.0, queries_a_year=1000), FOUND)
    films = next(one for one in found["queries"] if one["of"] == "cxr")
    assert films["wh_per_1000"]["value"] == pytest.approx(2.1 / 3.6, rel=1e-3)
    assert films["wh_per_1000"]["low"] == pytest.approx(0.6 * 2.1 / 3.6, rel=1e-3)
    assert films["grams_per_1000"] == pytest.approx(2.1 / 3.6 / 1000 * 360, rel=1e-3)
    year = {one["part"]: one for one in found["life_cycle"]}
    assert year["queries"]["wh"] == pytest.approx(1000 * (2.1 + 0.2) / 2 / 3600, rel=1e-3)
    assert year["maps of pairs"]["count"] == 100
    assert year["training"]["wh"] == release.manifest["training"]["energy"]["wh"]
    assert year["dense embeddings on disk"]["wh"] == pytest.approx(32 * year["codes on disk"]["wh"], rel=1e-3)
    assert found["collection"]["dense_bytes"] == 32 * found["collection"]["code_bytes"]


def test_without_a_grid_there_are_no_grams(release: Release) -> None:
    found = result(release, [], EnergyPlan(), FOUND)
    assert {one["grams_per_1000"] for one in found["stages"]} == {None}
    assert "the site's grid is not stated" in as_lines(found)


def test_training_is_paid_back_by_what_codes_save(release: Release) -> None:
    even = result(release, [], EnergyPlan(), FOUND)["break_even"]
    hashing = release.manifest["training"]["energy"]["of"]["hashing"]
    assert even["saved_joules"] == pytest.approx(1.2)
    assert even["searches"] == round(hashing * 3600 / even["saved_joules"])
    worse = [*FOUND[:3], stage(SEARCH, DENSE, 0.05), FOUND[4]]
    assert result(release, [], EnergyPlan(), worse)["break_even"]["searches"] is None


def test_work_is_repeated_until_it_has_used_the_processor_long_enough() -> None:
    done: list[int] = []
    work = [lambda: done.append(sum(range(200_000))), lambda: done.append(-sum(range(100_000)))]
    queries, used = metered(work, 1.0)
    assert used.cpu_seconds >= 1 and queries == len(done) - 1 > 2  # one before, to load what has to be loaded
    assert {value > 0 for value in done} == {True, False}


def test_dense_retrieval_finds_the_nearest_by_cosine() -> None:
    rng = np.random.default_rng(0)
    gallery = rng.standard_normal((500, 256), np.float32)
    assert dense(gallery, gallery[7])[0] == 7
    assert dense(gallery, gallery[7]).tolist() == np.argsort(-(gallery @ gallery[7]))[:10].tolist()


def test_stages_of_real_recordings_are_metered_and_short_ones_not_recorded(
    release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    pulses = {"ppg": [study for _, study in shipped_studies()["ppg"][:2]]}
    found = [*encoding(release, pulses, 0.1), *searching(2000, 0.1), *explaining(release, pulses, 0.1)]
    assert [(one.stage, one.of) for one in found] == [
        (ENCODE, "ppg"),
        (SEARCH, CODES),
        (SEARCH, DENSE),
        (EXPLAIN, "ppg"),
    ]
    assert all(one.queries > 0 and one.used.cpu_seconds >= 0.1 for one in found)
    printed = as_lines(result(release, [], EnergyPlan(2000, 0.1, grid=300.0), found))
    assert "The first year:" in printed and "Grams by 300 g/kWh" in printed
    assert run(["bench", "energy", "--seconds", "0.1", "--record"]) == 2
    assert "noise" in capsys.readouterr().err
