"""Reports say what the labels say and nothing else, with the encounter's own numbers, in varied words."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from engine.synthetic.cohort import report_patient
from engine.synthetic.draw import draw_patients
from engine.synthetic.patients import Encounter
from engine.synthetic.reports import Sections

# Words that assert a finding; "no …" before them denies it. "Compared with …" speaks of the film before as well.
SAYS = {
    "Cardiomegaly": r"cardiomegaly|heart is enlarged|enlarged heart|silhouette is widened|size above normal",
    "Pleural Effusion": r"effusion|fluid in the pleural",
    "Edema": r"oedema|congest",
    "Pneumonia": r"pneumoni",
    "Lung Opacity": r"opacity",
    "Consolidation": r"consolidat",
    "Atelectasis": r"atelecta",
    "Pneumothorax": r"pneumothorax|pleural line",
    "Lung Lesion": r"lesion|nodule|mass\b",
    "Pleural Other": r"thickened|thickening|scarred",
    "Emphysema": r"emphysema|hyperinflat",
}
TRACED = {
    "atrial fibrillation": r"fibrillation",
    "left ventricular hypertrophy": r"hypertrophy",
    "complete left bundle branch block": r"left bundle branch block",
    "complete right bundle branch block": r"(?<!incomplete )right bundle branch block",
    "incomplete right bundle branch block": r"incomplete right bundle",
    "left anterior fascicular block": r"fascicular",
    "anteroseptal myocardial infarction": r"anteroseptal",
    "inferior myocardial infarction": r"inferior",
    "first degree AV block": r"AV block",
    "ventricular premature complex": r"premature|ectopy",
    "non-diagnostic T abnormalities": r"non-specific T",
    "non-specific ischemic": r"ischaemic",
    "sinus tachycardia": r"tachycardia",
    "sinus bradycardia": r"bradycardia",
    "sinus arrhythmia": r"sinus arrhythmia",
}


@pytest.fixture(scope="module")
def written() -> list[tuple[Encounter, Sections]]:
    return [pair for patient in draw_patients(300, 7) for pair in report_patient(patient, 7)]


def sentences(text: str) -> list[str]:
    parts = re.split(r"(?<=\.) ", text)
    return [
        part
        for part in parts
        if not re.match(r"(Compared|In comparison|Since|No change since|Unchanged)", part) and "not seen on" not in part
    ]


def asserted(text: str, pattern: str) -> bool:
    denied = re.compile(rf"\b(no|without)\b[^.,]*({pattern})", re.IGNORECASE)
    return any(re.search(pattern, denied.sub("", one), re.IGNORECASE) for one in sentences(text))


def test_a_film_report_asserts_exactly_its_labels(written: list[tuple[Encounter, Sections]]) -> None:
    for one, said in written:
        found = {label for label, pattern in SAYS.items() if asserted(said.film, pattern)}
        assert found == set(one.film) - {"No Finding"}, said.film


def test_what_is_denied_is_absent(written: list[tuple[Encounter, Sections]]) -> None:
    denials = 0
    for one, said in written:
        for label, pattern in SAYS.items():
            if re.search(rf"\bno (focal |vascular |pleural |pulmonary )?({pattern})", said.film, re.IGNORECASE):
                denials += 1
                assert label not in one.film, said.film
        if "normal" in said.film and "size" in said.film:
            assert "Cardiomegaly" not in one.film or "above normal" in said.film
    assert denials > 100


def test_an_ecg_statement_asserts_exactly_its_labels(written: list[tuple[Encounter, Sections]]) -> None:
    for one, said in written:
        found = {label for label, pattern in TRACED.items() if asserted(said.ecg, pattern)}
        assert found == set(one.ecg) - {"normal ECG", "sinus rhythm"}, said.ecg
        assert ("normal ECG" in one.ecg) == bool(re.search(r"normal ECG|ECG within normal", said.ecg))


def test_numbers_are_the_encounter_s_own(written: list[tuple[Encounter, Sections]]) -> None:
    for one, said in written:
        assert re.findall(r"(?:[Rr]ate) (\d+)", said.ecg) == [f"{one.rate_bpm:.0f}"]
        assert bool(said.pulse) == one.has_ppg
        if one.has_ppg:
            assert f"{one.systolic_mmhg:.0f}/{one.diastolic_mmhg:.0f} mmHg" in said.pulse
            assert f" {one.spo2:.0f} %" in said.pulse
            assert re.search(rf"\b{one.rate_bpm:.0f}(/min| per minute)", said.pulse)
        if "years" in said.whole or "year-old" in said.whole:
            assert str(one.age) in said.whole


def test_no_side_is_named(written: list[tuple[Encounter, Sections]]) -> None:
    for _, said in written:
        assert not re.search(r"\b(left|right|bilateral|both)\b", said.film, re.IGNORECASE), said.film


def test_follow_ups_are_compared_with_the_date_before_and_first_visits_are_not() -> None:
    for patient in draw_patients(300, 7):
        pairs = report_patient(patient, 7)
        assert not re.search(r"Compared|comparison|Since", pairs[0][1].whole)
        for (before, _), (one, said) in pairwise(pairs):
            assert before.acquired_at[:10] in said.film
            gone = set(before.film) - set(one.film) - {"No Finding"}
            assert bool(gone) == bool(re.search(r"no longer seen|resolved|cleared", said.film)), said.film


def test_wordings_vary(written: list[tuple[Encounter, Sections]]) -> None:
    clear = [said.film for one, said in written if one.film == ("No Finding",)]
    assert len(set(clear)) > 0.8 * len(clear)
    assert max(len(said.whole) for _, said in written) < 900
