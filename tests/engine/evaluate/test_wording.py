"""Findings asked for in taught and untaught words, on spaces drawn by hand."""

import numpy as np
import pytest

from engine.evaluate.wording import MIN_STUDIES, aurocs, mean_over_findings, phrases_of
from engine.findings import vocabulary


def test_every_finding_counts_once_however_many_phrases_it_has():
    assert mean_over_findings(np.array([1.0, 1.0, 1.0, 0.0]), np.array([4, 4, 4, 7])) == pytest.approx(0.5)


def test_auroc_of_each_phrase_under_weights():
    scores, right = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]), np.array([[1, 1], [0, 0], [0, 0]], bool)
    assert aurocs(scores, right, np.ones((1, 3))).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("kind", ["phrases", "unseen"])
def test_only_findings_that_enough_studies_hold_and_lack_are_asked_for(kind):
    names = list(vocabulary())
    held = np.zeros((3 * MIN_STUDIES, len(names)), bool)
    held[:MIN_STUDIES, names.index("edema")] = True
    held[: MIN_STUDIES - 1, names.index("pneumonia")] = True
    held[: 2 * MIN_STUDIES + 1, names.index("normal")] = True
    phrases, finding = phrases_of(held, kind)
    assert phrases == vocabulary()["edema"][kind] and set(finding) == {names.index("edema")}
