"""What people type is read as the findings that it names, with denial and side, in four languages."""

from __future__ import annotations

import csv
import os
import random
import re
import string
from pathlib import Path

import pytest

from engine.datasets.open_recordings import recordings as listed_recordings
from engine.findings.names import all_names, known_findings, with_narrower
from engine.findings.recogniser import labels_of, recognise
from engine.findings.suggestions import near_in_spelling
from engine.settings import DEMO

EXAMPLES = int(os.environ.get("CASEBIND_EXAMPLES", "60"))


def read(text: str) -> list[tuple[str, bool, str | None]]:
    return [(one.finding, one.negated, one.side) for one in recognise(text)]


@pytest.mark.parametrize(
    "text", ["cardiomegaly", "CMG", "enlarged heart", "Kardiomegalie", "cardiomegalia", "gros cœur"]
)
def test_a_finding_has_many_names(text):
    assert read(text) == [("cardiomegaly", False, None)]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("LVH", "left ventricular hypertrophy"),
        ("hypertrophy of the left ventricle", "left ventricular hypertrophy"),
        ("af", "atrial fibrillation"),
        ("PVCs", "premature ventricular contraction"),
        ("LBBB", "left bundle branch block"),
        ("bloqueo completo de rama izquierda", "complete left bundle branch block"),
        ("bloc de branche droit", "right bundle branch block"),
        ("AV-Block I. Grades", "first degree AV block"),
        ("Lungenoedem", "pulmonary oedema"),
        ("o. B.", "normal"),
        ("no finding", "no finding"),
        ("CLBBB", "complete left bundle branch block"),
    ],
)
def test_synonyms_abbreviations_and_languages(text, finding):
    assert read(text) == [(finding, False, None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no pleural effusion", [("pleural effusion", True, None)]),
        ("ohne Pleuraerguss", [("pleural effusion", True, None)]),
        ("pas d'épanchement pleural", [("pleural effusion", True, None)]),
        ("sin derrame pleural ni neumotórax", [("pleural effusion", True, None), ("pneumothorax", True, None)]),
        ("pneumothorax ruled out", [("pneumothorax", True, None)]),
        ("Pneumothorax nicht nachweisbar", [("pneumothorax", True, None)]),
        ("no effusion, cardiomegaly", [("pleural effusion", True, None), ("cardiomegaly", False, None)]),
        ("no effusion but pneumonia", [("pleural effusion", True, None), ("pneumonia", False, None)]),
        (
            "no effusion, pneumothorax or consolidation",
            [("pleural effusion", True, None), ("pneumothorax", True, None), ("consolidation", True, None)],
        ),
        ("pleural effusion cannot be excluded", [("pleural effusion", False, None)]),
        ("no change in the pleural effusion", [("pleural effusion", False, None)]),
    ],
)
def test_a_denial_reaches_as_far_as_it_is_meant(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("left pleural effusion", [("pleural effusion", False, "left")]),
        ("Pleuraerguss rechts", [("pleural effusion", False, "right")]),
        ("derrame pleural izquierdo y neumotórax derecho",
         [("pleural effusion", False, "left"), ("pneumothorax", False, "right")]),
        ("épanchements pleuraux bilatéraux", [("pleural effusion", False, "bilateral")]),
        ("effusion on the left and pneumothorax on the right",
         [("pleural effusion", False, "left"), ("pneumothorax", False, "right")]),
        ("left bundle branch block", [("left bundle branch block", False, None)]),
    ],
)  # fmt: skip
def test_a_side_belongs_to_the_nearest_finding(text, expected):
    assert read(text) == expected


def test_a_report_is_read_finding_by_finding():
    report = (
        "Frontal chest film (PA). Cardiomegaly. Small right-sided pleural effusion. No consolidation or pneumothorax.\n"
        "Resting ECG. Rhythm: sinus. Voltage criteria of left ventricular hypertrophy are met."
    )
    assert read(report) == [
        ("cardiomegaly", False, None),
        ("pleural effusion", False, "right"),
        ("consolidation", True, None),
        ("pneumothorax", True, None),
        ("sinus rhythm", False, None),
        ("left ventricular hypertrophy", False, None),
    ]


@pytest.mark.parametrize(
    "text",
    ["asdf", "banana", "12345", "cat", "mass transit", "market consolidation", "traffic congestion",
     "mi casa es bonita",
     "normal people go to the cinema", "module", "legion", "lesson", "formal", "Paris", "", "?!", "paper", "health"],
)  # fmt: skip
def test_everyday_words_and_nonsense_are_no_finding(text):
    assert read(text) == []


def test_an_everyday_word_counts_among_clinical_ones():
    assert read("mass in the left upper lobe") == [("lung mass", False, "left")]


def test_every_name_is_read_as_its_own_finding():
    wrong = {one.written: read(one.written) for one in all_names() if read(one.written) != [(one.finding, False, None)]}
    assert wrong == {}


def test_one_edit_of_a_long_name_is_forgiven_and_never_another_finding():
    chance, missed = random.Random(21), 0
    words = [one for one in all_names() if one.written.isalpha() and one.written.isascii() and len(one.written) >= 9]
    asked = [chance.choice(words) for _ in range(EXAMPLES)]
    for name in asked:
        read_as = [finding for finding, _, _ in read(misspelt(name.written, chance))]
        assert read_as in ([name.finding], []), name
        missed += not read_as
    assert missed <= 0.1 * EXAMPLES


def misspelt(word: str, chance: random.Random) -> str:
    at, letter = chance.randrange(1, len(word) - 1), chance.choice(string.ascii_lowercase)
    return chance.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )


def test_labels_mean_a_finding_or_a_kind_of_it():
    left, right = "complete left bundle branch block", "complete right bundle branch block"
    labels = [
        "Pleural Effusion",
        "Lung Opacity",
        left,
        right,
        "inferior myocardial infarction",
        "No Finding",
        "normal ECG",
    ]
    assert labels_of("pleural effusion", labels) == ("Pleural Effusion",)
    assert labels_of("left bundle branch block", labels) == (left,)
    assert labels_of("bundle branch block", labels) == labels_of("left bundle branch block", labels) + (right,)
    assert labels_of("incomplete left bundle branch block", labels) == ()
    assert labels_of("myocardial infarction", labels) == ("inferior myocardial infarction",)
    assert labels_of("normal", labels) == ("No Finding", "normal ECG")


def test_every_label_of_the_shipped_collection_is_one_finding():
    with (DEMO / "manifest.csv").open(encoding="utf-8") as file:
        labels = {label for row in csv.DictReader(file) for label in row["labels"].split(";") if label}
    assert {label: read(label) for label in labels if len(read(label)) != 1 or read(label)[0][1]} == {}


def test_every_label_of_the_open_recordings_is_a_finding(recordings: Path):
    labels = {label for one in listed_recordings(recordings) for label in one.labels}
    unnamed = {label for label in labels if not any(not negated for _, negated, _ in read(label))}
    assert unnamed <= {"aberrant conduction", "p-synchrony"} and len(labels) > 100


def test_what_is_broader_or_otherwise_is_a_finding_too():
    names = known_findings()
    for one in names.values():
        assert set(one.broader) <= set(names) and one.otherwise in {"", *names}
        assert one.otherwise not in with_narrower(one.name)


def test_unknown_words_are_near_in_spelling_to_names():
    assert "cardiomegaly" in near_in_spelling("kardiomegally")
    assert near_in_spelling("asdf") == () and near_in_spelling("zz") == ()
    assert all(re.fullmatch(r"[\w -]+", one) for one in near_in_spelling("plural infusion"))
