"""What Compare says of SHAP: a table by wave and lead, blank within the error, and how far it agrees with gradients."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from engine.drawing import palette
from engine.explain.maps import GRADIENTS, SHAP, RawMap, RawMaps, RawParts
from engine.explain.placing import input_map, pair_maps
from engine.intake.paths import read_paths
from engine.settings import DEMO
from engine.study import ECG_LEADS, Study
from pages.compare.method import agreement_said, place_name
from pages.compare.parts import sentence, table
from pages.compare.wave_table import in_words, table_svg, wave_shares

WAVES = ("P", "QRS", "T")


@pytest.fixture(scope="module")
def ecg() -> Study:
    return read_paths([DEMO / "ecg" / "syn-0002-e1-ecg.hea"])


def raw(strongest: tuple[str, str] = ("V3", "QRS"), error: float = 0.01) -> RawMap:
    """A map in which one wave of one lead carries 0.2 of 0.26, four carry 0.015 each and the others next to nothing."""
    names = [("", "between"), *((lead, wave) for lead in ECG_LEADS for wave in WAVES)]
    labels = np.zeros((12, 1000), np.int64)
    for number, (lead, wave) in enumerate(names[1:], start=1):
        start = 100 * (1 + WAVES.index(wave))
        labels[ECG_LEADS.index(lead), start : start + 50] = number
    values = np.linspace(1e-4, 2e-4, len(names))
    values[names.index(strongest)] = 0.2
    errors = np.full(len(names), error)
    spread = (values / np.bincount(labels.ravel()))[labels].astype(np.float32)
    high = 0.5 + float(values.sum())
    return RawMap(spread, high, 0.5, 0.0, 0.0, 400, 1.0, RawParts(SHAP, tuple(names), labels, values, errors))


def test_the_table_has_the_share_of_each_wave_and_dots_where_nothing_is_clear(ecg: Study) -> None:
    shares = wave_shares(input_map(ecg, raw()))
    assert shares is not None and shares.columns == (*ECG_LEADS, "all") and shares.rows == ("P", "QRS", "T", "all")
    inner = shares.shares[:-1, :-1]
    assert np.isfinite(inner).sum() == 1
    assert inner[1, ECG_LEADS.index("V3")] == pytest.approx(0.2 / float(raw().similarity - 0.5))
    drawing = table_svg(shares, palette.paper("light"))
    words = [one.text for one in ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("·") == np.isnan(shares.shares).sum() and "+97" in words
    assert in_words(shares) == "Shares of the change in similarity: V3 QRS +97 %."


def test_shares_that_are_all_within_their_error_say_so(ecg: Study) -> None:
    blank = input_map(ecg, raw(error=1.0))
    assert sentence(blank, ecg) == "No part is clear of its error." and table(blank, ecg).empty
    assert "V3 (100 %)" in sentence(input_map(ecg, raw()), ecg)
    shares = wave_shares(blank)
    assert shares is not None and np.isnan(shares.shares).all()
    assert in_words(shares) == "No part is clear of its error."
    gradients = input_map(ecg, raw()._replace(parts=None))
    assert wave_shares(gradients) is None


def test_agreement_is_said_in_words_and_as_an_order(ecg: Study) -> None:
    by_shap = raw()
    same = pair_maps(ecg, ecg, RawMaps(by_shap._replace(parts=None), None, 0.8, True))
    said = agreement_said(input_map(ecg, by_shap), by_shap, same, "query", ecg)
    assert said.startswith("Both point most to V3 QRS.") and "agree by 1.00" in said
    elsewhere = raw(("II", "P"))._replace(parts=None)
    other = pair_maps(ecg, ecg, RawMaps(elsewhere, None, 0.8, True))
    apart = agreement_said(input_map(ecg, by_shap), by_shap, other, "query", ecg)
    assert apart.startswith("SHAP points most to V3 QRS, gradients to II P.")
    grey = pair_maps(ecg, ecg, RawMaps(elsewhere._replace(gap=0.5), None, 0.8, True))
    assert agreement_said(input_map(ecg, by_shap), by_shap, grey, "query", ecg) == ""
    assert agreement_said(None, None, same, "match", ecg) == ""


def test_places_are_named(ecg: Study) -> None:
    named = [place_name(one) for one in (("3", "systole"), ("", "between"), ("", "from 2.5 s"), ("aVF", "T"))]
    assert named == ["beat 3, systole", "what lies between the waves", "the half second from 2.5 s", "aVF T"]
    assert replace(input_map(ecg, raw()), parts=None).method == GRADIENTS
