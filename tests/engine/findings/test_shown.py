"""A label is said in the reader's language where the vocabulary knows it whole, and left alone elsewhere."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.findings.names import LANGUAGES, known_findings, language
from engine.findings.shown import shown

DATASETS = Path(__file__).parents[3] / "engine" / "datasets" / "labels.toml"


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Cardiomegaly", ("Kardiomegalie", "cardiomegalia", "cardiomégalie")),
        ("No Finding", ("kein Befund", "sin hallazgos", "aucune anomalie")),
        ("Edema", ("Lungenödem", "edema pulmonar", "œdème pulmonaire")),
        ("Pleural Other", ("sonstige Pleuraveränderung", "otra alteración pleural", "autre anomalie pleurale")),
    ],
)
def test_a_published_label_is_said_in_each_language(label, words):
    assert tuple(shown(label, code) for code in ("de", "es", "fr")) == words
    assert shown(label, "en") == label


def test_every_finding_has_a_word_in_every_language():
    for code in LANGUAGES[1:]:
        table = language(code)
        assert set(known_findings()) <= set(table["names"]) | set(table["shown"]), code


def test_every_label_of_the_labellers_has_a_word():
    for label in tomllib.loads(DATASETS.read_text(encoding="utf-8"))["chexpert"]:
        for code in ("de", "es", "fr"):
            assert shown(label, code) != label or label in {"Fracture", "Consolidation", "Pneumothorax"}, (label, code)


def test_a_label_that_nobody_knows_stays_as_it_is():
    assert shown("Zebra stripes", "de") == "Zebra stripes"
    assert shown("mass in the left upper lobe of somebody", "fr") == "mass in the left upper lobe of somebody"
