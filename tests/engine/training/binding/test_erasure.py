"""After an erasure nothing linear reads the concept; what stands beside it stays; a head does it by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.metrics.classifying import auroc
from engine.metrics.probe_fit import STRENGTHS, logistic_scores, standardised
from engine.model.heads import Tower
from engine.training.binding import nuisance
from engine.training.binding.erasure import leace
from engine.training.data.prepared import Example, Prepared
from engine.training.encoders import loop

FILMS, WIDTH = 600, 24


def gain(x: np.ndarray, label: np.ndarray) -> float:
    """Return how much better than its frequency the best logistic probe tells a label on its own data, as a share."""
    (even,) = standardised(x)
    scores = [logistic_scores(even, label, strength, even)[0] for strength in STRENGTHS]
    loss = min(float(np.logaddexp(0, np.where(label, -s, s)).mean()) for s in scores)
    share = label.mean()
    return 1 + loss / float(share * np.log(share) + (1 - share) * np.log(1 - share))


@pytest.fixture
def made() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Representations (n, f) that hold a concept in many numbers and a finding that goes along with it."""
    rng = np.random.default_rng(0)
    concept = rng.random(FILMS) < 0.4
    finding = rng.random(FILMS) < np.where(concept, 0.6, 0.3)
    x = rng.normal(size=(FILMS, WIDTH)) @ rng.normal(size=(WIDTH, WIDTH))
    return (
        x + concept[:, None] * rng.normal(size=WIDTH) * 6 + finding[:, None] * rng.normal(size=WIDTH) * 6,
        concept,
        finding,
    )


def test_nothing_linear_reads_what_was_erased(made: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    x, concept, finding = made
    left = x - x @ leace(x, concept[:, None]).T
    assert gain(x, concept) > 0.8 and gain(left, concept) < 0.01
    assert gain(left, finding) > 0.5, "a finding that goes along with it is still told"


def test_several_concepts_are_erased_at_once_and_a_constant_one_asks_for_nothing(
    made: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    x, concept, finding = made
    left = x - x @ leace(x, np.stack([concept, finding, np.ones(FILMS)], 1)).T
    assert max(gain(left, concept), gain(left, finding)) < 0.01
    assert not leace(x, np.ones((FILMS, 1))).any()


def test_what_differs_between_data_sets_stays(made: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    x, concept, _ = made
    dataset = np.random.default_rng(1).random(FILMS) < np.where(concept, 0.9, 0.1)  # the concept is common in one
    x = x + 8 * dataset[:, None] * np.random.default_rng(2).normal(size=WIDTH)
    left = x - x @ leace(x, concept[:, None], dataset).T
    difference = [
        sum(
            (part[dataset == one] * (concept[dataset == one] - concept[dataset == one].mean())[:, None]).sum(0)
            for one in (0, 1)
        )
        for part in (x, left)
    ]
    assert np.abs(difference[1]).max() < 1e-6 * np.abs(difference[0]).max()
    assert gain(left, dataset) > 0.8


def test_view_and_sex_are_taken_out_of_a_film_tower(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    facts = rng.random((FILMS, 2)) < 0.5
    tokens = rng.normal(size=(FILMS, 3, 384))
    for column in range(2):
        tokens += 0.2 * facts[:, column, None, None] * rng.normal(size=384)
    words = [("AP" if view else "PA", "F" if sex else "M") for view, sex in facts]
    rows = [
        Example(f"f{i}", "cxr", "made", f"p{i}", "train", "", "", view, "50", sex, "")
        for i, (view, sex) in enumerate(words)
    ]
    data = Prepared(rows, {"tokens": tokens.astype(np.float32)})
    torch.manual_seed(0)
    tower = Tower("cxr").eval()

    def embeddings() -> np.ndarray:
        with torch.no_grad():
            return tower(tokens=torch.from_numpy(data.inputs["tokens"])).numpy()

    before, few = embeddings(), Prepared(rows[:40], {"tokens": data.inputs["tokens"][:40]})
    nuisance.erase(tower, few, loop.Log(tmp_path / "log.jsonl"))
    assert np.array_equal(embeddings(), before), "forty films are too few to fit it on"
    nuisance.erase(tower, data, loop.Log(tmp_path / "log.jsonl"))
    after = embeddings()
    assert after.shape == (FILMS, 256) and np.allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    for column in range(2):
        direction = [x[facts[:, column]].mean(0) - x[~facts[:, column]].mean(0) for x in (before, after)]
        told = [float(auroc(x @ d, facts[:, column])[0]) for x, d in zip((before, after), direction, strict=True)]
        assert told[0] > 0.9 and told[1] < 0.6


def test_what_a_film_does_not_tell_is_unknown() -> None:
    rows = [
        Example(f"f{i}", "cxr", "made", f"p{i}", "train", "", "", view, "", sex, "")
        for i, (view, sex) in enumerate((("AP", "M"), ("PA", "F"), ("LATERAL", "")))
    ]
    assert np.array_equal(nuisance.view_and_sex(rows), [[1, 0], [0, 1], [np.nan, np.nan]], equal_nan=True)
