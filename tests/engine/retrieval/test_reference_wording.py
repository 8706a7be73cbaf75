"""What is known for sure of findings, in words: sides and measures, and each outline once."""

from __future__ import annotations

from engine.reference import ReferenceFinding
from engine.retrieval.wording import outlines, reference_finding
from engine.strings import speaking

LEFT, RIGHT = ((0.6, 0.6), (0.9, 0.6), (0.9, 0.9)), ((0.1, 0.6), (0.4, 0.6), (0.4, 0.9))


def test_measures_stand_with_their_units_in_the_reader_s_language() -> None:
    measured = (("ml", 449.6), ("depth_mm", 31.0), ("ctr", 0.584), ("odd", 2.0))
    one = ReferenceFinding("Pleural Effusion", side="left", measured=measured)
    assert reference_finding(one) == "Pleural Effusion, left: 450 ml, depth 31 mm, CTR 0.58, odd 2"
    with speaking("de"):
        assert "links: 450 ml, Tiefe 31 mm" in reference_finding(one)
    assert reference_finding(ReferenceFinding("Edema", side="both")) == "Edema, both sides"


def test_an_outline_that_two_labels_share_stands_once_and_a_finding_in_parts_is_named_once() -> None:
    shared = [ReferenceFinding(label, side="left", polygons=(LEFT,)) for label in ("Consolidation", "Pneumonia")]
    parts = ReferenceFinding("Edema", polygons=(RIGHT, LEFT))
    assert outlines([*shared, parts, ReferenceFinding("Cardiomegaly")]) == [
        ("Consolidation, left / Pneumonia, left", LEFT),
        ("Edema", RIGHT),
        ("", LEFT),
    ]
