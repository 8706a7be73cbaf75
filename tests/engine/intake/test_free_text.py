"""Names, dates and numbers in free text are found and replaced; what a clean report says stays."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.evaluate.free_text import evaluate
from engine.intake.free_text import KINDS, Passage, found_in, replaced


def cleaned(text: str) -> str:
    return replaced(text, found_in(text))


def test_what_the_constructed_sentences_mark_is_found_and_clean_texts_stay() -> None:
    found = evaluate()
    for half in ("held-out", "tuned"):
        assert found[half]["sentences"] >= 60
        assert found[half]["recall"]["share"] >= 0.95, found[half]["missed"]
        assert found[half]["precision"]["share"] >= 0.95
        assert set(found[half]["by_kind"]) == set(KINDS) and set(found[half]["by_language"]) == {"de", "en", "es", "fr"}
    for name, n in (("constructed", 15), ("reports", 1000)):
        assert found["altered"][name]["n"] >= n and found["altered"][name]["share"] <= 0.02, found["altered"][name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Mr Smith, MRN 4711-08, seen on 12/03/2021.", "[name], MRN [number], seen on [date]."),
        ("Überwiesen von Dr. von Hohenfels, Krankenhaus Bethel.", "Überwiesen von [name], [address]."),
        ("Frau Müller und Herr Weber", "[name] und [name]"),
        ("née le 1er juillet 1950 à Lyon", "née le [date] à Lyon"),
        ("", ""),
        ("🫀 Dr. Ruiz 🫁", "🫀 [name] 🫁"),
    ],
)
def test_passages_are_replaced_by_what_they_are(text: str, said: str) -> None:
    assert cleaned(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "QTc 441 ms, V1-V6, 25 mm/s, grade 2/6 murmur, 120/80 mmHg, since 2019, stage 3/4",
        "M. Parkinson, Morbus Crohn, Wolff-Parkinson-White, Kerley B, 14 Fr. Katheter",
        "Patientin Herzinsuffizienz NYHA II, Patient Thoraxschmerz",
        "89-year-old man, 45 pack-years, 250000/µl, 1.234.567",
        "[name] on [date]",
        "Patient ID, Patient COPD GOLD 2, visit V2, order T1, Patient with STEMI, pt NYHA III",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert cleaned(text) == text


def test_passages_lie_beside_each_other_in_order() -> None:
    text = "Dr. Anna Schmidt, Anna Schmidt (geb. 3.4.1950), Tel. 030 4505510, anna@schmidt.example"
    found = found_in(text)
    assert [one.kind for one in found] == ["name", "name", "date", "phone", "mail"]
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert isinstance(found[0], Passage) and text[found[0].start : found[0].end] == "Dr. Anna Schmidt"


def test_a_long_text_of_one_letter_ends() -> None:
    for text in ("A" * 20_000, "Dr. " * 5_000, "1-" * 10_000, "Anna " * 4_000, "a@" * 10_000, "Müller, " * 2_500):
        assert len(cleaned(text)) <= len(text) * 3
