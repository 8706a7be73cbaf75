"""Reports: sections, what is affirmed, what denied, what only thought possible; and the measure of 200 sentences."""

from __future__ import annotations

import pytest

from engine.evaluate import report_labels
from engine.findings.names import known_findings
from engine.findings.reports import labels_from_report, read_report, sections


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "INDICATION: rule out pneumonia.\nFINDINGS: Heart is enlarged. No effusion.\nIMPRESSION: Cardiomegaly.",
            {
                "background": "rule out pneumonia.",
                "findings": "Heart is enlarged. No effusion.",
                "impression": "Cardiomegaly.",
            },
        ),
        (
            "Klinische Angaben: Pneumonie? Befund: Erguss rechts. Beurteilung: Kleiner Erguss.",
            {"background": "Pneumonie?", "findings": "Erguss rechts.", "impression": "Kleiner Erguss."},
        ),
        (
            "Technique d'examen : de face.\nRésultats : Cardiomégalie.",
            {"background": "de face.", "findings": "Cardiomégalie."},
        ),
        ("Small effusion.", {"whole": "Small effusion."}),
        ("", {}),
    ],
)
def test_sections_are_found_by_their_headings(text: str, found: dict[str, str]):
    assert sections(text) == found


def test_an_indication_is_not_a_finding_and_what_is_possible_is_neither():
    read = read_report(
        "History: known emphysema.\nFindings: Pneumonia? Possible effusion. No pneumothorax. Cardiomegaly."
    )
    assert (read.affirmed, read.denied) == (("cardiomegaly",), ("pneumothorax",))


def test_what_one_clause_affirms_and_another_denies_is_affirmed():
    read = read_report("Pneumothorax on the right. No pneumothorax on the left.")
    assert (read.affirmed, read.denied) == (("pneumothorax",), ())


def test_a_list_that_ni_closes_is_denied_as_a_whole_and_ends_there():
    read = read_report("Sin consolidaciones, derrame pleural ni neumotórax, cardiomegalia.")
    assert set(read.denied) == {"consolidation", "pleural effusion", "pneumothorax"}
    assert read.affirmed == ("cardiomegaly",)


def test_a_film_takes_no_labels_of_an_ecg():
    report = "Cardiomegaly. Atrial fibrillation."
    assert labels_from_report(report, "cxr") == ("cardiomegaly",)
    assert labels_from_report(report, "ecg") == ("atrial fibrillation",)
    assert labels_from_report(report, "text") == ("cardiomegaly", "atrial fibrillation")


def test_the_half_that_was_kept_aside_is_read_well_enough():
    found = report_labels.evaluate("test")
    assert found["n"] == 100 and set(found["languages"]) == {"en", "de", "es", "fr"}
    assert found["f1"]["value"] >= 0.9 and found["denial"]["value"] >= 0.95
    assert all(one["f1"]["value"] >= 0.85 for one in found["languages"].values())


def test_every_sentence_is_labelled_in_known_names_and_stands_once():
    every = [one for split in ("valid", "test") for rows in report_labels.sentences(split).values() for one in rows]
    assert len({words for words, _, _ in every}) == len(every) == 200
    assert {name for _, yes, no in every for name in yes | no} <= set(known_findings())
    assert not [words for words, yes, no in every if yes & no]


@pytest.mark.parametrize(
    ("words", "affirmed", "denied"),
    [
        ("Opacity which may reflect atelectasis; pneumothorax.", {"lung opacity", "pneumothorax"}, set()),
        ("Cardiomegaly, a small effusion cannot be entirely excluded.", {"cardiomegaly"}, set()),
        ("Probable pneumonia, no pneumothorax.", set(), {"pneumothorax"}),
        ("History of atrial fibrillation, now in sinus rhythm.", {"sinus rhythm"}, set()),
        (
            "No pneumothorax, pleural effusion, consolidation.",
            set(),
            {"pneumothorax", "pleural effusion", "consolidation"},
        ),
        ("No pneumothorax, cardiomegaly.", {"cardiomegaly"}, {"pneumothorax"}),
        (
            "Keine Abnahme des Pleuraergusses, Lungenödem nicht mehr nachweisbar.",
            {"pleural effusion"},
            {"pulmonary oedema"},
        ),
        ("Kein Verdacht auf eine Pneumonie.", set(), {"pneumonia"}),
        ("La consolidación no ha desaparecido.", {"consolidation"}, set()),
        ("Disparition complète du pneumothorax, FA.", {"atrial fibrillation"}, {"pneumothorax"}),
        ("ETT in place, no PTX.", {"endotracheal tube"}, {"pneumothorax"}),
    ],
)
def test_a_hedge_reaches_its_own_findings_and_a_list_shares_its_denial(
    words: str, affirmed: set[str], denied: set[str]
):
    found = read_report(words)
    assert (set(found.affirmed), set(found.denied)) == (affirmed, denied)


def test_the_half_of_hard_sentences_on_which_rules_were_mended_is_read():
    found = report_labels.evaluate("valid", hard=True)
    assert found["n"] == 104 and found["f1"]["value"] > 0.97 and found["denial"]["value"] > 0.97
