"""What is drawn on films and traces: measured by each direction's own spacing, and hostile values in one sentence."""

from __future__ import annotations

import math

import pytest

from engine.annotation import Annotation, from_json
from engine.errors import UsageError
from engine.measure import FilmCanvas, Measured, TraceCanvas
from engine.study import ECG_LEADS

FILM = FilmCanvas(columns=300, rows=400, spacing_mm=(0.2, 0.1))  # a pixel is twice as tall as it is wide
BARE = FilmCanvas(columns=300, rows=400)
ECG = TraceCanvas(10.0, ECG_LEADS, "mV")
PPG = TraceCanvas(10.0, ("PPG",), "au")


def drawn(canvas: FilmCanvas | TraceCanvas, kind: str, points: object, **more: object) -> Annotation:
    return from_json({"kind": kind, "points": points, **more}, canvas, study_id="s", author="ann")


def value(one: Annotation) -> tuple[float, str]:
    assert one.measured is not None
    return round(one.measured.value, 6), one.measured.unit


@pytest.mark.parametrize(
    ("canvas", "kind", "points", "more", "expected"),
    [
        (FILM, "ruler", [[10, 10], [110, 10]], {}, (10, "mm")),
        (FILM, "ruler", [[10, 10], [10, 110]], {}, (20, "mm")),
        (FILM, "ruler", [[0, 0], [30, 20]], {}, (5, "mm")),
        (BARE, "ruler", [[0, 0], [30, 40]], {}, (round(100 * 50 / 300, 6), "%")),
        (FILM, "ctr", [[100, 50], [200, 50], [50, 90], [250, 90]], {}, (0.5, "1")),
        (FILM, "ctr", [[100, 50], [200, 50], [0, 0], [0, 50]], {}, (1, "1")),
        (FILM, "angle", [[100, 0], [0, 0], [0, 50]], {}, (90, "deg")),
        (FILM, "angle", [[100, 0], [0, 0], [100, 50]], {}, (45, "deg")),
        (BARE, "angle", [[0, 0], [100, 0], [0, 50], [-0.5, 150]], {}, (90, "deg")),
        (BARE, "angle", [[100, 100], [0, 100], [100, 100], [200, 0]], {}, (45, "deg")),
        (FILM, "region", [[0, 0], [100, 100]], {}, (200, "mm2")),
        (FILM, "region", [[0, 0], [100, 100]], {"shape": "ellipse"}, (round(math.pi * 50, 6), "mm2")),
        (FILM, "region", [[0, 0], [100, 0], [100, 100]], {}, (100, "mm2")),
        (ECG, "caliper", [[1.2, 0.1], [0.4, 1.1]], {}, (800, "ms")),
        (ECG, "caliper", [[1.2, 0.1], [0.4, 1.1]], {"measured": {"value": 9, "unit": "mV"}}, (1, "mV")),
        (ECG, "caliper", [[1.2, 0.1], [0.4, 1.1]], {"measured": {"value": 75, "unit": "/min"}}, (75, "/min")),
        (ECG, "caliper", [[1.2, 0.1], [1.2, 1.1]], {}, (1, "mV")),
        (ECG, "stretch", [[2, 0], [5.5, 0]], {"lead": "V1"}, (3.5, "s")),
        (PPG, "caliper", [[1, 7], [1.5, 900]], {"measured": {"value": 1, "unit": "mV"}}, (500, "ms")),
    ],
)
def test_what_is_drawn_is_measured_from_its_points(canvas, kind, points, more, expected) -> None:
    assert value(drawn(canvas, kind, points, **more)) == expected


def test_what_measures_nothing_says_nothing() -> None:
    assert drawn(FILM, "arrow", [[1, 1], [2, 2]]).measured is None
    assert drawn(BARE, "region", [[1, 1], [2, 2]]).measured is None
    assert drawn(PPG, "caliper", [[1, 7], [1, 900]]).measured is None
    assert drawn(FILM, "ctr", [[1, 1], [2, 2], [3, 3], [3, 3]]).measured is None


