"""What two studies share: one function for calibration, figures, cards and the gate of a round."""

from __future__ import annotations

import numpy as np
import pytest

from engine.findings import shared_findings, sharing, vocabulary


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (["Cardiomegaly"], ["left ventricular hypertrophy"], {"cardiac_enlargement"}),
        (["No Finding"], ["No Finding"], set()),
        (["No Finding"], ["normal ECG"], set()),
        (["normal ECG", "sinus rhythm"], ["normal ECG", "sinus rhythm"], set()),
        (["Normal blood pressure"], ["Normal blood pressure"], set()),
        (["Pleural Effusion", "Edema"], ["Edema", "Pneumonia"], {"edema"}),
        ([], ["Edema"], set()),
    ],
)
def test_to_be_normal_is_no_shared_finding(one: list[str], other: list[str], shared: set[str]) -> None:
    assert shared_findings(one, other) == shared_findings(other, one) == shared


def test_arrays_say_what_labels_say() -> None:
    names = list(vocabulary())
    has = np.zeros((3, len(names)), bool)
    has[[0, 1], names.index("normal")] = True
    has[[1, 2], names.index("edema")] = True
    assert sharing(has, has).tolist() == [[False] * 3, [False, True, True], [False, True, True]]
