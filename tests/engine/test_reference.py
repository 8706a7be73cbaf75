"""Reference findings: written and read again, refused where they are none, and where they lie on a film."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import UsageError
from engine.reference import ReferenceFinding, checked_in, findings_in, from_text, mask_of, of_label, to_text

LEFT = ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0))
EFFUSION = ReferenceFinding(
    "Pleural Effusion", "pleural effusion", "left", "lower", 0.4, (LEFT,), (("ml", 450.0), ("depth_mm", 31.5)), "Small."
)


def test_findings_are_the_same_after_they_were_written_and_read() -> None:
    marker = ReferenceFinding("", "side marker")
    assert from_text(to_text([EFFUSION, marker])) == (EFFUSION, marker)
    assert to_text([marker]) == '[{"label":"","kind":"side marker"}]'
    assert EFFUSION.measure("ml") == 450 and EFFUSION.measure("ctr") is None


@pytest.mark.parametrize(
    "words",
    [
        "left lung",
        "{}",
        "[1]",
        "[{}]",
        '[{"label": 1}]',
        '[{"label": "a", "side": "up"}]',
        '[{"label": "a", "severity": "high"}]',
        '[{"label": "a", "severity": NaN}]',
        '[{"label": "a", "polygons": [[[0, 0], [1, 1]]]}]',
        '[{"label": "a", "polygons": [[[0, 0], [1, 1], [2, 0]]]}]',
        '[{"label": "a", "polygons": [[[0, 0], [1, 1], 3]]}]',
        '[{"label": "a", "polygons": "here"}]',
        '[{"label": "a", "measured": {"ml": true}}]',
        "[" * 100_000,
    ],
)
def test_what_is_no_list_of_findings_is_refused_and_stands_for_none(words: str) -> None:
    with pytest.raises(UsageError):
        from_text(words)
    assert findings_in({"reference_findings": words}) == ()


def test_a_mask_covers_what_its_polygons_enclose() -> None:
    mask = EFFUSION.mask((100, 200))
    assert mask.shape == (100, 200) and mask.mean() == pytest.approx(0.25, abs=0.02)
    assert mask[60:, 110:].all() and not mask[:49].any() and not mask[:, :98].any()
    assert EFFUSION.boxes == ((0.5, 0.5, 1.0, 1.0),)
    assert not mask_of((), (3, 3)).any()
    assert np.array_equal(mask_of((LEFT, LEFT), (100, 200)), mask)


def test_findings_of_a_label_are_those_with_a_place() -> None:
    nowhere = ReferenceFinding("Pleural Effusion")
    assert of_label([nowhere, EFFUSION], "Pleural Effusion") == (EFFUSION,)
    assert of_label([EFFUSION], "Edema") == ()


def test_checked_labels_are_none_where_nothing_was_checked() -> None:
    assert checked_in({}) is None and checked_in({"checked_labels": ""}) == frozenset()
    assert checked_in({"checked_labels": "Edema; Pleural Effusion"}) == {"Edema", "Pleural Effusion"}
