"""What the pictures of Compare are given: colours of a converged map, the reason in words for any other."""

from __future__ import annotations

import numpy as np
import pytest

from engine.explain.maps import InputMap, RawMap, RawMaps
from engine.explain.placing import input_map, pair_maps
from engine.explain.sentences import outside, uncoloured
from engine.intake.paths import read_paths
from engine.settings import DEMO
from engine.study import Study
from pages.compare.overlay import signed_overlay


@pytest.fixture(scope="module")
def film() -> Study:
    return read_paths([DEMO / "cxr" / "syn-0002-e1-cxr.jpg"])


def raw(gap: float, spread: float = 0.1, at: tuple[int, int] = (112, 112)) -> RawMap:
    """A map of one bright place, which misses completeness by `gap`."""
    values = np.zeros((1, 224, 224), np.float32)
    values[0, at[0] - 20 : at[0] + 20, at[1] - 20 : at[1] + 20] = 1e-3
    return RawMap(values, 0.8, 0.2, gap, spread, 12, 4.0)


def placed(film: Study, gap: float, spread: float = 0.1) -> InputMap:
    return input_map(film, raw(gap, spread))


@pytest.mark.parametrize("gap", [0.0, 0.03, 0.05])
def test_a_converged_map_is_given_with_where_it_lies(film: Study, gap: float) -> None:
    values, said = signed_overlay(placed(film, gap), film)
    assert values is not None and values.shape == film.film.pixels.shape
    assert values.min() >= -1 and values.max() == 1
    assert "lies mostly in" in said and "outside the patient" in said


@pytest.mark.parametrize(
    ("gap", "spread", "why"), [(0.051, 0.1, "5.1 %"), (3.87, 0.1, "over 100 %"), (0.0, 0.6, "add up")]
)
def test_any_other_map_has_no_colours_and_the_reason(film: Study, gap: float, spread: float, why: str) -> None:
    values, said = signed_overlay(placed(film, gap, spread), film)
    assert values is None
    assert said.startswith("Not converged: no colours.") and why in said


def test_the_limit_is_of_the_kind_of_recording() -> None:
    ecg = read_paths([DEMO / "ecg" / "syn-0002-e1-ecg.hea"])
    values = np.full((12, 1000), 1e-4, np.float32)
    maps = [input_map(ecg, RawMap(values, 0.8, 0.2, gap, 0.1, 12, 0.1)) for gap in (0.02, 0.03)]
    assert [one.converged for one in maps] == [True, False] and [one.limit for one in maps] == [0.02, 0.02]
    assert outside(maps[0]) == ""


def test_a_pair_names_the_sides_that_stay_grey(film: Study) -> None:
    maps = pair_maps(film, film, RawMaps(raw(0.01), raw(0.4), 0.8, True))
    assert [side for side, _ in uncoloured(maps)] == ["match"]


def test_much_that_lies_outside_the_patient_is_a_warning(film: Study) -> None:
    corner = input_map(film, raw(0.01, at=(20, 200)))
    assert corner.outside is not None and corner.outside > 0.25
    assert "read it with care" in outside(corner)
    assert "read it with care" not in outside(placed(film, 0.01))
