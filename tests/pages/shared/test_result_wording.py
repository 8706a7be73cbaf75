"""A neighbour is described in the same words by the shell's table and by the page's card."""

from __future__ import annotations

import pytest
from helpers.answers import answer_of, neighbour

from engine.commands.search import table
from engine.retrieval import wording
from engine.store.records import StudyRow
from engine.strings import notice, text
from engine.study import Note, Study
from pages.shared import case_card

ROW = StudyRow("syn-0001-e1-ecg", "syn-0001", "syn-0001-e1", "c", "ecg", labels=("AFIB",), label_source="a reader")


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.97, "closer than 97 % of random pairs"),
        (0.9949, "closer than 99 % of random pairs"),
        (0.995, "closer than over 99 % of random pairs"),
        (1.0, "closer than over 99 % of random pairs"),
    ],
)
def test_shell_and_card_say_how_near_in_the_same_words(share: float, words: str) -> None:
    near = neighbour(1, ROW, hamming=61, further_share=share, relevance=0.62)
    printed, card = table(answer_of((near,), Study("text", Note("afib"), "Finding")), ("ecg",)), case_card.facts(near)
    for said in (
        words,
        "61 of 256 bits differ",
        "of 210 pairs like this here, 130 share a finding (55–69\u00a0%)",
        "AFIB",
    ):
        assert said in printed
        assert said in card
    assert wording.further(near) == words
    assert "100 %" not in printed and "100%" not in printed


def test_the_shell_marks_synthetic_cases_names_unlabelled_ones_and_ends_with_the_notice() -> None:
    near = neighbour(1, StudyRow("a", "p", "e", "c", "ecg", synthetic=True))
    printed = table(answer_of((near,), Study("text", Note("afib"), "Finding")), ("ecg",))
    assert f"[{text('card.synthetic')}]" in printed and text("card.no_labels") in printed
    assert printed.endswith(f"{notice()}.")
