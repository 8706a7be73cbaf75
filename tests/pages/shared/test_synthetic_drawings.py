"""Cards and drawings of synthetic studies carry the word; those of recordings do not."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from engine.drawing.film import stamped
from engine.retrieval.answer import Neighbour
from engine.strings import text
from pages.shared import case_card, svg


def neighbour(synthetic: bool) -> Neighbour:
    return Neighbour(
        1,
        "syn-0001-e1-cxr",
        "syn-0001",
        "syn-0001-e1",
        "cxr",
        "c",
        "l",
        ("Edema",),
        "generated",
        synthetic,
        60.0,
        "F",
        "PA",
        "film",
        20,
        256,
        0.9,
        0.5,
    )


@pytest.mark.parametrize("synthetic", [True, False])
def test_a_card_s_head_says_synthetic_only_where_it_is(synthetic: bool) -> None:
    assert (text("card.synthetic") in case_card.head(neighbour(synthetic))) is synthetic


def test_a_stamped_film_differs_in_its_upper_right_corner_only() -> None:
    grey = np.full((300, 260), 128, np.uint8)
    drawn = stamped(grey, "SYNTHETIC")
    changed = drawn != grey
    assert drawn.shape == (300, 260)
    assert changed[:30, 150:].mean() > 0.2
    assert not changed[40:].any()
    assert not changed[:, :100].any()
    assert np.array_equal(stamped(grey, ""), grey)


def test_a_stamped_drawing_is_still_svg_and_says_the_word() -> None:
    drawn = svg.stamped(svg.document(100, 50, ["<g/>"]), "SYNTHETIC", "#000")
    words = [one.text for one in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["SYNTHETIC"]
