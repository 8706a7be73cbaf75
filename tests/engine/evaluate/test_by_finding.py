"""Pooled and balanced search figures on a collection small enough to rank by hand."""

import numpy as np
import pytest

from engine.evaluate.by_finding import (
    BALANCED,
    BALANCED_AUROC,
    MIN_HOLDERS,
    Evaluator,
    auroc_by_finding,
    per_query,
    precision_by_finding,
    retrieval_task,
)
from tests.helpers.findings import in_vocabulary

HELD = np.array([[True, False], [True, False], [False, True]])  # gallery: two of finding 0, one of finding 1
NOBODY = np.array(["x", "y", "z"])


def test_auroc_by_finding_skips_the_own_patient():
    asked = retrieval_task(HELD[:1], HELD, np.array(["x"]), NOBODY)
    assert not asked.allowed[0, 0]
    # among y (finding 0, score 0.2) and z (finding 1, score 0.5), the holder of 0 comes last and of 1 first
    assert auroc_by_finding(np.array([[0.9, 0.2, 0.5]]), asked).tolist() == [[0.0, 1.0]]


def test_precision_by_finding():
    asked = retrieval_task(HELD[:1], HELD, np.array(["q"]), NOBODY)
    found = precision_by_finding(np.array([[0.9, 0.2, 0.5]]), asked)
    assert found[0] == pytest.approx([(1 + 2 / 3) / 2, 1 / 2])


def test_balanced_figures_expose_a_search_that_always_returns_the_frequent_finding():
    frequent, rare = 40, MIN_HOLDERS + 1
    held = in_vocabulary(np.arange(frequent + rare)[:, None] // frequent == np.arange(2))
    patients = np.array([f"p{i}" for i in range(len(held))])
    judge = Evaluator(retrieval_task(held, held, patients, patients))
    always = np.tile(held[:, 1].astype(float), (len(held), 1))
    figures = judge.figures(per_query(always, judge.task))
    assert figures["P@5"].value == pytest.approx(frequent / len(held)) and figures["P@5"].value > 0.85
    assert figures[BALANCED].value == pytest.approx(0.5)  # all of one finding, none of the other
    assert figures[BALANCED_AUROC].value == pytest.approx(0.5)


def test_chance_of_random_orders():
    rng = np.random.default_rng(0)
    held = in_vocabulary(np.eye(2, dtype=bool)[rng.integers(0, 2, 200)])
    patients = np.array([f"p{i}" for i in range(200)])
    judge = Evaluator(retrieval_task(held, held, patients, patients))
    chance = judge.chance()
    random = judge.figures(per_query(rng.random((200, 200)), judge.task))
    for name, value in chance.items():
        assert random[name].value == pytest.approx(value, abs=0.06), name
    assert chance["P@5"] == pytest.approx(0.5, abs=0.02)
