"""Published labels become shared findings, and captions are true of the studies that have what they say."""

import numpy as np
import pytest

from engine.datasets import open_recordings
from engine.findings import findings, sentence, vocabulary
from engine.training.data.captions import Captions, many_hot, taught_phrases, true_of


@pytest.mark.parametrize(
    ("labels", "rate", "expected"),
    [
        (["No Finding"], None, {"normal"}),
        (["normal ECG", "sinus rhythm"], 72.0, {"normal"}),
        (["normal ECG", "sinus tachycardia"], 118.0, {"normal", "tachycardia"}),
        (["Cardiomegaly", "Pleural Effusion"], None, {"cardiac_enlargement", "pleural_effusion"}),
        (["left ventricular hypertrophy", "normal ECG"], None, {"cardiac_enlargement"}),
        (["cerebral infarction", "Stage 2 hypertension"], None, {"cerebrovascular", "hypertension"}),
        (["inferior myocardial infarction"], 55.0, {"infarction", "bradycardia"}),
        (["sinus rhythm"], None, set()),
        (["prehypertension"], float("nan"), {"prehypertension"}),
    ],
)
def test_labels_mean_findings(labels, rate, expected):
    assert findings(labels, rate) == expected


def test_every_finding_has_phrases_and_untaught_words_that_are_no_others():
    phrases = [phrase for entry in vocabulary().values() for phrase in (*entry["phrases"], *entry["unseen"])]
    assert all(entry["unseen"] for entry in vocabulary().values())
    assert len(phrases) == len(set(phrases)) and len(phrases) >= 2 * len(vocabulary())


def test_more_names_are_taught_than_phrases_and_no_untaught_word_is_among_them():
    taught = taught_phrases()
    assert {"blunted costophrenic sulcus", "costophrenic angle blunting"} <= set(taught["pleural_effusion"])
    assert "LBBB" in taught["bundle_branch_block"] and "RBBB" not in taught["bundle_branch_block"]
    for finding, entry in vocabulary().items():
        names = set(taught[finding]) - set(entry["phrases"])
        said = " | ".join(f" {name.lower()} " for name in names)
        assert len(taught[finding]) == len(names) + len(entry["phrases"])
        assert not [phrase for phrase in entry["unseen"] if f" {phrase.lower()} " in said]


def test_sentence_follows_vocabulary_order():
    assert sentence(["pneumonia", "normal"]) == "normal, pneumonia"


def test_a_caption_is_true_of_every_study_that_has_all_it_says():
    captions = Captions([], np.zeros((0, 384)), many_hot([["pneumonia"], ["pneumonia", "edema"], []]), {}, {}, {}, {})
    held = many_hot([["pneumonia"], ["pneumonia", "edema"], ["normal"]])
    assert true_of(np.array([0, 1, 2]), captions, held).tolist() == [
        [True, True, False],
        [False, True, False],
        [False, False, True],  # a report is true of its own study
    ]


def test_open_recordings_read_and_split_by_patient(recordings):
    listed = open_recordings.recordings(recordings)
    assert {r.modality for r in listed} == {"cxr", "ecg", "ppg"}
    splits: dict[str, set[str]] = {}
    for r in listed:
        splits.setdefault(r.patient_id, set()).add(r.split)
    assert all(len(found) == 1 for found in splits.values())
    for r in (listed[0], listed[3000], listed[-1], next(r for r in listed if r.study_id.endswith("_ecg"))):
        study = r.study()
        assert (
            study.modality == r.modality
            and (study.content.pixels if r.modality == "cxr" else study.content.samples).size
        )
