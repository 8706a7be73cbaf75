"""Annotations beside what is known for sure: overlaps, distances and differences against values worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from engine.annotation import Annotation, from_json
from engine.annotation_check import check_annotations
from engine.measure import FilmCanvas, Measured
from engine.reference import ReferenceFinding

CANVAS = FilmCanvas(400, 200, (0.5, 0.5))
LEFT = ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0))
EFFUSION = ReferenceFinding("Pleural Effusion", polygons=(LEFT,), measured=(("depth_mm", 40.0),))
NODULE = ReferenceFinding("Lung Lesion", polygons=(((0.1, 0.1), (0.2, 0.1), (0.2, 0.3), (0.1, 0.3)),))
HEART = ReferenceFinding("Cardiomegaly", measured=(("ctr", 0.55),))


def drawn(kind: str, *points: tuple[float, float], canvas: FilmCanvas = CANVAS, **more: Any) -> Annotation:
    given = {"kind": kind, "points": [list(one) for one in points], **more}
    return from_json(given, canvas, study_id="s", author="a")


def test_a_region_is_compared_with_what_it_shares_most_with() -> None:
    half = drawn("region", (200, 100), (300, 200), shape="box")
    (check,) = check_annotations([half], [NODULE, EFFUSION], CANVAS)
    assert check.finding == EFFUSION and check.overlap == pytest.approx(0.5, abs=0.01)
    assert check.apart is not None and check.apart.unit == "mm"
    assert check.apart.value == pytest.approx(50 * 0.5, abs=0.5)  # half a width of 100 pixels, 0.5 mm each
    whole = drawn("region", (200, 100), (400, 100), (400, 200), (200, 200), shape="polygon")
    assert check_annotations([whole], [EFFUSION], CANVAS)[0].overlap == pytest.approx(1, abs=0.01)
    round_one = drawn("region", (200, 100), (400, 200), shape="ellipse")
    assert check_annotations([round_one], [EFFUSION], CANVAS)[0].overlap == pytest.approx(3.1416 / 4, abs=0.02)


def test_a_region_that_shares_nothing_is_measured_to_the_nearest_finding() -> None:
    away = drawn("region", (0, 100), (40, 140), shape="box")
    (check,) = check_annotations([away], [EFFUSION, NODULE], CANVAS)
    assert check.finding == NODULE and check.overlap == 0
    assert check.apart is not None and check.apart.value == pytest.approx(0.5 * (40**2 + 80**2) ** 0.5, abs=1)


def test_measures_are_compared_where_they_are_known() -> None:
    ratio = drawn("ctr", (100, 100), (220, 100), (50, 150), (250, 150))
    ruler = drawn("ruler", (250, 120), (250, 190))
    far = drawn("ruler", (10, 10), (20, 10))
    checks = check_annotations([ratio, ruler, far], [EFFUSION, HEART], CANVAS)
    assert [one.finding for one in checks] == [HEART, EFFUSION]
    assert checks[0].difference is not None and checks[0].difference.value == pytest.approx(0.05)
    assert checks[1].difference == Measured(pytest.approx(-5.0), "mm")
    plain = FilmCanvas(400, 200)
    assert check_annotations([drawn("ruler", (250, 120), (250, 190), canvas=plain)], [EFFUSION], plain) == []


def test_words_arrows_and_films_of_which_nothing_is_known_have_no_check() -> None:
    words, arrow = drawn("text", (250, 150), text="here"), drawn("arrow", (10, 10), (250, 150))
    region = drawn("region", (200, 100), (300, 200), shape="box")
    assert check_annotations([words, arrow], [EFFUSION], CANVAS) == []
    assert check_annotations([region], [], CANVAS) == check_annotations([region], [HEART], CANVAS) == []