def test_the_browser_gets_back_what_it_sent_and_a_value_that_was_measured_here() -> None:
    sent = {
        "id": "b7-1",
        "kind": "ruler",
        "points": [[10.5, 10], [110.5, 10]],
        "text": "heart\nsee note",
        "measured": {"value": 1e9, "unit": "mm"},
        "selected": True,
    }
    one = from_json(sent, FILM, study_id="s", author="ann")
    back = one.to_json()
    assert {name: back[name] for name in ("id", "kind", "points", "text")} == {
        name: sent[name] for name in ("id", "kind", "points", "text")
    }
    assert back["measured"] == {"value": pytest.approx(10), "unit": "mm"}
    assert from_json(back, FILM, study_id="s", author="ann") == one


def test_a_point_just_beside_the_picture_is_moved_to_its_edge() -> None:
    assert drawn(FILM, "ruler", [[-0.5, 0], [300.4, 400]]).points == ((0, 0), (300, 400))
    assert drawn(ECG, "stretch", [[-0.01, 0], [10.04, 0]]).points == ((0, 0), (10, 0))


@pytest.mark.parametrize(
    ("canvas", "given", "says"),
    [
        (FILM, None, "object"),
        (FILM, {}, "no annotation ''"),
        (FILM, {"kind": 3}, "kind"),
        (FILM, {"kind": "x" * 10**6}, "use ruler"),
        (FILM, {"kind": "caliper", "points": [[1, 1], [2, 2]]}, "no annotation 'caliper'"),
        (ECG, {"kind": "ruler", "points": [[1, 1], [2, 2]]}, "no annotation 'ruler'"),
        (FILM, {"kind": "ruler"}, "list of pairs"),
        (FILM, {"kind": "ruler", "points": "12"}, "list of pairs"),
        (FILM, {"kind": "ruler", "points": [[1, 1]]}, "has 2 points and 1 came"),
        (FILM, {"kind": "ruler", "points": [[1, 1], [2, 2, 2]]}, "pair of numbers"),
        (FILM, {"kind": "ruler", "points": [[1, 1], ["2", 2]]}, "pair of numbers"),
        (FILM, {"kind": "ruler", "points": [[1, 1], [True, 2]]}, "pair of numbers"),
        (FILM, {"kind": "ruler", "points": [[1, 1], [float("nan"), 2]]}, "outside"),
        (FILM, {"kind": "ruler", "points": [[1, 1], [float("inf"), 2]]}, "outside"),
        (FILM, {"kind": "ruler", "points": [[1, 1], [10**400, 2]]}, "outside"),
        (FILM, {"kind": "ruler", "points": [[1, 1], [302, 2]]}, "outside"),
        (ECG, {"kind": "stretch", "points": [[1, 1], [10.2, 2]]}, "outside"),
        (FILM, {"kind": "region", "points": [[1, 1]] * 501}, "at most 500"),
        (FILM, {"kind": "region", "points": range(10**9)}, "at most 500"),
        (FILM, {"kind": "region", "points": [[1, 1], [2, 2]], "shape": "heart"}, "no region 'heart'"),
        (FILM, {"kind": "text", "points": [[1, 1]], "text": "x" * 501}, "501 characters"),
        (FILM, {"kind": "text", "points": [[1, 1]], "text": ["x"]}, "word"),
        (FILM, {"kind": "text", "points": [[1, 1]], "id": "../x"}, "id"),
        (FILM, {"kind": "text", "points": [[1, 1]], "id": "x" * 65}, "id"),
        (ECG, {"kind": "text", "points": [[1, 1]], "lead": "V9"}, "no lead 'V9'"),
        (FILM, {"kind": "text", "points": [[1, 1]], "lead": "V1"}, "no lead 'V1'"),
    ],
)
def test_what_cannot_stand_is_refused_in_a_sentence(canvas, given, says) -> None:
    with pytest.raises(UsageError) as refused:
        from_json(given, canvas, study_id="s", author="ann")
    assert says in str(refused.value)
    assert len(str(refused.value)) < 250
    assert "\n" not in str(refused.value)


def test_letters_that_hide_or_turn_text_around_are_left_out() -> None:
    assert drawn(FILM, "text", [[1, 1]], text="a\u202eb\x00c\n d\u200b").text == "abc\nd"


def test_a_value_without_a_number_does_not_reach_the_record() -> None:
    one = drawn(ECG, "caliper", [[1, 0], [2, 0]], measured={"value": float("nan"), "unit": "ms"})
    assert one.measured == Measured(1000, "ms")
