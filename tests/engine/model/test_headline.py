"""Of all figures of a release, the few that say what it is good for."""

from __future__ import annotations

from engine.model.headline import USES, headline
from engine.model.release import load_release


def row(task: str, n: int, value: float = 0.5, low: float = 0.4, chance: float = 0.2, code: str = "256 bits") -> dict:
    figure = {"value": value, "low": low, "high": 0.6, "n": n}
    return {"task": task, "representation": code, "p_at_5": figure, "chance_p_at_5": chance}


def test_the_figure_of_the_most_queries_stands_for_a_pair_of_kinds():
    rows = [
        row("cxr→cxr within A", 10),
        row("cxr→cxr within B", 90, value=0.7),
        row("cxr→cxr within C", 900, code="64 bits"),
        row("text→ecg by finding", 5, low=0.1),
        {"task": "ppg→ecg same moment", "representation": "256 bits", "r_at_1": {"value": 1.0}},
    ]
    found = headline({"figures": {"rows": rows}})
    assert [(one.asked, one.found, one.value, one.n, one.use) for one in found] == [
        ("cxr", "cxr", 0.7, 90, "same"),
        ("text", "ecg", 0.5, 5, "words"),
    ]
    assert [one.is_above_chance for one in found] == [True, False]
    assert headline({}) == []


def test_the_shipped_release_has_figures_for_every_use():
    assert {one.use for one in headline(load_release().manifest)} == set(USES)
