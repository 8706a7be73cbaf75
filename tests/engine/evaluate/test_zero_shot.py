"""Prompts, support sets and text recall on spaces drawn by hand."""

import numpy as np
import pytest

from engine.evaluate.text import BY_TEXT, to_study, to_text
from engine.evaluate.zero_shot import MIN_STUDIES, contrast, nearest_right


def test_nearest_prompt_is_judged_on_one_class_entries_of_frequent_classes():
    labels = np.zeros((2 * MIN_STUDIES + 2, 3), bool)
    labels[:MIN_STUDIES, 0] = labels[MIN_STUDIES : 2 * MIN_STUDIES, 1] = True
    labels[-2, 2] = True  # a rare class
    labels[-1, :2] = True  # two classes
    scores = np.tile([0.5, 0.4, 0.9], (len(labels), 1))  # the rare prompt is nearest, but no candidate
    kept, right, truth = nearest_right(scores, labels)
    assert kept.tolist() == list(range(2 * MIN_STUDIES))
    assert (
        right.tolist() == [1.0] * MIN_STUDIES + [0.0] * MIN_STUDIES
        and truth.tolist() == [0] * MIN_STUDIES + [1] * MIN_STUDIES
    )


def test_contrast_says_which_support_set_is_nearer():
    positive, negative = np.array([[1.0, 0], [1, 0.2]]), np.array([[0.0, 1], [0.2, 1]])
    scores = contrast(np.array([[3.0, 0], [0, 2], [1, 1]]), positive, negative)
    assert scores[0] > 0 > scores[1] and scores[2] == pytest.approx(0, abs=1e-12)


# four studies, three texts; studies 0 and 1 share text 0
OWN = np.array([[True, False, False], [True, False, False], [False, True, False], [False, False, True]])
SCORES = np.array([[0.9, 0.1, 0.2], [0.9, 0.8, 0.1], [0.7, 0.6, 0.1], [0.5, 0.2, 0.3]])


def test_study_to_text_counts_each_distinct_text_once():
    figures, chance = to_text(SCORES, OWN, np.array(list("abcd")))
    assert figures["R@1"].value == pytest.approx(2 / 4) and chance["R@1"] == pytest.approx(1 / 3)
    assert figures["R@5"].value == 1 and figures["RSUM"].value == pytest.approx(2.5)
    assert figures[BY_TEXT].value == 1


def test_recall_by_text_is_the_mean_over_texts():
    own = np.zeros((13, 12), bool)
    own[0, 0] = own[1:, 1] = True
    scores = np.tile(-np.arange(12.0), (13, 1))
    scores[1:, 1] = -99  # the frequent text always comes last, the rare one first
    figures, _ = to_text(scores, own, np.array([str(i) for i in range(13)]))
    assert figures["R@10"].value == pytest.approx(1 / 13) and figures[BY_TEXT].value == pytest.approx(0.5)


def test_text_to_study_takes_any_study_with_that_text():
    figures, chance = to_study(SCORES, OWN)
    # text 0 finds study 0 first; text 1 finds study 1 first (wrong); text 2 finds study 3 first
    assert figures["R@1"].value == pytest.approx(2 / 3) and figures["R@1"].n == 3
    assert chance["R@1"] == pytest.approx((2 / 4 + 1 / 4 + 1 / 4) / 3)
