"""Reports: sections, what is affirmed, what denied, what only thought possible; and the measure of 200 sentences."""

from __future__ import annotations

import pytest

from engine.evaluate import report_labels
from engine.findings.context import spelt_out
from engine.findings.names import known_findings
from engine.findings.reports import labels_from_report, read_report, sections
from engine.findings.words import parted


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


@pytest.mark.parametrize(("kind", "n"), [("plain", 200), ("hard", 208), ("new", 453)])
def test_every_sentence_is_labelled_in_known_names_and_stands_once(kind: str, n: int):
    splits = [report_labels.sentences(split, kind) for split in ("valid", "test")]
    every = [one for split in splits for rows in split.values() for one in rows]
    assert len({words for words, _, _ in every}) == len(every) == n
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


@pytest.mark.parametrize(("kind", "n"), [("hard", 104), ("new", 316)])
def test_the_sentences_on_which_rules_were_mended_are_read(kind: str, n: int):
    found = report_labels.evaluate("valid", kind)
    assert found["n"] == n and found["f1"]["value"] > 0.97 and found["denial"]["value"] > 0.97


@pytest.mark.parametrize(
    ("words", "affirmed", "denied"),
    [
        # a denial inside a finding, a predicate apart from what it is said of, what is normal
        ("The heart is not enlarged.", set(), {"cardiomegaly"}),
        ("Herz mittelständig, nicht vergrößert.", set(), {"cardiomegaly"}),
        ("El QT no está prolongado.", set(), {"long QT interval"}),
        ("Cœur de taille normale, culs-de-sac libres.", set(), {"cardiomegaly", "pleural effusion"}),
        # answers, and what is said of the finding before
        ("Effusion: none. Pneumothorax: no. Scoliosis: yes.", {"scoliosis"}, {"pleural effusion", "pneumothorax"}),
        ("Asked to look for pneumoperitoneum; none is seen.", set(), {"pneumoperitoneum"}),
        ("Pneumothorax, previously large, is no longer visible.", set(), {"pneumothorax"}),
        ("Kein Erguss, keine ERBS.", set(), {"pleural effusion"}),
        # what has gone, and what has not
        ("Effusion is unchanged and the pneumothorax has resolved.", {"pleural effusion"}, {"pneumothorax"}),
        ("Resolved pneumothorax with persistent effusion.", {"pleural effusion"}, {"pneumothorax"}),
        ("Near-complete resolution of the effusion.", {"pleural effusion"}, set()),
        ("Effusion, oedema and nodule have cleared.", set(), {"pleural effusion", "pulmonary oedema", "lung nodule"}),
        ("El derrame izquierdo ha desaparecido, persiste el derecho.", {"pleural effusion"}, set()),
        ("Atrial fibrillation has been replaced by sinus bradycardia.", {"sinus bradycardia"}, {"atrial fibrillation"}),
        # where a reach ends
        ("No pneumothorax and there is a small effusion.", {"pleural effusion"}, {"pneumothorax"}),
        ("Without effusion but with atelectasis.", {"atelectasis"}, {"pleural effusion"}),
        ("Kein Pneumothorax bei liegender Thoraxdrainage.", {"chest drain"}, {"pneumothorax"}),
        ("No change of the effusion nor of the oedema.", {"pleural effusion", "pulmonary oedema"}, set()),
        # asked for, of a relative, of the history
        ("? consolidation at the left base.", set(), set()),
        ("Opacity, ?pneumonia.", {"lung opacity"}, set()),
        ("Der Vater hatte Vorhofflimmern; Sinusrhythmus.", {"sinus rhythm"}, set()),
        ("Notion de pneumopathie, rythme sinusal.", {"sinus rhythm"}, set()),
        ("Atelectasis versus pneumonia.", set(), set()),
        ("Heart is borderline enlarged.", set(), set()),
        # names that share words, compounds
        ("No ST elevation or depression.", set(), {"ST elevation", "ST depression"}),
        ("Keine ST-Hebungen oder -Senkungen.", set(), {"ST elevation", "ST depression"}),
        ("Unterlappenatelektase, ergussfreie Winkel.", {"atelectasis"}, {"pleural effusion"}),
        ("Infiltratverdächtig links basal.", set(), set()),
        # measurements
        ("CTR 0.58, QTc 512 ms.", {"cardiomegaly", "long QT interval"}, set()),
        ("HTQ 46 %, PQ 0,16 s.", set(), {"cardiomegaly", "prolonged PR interval"}),
        ("SpO2 de 84 %.", {"hypoxaemia"}, set()),
        ("Fréquence cardiaque à 42/min.", {"bradycardia"}, {"tachycardia"}),
        ("Sinus rhythm, rate 42.", {"sinus rhythm"}, set()),
        ("QTc 5120 ms.", set(), set()),
    ],
)  # fmt: skip
def test_what_stands_around_a_finding_says_whether_it_is_there(words: str, affirmed: set[str], denied: set[str]):
    found = read_report(words)
    assert (set(found.affirmed), set(found.denied)) == (affirmed, denied)


def test_a_rule_stands_for_its_classes_its_endings_and_what_may_be_missing():
    classes = {"~": ["", "e"], "seen": ["seen", "to be seen"]}
    assert spelt_out("(no) not {seen}", classes) == [
        ("not", "seen"),
        ("not", "to", "be", "seen"),
        ("no", "not", "seen"),
        ("no", "not", "to", "be", "seen"),
    ]
    assert spelt_out("fraglich~", classes) == [("fraglich",), ("fragliche",)]


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("unterlappenatelektase", ("atelektase",)),
        ("stauungsfrei", ("stauungs", "fehlt")),
        ("pneumonieverdachtiges", ("pneumonie", "verdachtig")),
        ("darminfarkt", ()),
        ("herz", ()),
    ],
)
def test_a_compound_ends_in_a_finding_after_a_modifier_that_is_known(word: str, parts: tuple[str, ...]):
    assert parted(word) == parts


@pytest.mark.parametrize("kind", ["hard", "new"])
def test_sentences_that_were_kept_aside_are_read_well_enough(kind: str):
    found = report_labels.evaluate("test", kind)
    assert set(found["languages"]) == {"en", "de", "es", "fr"} and found["n"] > 100
    assert found["f1"]["value"] >= 0.9 and found["denial"]["value"] >= 0.95
