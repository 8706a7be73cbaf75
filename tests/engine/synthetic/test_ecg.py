"""Drawn ECGs obey Einthoven and Goldberger, repeat with their seeds, and show what their labels say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.synthetic_ecgs import BEFORE, Read, draw, encounter, several, shipped
from scipy import signal

from engine.errors import UsageError
from engine.synthetic.ecg import draw_ecg, load_model
from engine.synthetic.rhythm import draw_rhythm


def most(holds: list[bool], share: float = 0.85) -> bool:
    """Nearly all, since noise and the median beat blur what was drawn."""
    return float(np.mean(holds)) >= share


@pytest.mark.parametrize("label", ["normal ECG", "complete left bundle branch block", "atrial fibrillation"])
def test_derived_leads_follow_exactly_in_stored_units(label: str) -> None:
    samples, _ = draw(encounter(label))
    i, ii, iii, avr, avl, avf = samples[:6].astype(int)
    assert samples.shape == (12, 5000) and samples.dtype == np.int16
    np.testing.assert_array_equal(iii, ii - i)
    np.testing.assert_array_equal(2 * avr, -(i + ii))
    np.testing.assert_array_equal(2 * avl, i - iii)
    np.testing.assert_array_equal(2 * avf, ii + iii)


def test_the_same_generators_give_the_same_recording_and_others_another() -> None:
    one = encounter("normal ECG", "sinus rhythm")
    np.testing.assert_array_equal(draw(one, 5)[0], draw(one, 5)[0])
    assert (draw(one, 5)[0] != draw(one, 6)[0]).mean() > 0.9


def test_a_person_keeps_their_beat_from_one_encounter_to_the_next() -> None:
    one = encounter("normal ECG", "sinus rhythm")

    def beat(person: int, visit: int) -> np.ndarray:
        rhythm = draw_rhythm(one, np.random.default_rng(visit))
        made = draw_ecg(shipped(), one, rhythm, np.random.default_rng([9, person]), np.random.default_rng(visit))
        at = [round(r * 500) for r in rhythm.r_s if 0.5 < r < 9.3]
        return np.median([made[:, r - 40 : r + 200] for r in at], axis=0).ravel()

    same = [np.corrcoef(beat(p, 1), beat(p, 2))[0, 1] for p in range(5)]
    others = [np.corrcoef(beat(p, 1), beat(p + 1, 2))[0, 1] for p in range(5)]
    assert np.mean(same) > np.mean(others) + 0.1


def test_r_peaks_lie_where_the_rhythm_has_them() -> None:
    for read in several("normal ECG"):
        rows = np.stack([read.beat[lead] for lead in ("I", "II", "V2", "V3", "V4", "V5", "V6")])
        size = np.sqrt(((rows / rows.std(axis=1, keepdims=True)) ** 2).mean(axis=0))
        assert abs(int(np.argmax(size[BEFORE - 60 : BEFORE + 60])) - 60) <= 12  # 24 ms


def test_normal_beats_are_narrow_upright_and_progress() -> None:
    reads = several("normal ECG")
    assert most([read.qrs_ms < 115 for read in reads])
    assert most([-30 <= read.axis <= 95 for read in reads])
    assert most([read.t("II") > 0 and read.t("V5") > 0 and read.t("I") > 0 for read in reads])
    assert most([read.r("V1") < read.s("V1") and read.r("V5") > read.s("V5") for read in reads])
    assert most([0.03 < p_height(read) < 0.3 for read in reads])


def p_height(read: Read) -> float:
    """P in II over the lower of its two sides, mV."""
    two = signal.savgol_filter(read.beat["II"], 15, 2)[max(0, read.onset - 105) : read.onset - 10]
    return float(two.max() - max(two[-5:].mean(), two[:5].mean()))


def test_hypertrophy_has_voltage_and_strain() -> None:
    for_voltage, strain = [], []
    for i, read in enumerate(several("left ventricular hypertrophy")):
        sokolow = read.s("V1") + max(read.r("V5"), read.r("V6"))
        cornell = read.r("aVL") + read.s("V3")
        for_voltage.append(sokolow > 3.3 or cornell > (2.7 if i % 2 == 0 else 1.9))
        strain.append(read.t("V6") < 0.15 * read.r("V6"))
    assert most(for_voltage) and most(strain)
    normal = [read.s("V1") + max(read.r("V5"), read.r("V6")) for read in several("normal ECG")]
    assert np.median(normal) < 3.3


def test_left_bundle_branch_block_is_broad_with_qs_or_rs_in_v1_and_no_q_in_i_and_v6() -> None:
    reads = several("complete left bundle branch block")
    assert most([read.qrs_ms >= 120 for read in reads])
    assert most([read.r("V1") < 0.3 * read.s("V1") for read in reads])
    assert most([read.r("I") > 2 * read.s("I") and read.r("V6") > read.s("V6") for read in reads])
    assert most([broad_ms(read) >= 50 for read in reads])


def broad_ms(read: Read) -> float:
    """How long R in I or V6, the longer, stays above half its height."""
    return max(2.0 * float((read.qrs(lead) > 0.5 * read.r(lead)).sum()) for lead in ("I", "V6"))


def test_right_bundle_branch_block_has_a_late_r_in_v1_and_a_broad_s_in_i() -> None:
    reads = several("complete right bundle branch block")
    assert most([read.qrs_ms >= 120 for read in reads])
    for read in reads:
        v1 = read.qrs("V1")
        half = v1.size // 2
        assert v1[half:].max() > 0.15 and v1[half:].max() > v1[:half].max() - 0.05
    assert most([-read.qrs("I")[read.qrs("I").size // 2 :].min() > 0.04 for read in reads])


def test_incomplete_right_bundle_branch_block_has_r_prime_but_stays_under_120_ms() -> None:
    reads = several("incomplete right bundle branch block")
    assert most([read.qrs_ms < 128 for read in reads])
    assert most([read.qrs("V1")[round(0.55 * read.qrs("V1").size) :].max() > 0.05 for read in reads])


def test_anteroseptal_infarction_has_no_r_in_v1_and_v2() -> None:
    reads = several("anteroseptal myocardial infarction")
    for lead in ("V1", "V2"):
        before_s = [read.qrs(lead)[: int(np.argmin(read.qrs(lead))) + 1].max() for read in reads]
        assert most([height < 0.1 for height in before_s])
    assert most([read.s("V2") > 0.3 for read in reads])


def test_inferior_infarction_has_q_waves_in_iii_and_avf() -> None:
    for lead in ("III", "aVF"):
        depths = []
        for read in several("inferior myocardial infarction"):
            row = read.qrs(lead)
            before_r = row[: int(np.argmax(row)) + 1] if row.max() > 0.12 else row
            depths.append(-before_r.min())
        assert most([depth > 0.07 for depth in depths])


def test_left_anterior_fascicular_block_turns_the_axis_left() -> None:
    assert most([-92 <= read.axis <= -40 for read in several("left anterior fascicular block")])


def test_flat_t_waves_and_ischaemia_lower_t_or_st() -> None:
    normal = np.median([read.t("V5") / read.r("V5") for read in several("normal ECG")])
    flat = [read.t("V5") / read.r("V5") for read in several("non-diagnostic T abnormalities")]
    assert np.median(flat) < 0.6 * normal
    left = ("I", "II", "aVL", "V4", "V5", "V6")
    low = [sum(read.t(lead) < 0.0 for lead in left) >= 2 for read in several("non-specific ischemic")]
    assert np.mean(low) > 0.5


def test_first_degree_block_has_a_long_pr_interval() -> None:
    """From the peak of P, found on the averaged beat, 50 ms earlier to the onset of the QRS."""

    def pr_ms(read: Read) -> float:
        two = signal.savgol_filter(read.beat["II"], 21, 2)
        first = max(0, read.onset - 135)
        level = np.linspace(two[first], two[read.onset - 8], read.onset - 8 - first)
        return 2.0 * (read.onset - 8 - first - int(np.argmax(two[first : read.onset - 8] - level)) + 8) + 50

    long, usual = ([pr_ms(r) for r in several(x)] for x in ("first degree AV block", "normal ECG"))
    assert most([value > 195 for value in long], 0.75)
    assert most([value < 205 for value in usual], 0.75)


def test_fibrillation_has_no_p_wave_but_f_waves() -> None:
    """Before the QRS the averaged beat is flat; between beats V1 holds more at 4–9 Hz than sinus rhythm does."""
    p = [p_height(read) for read in several("atrial fibrillation")]
    sinus = [p_height(read) for read in several("normal ECG")]
    assert np.median(p) < 0.5 * np.median(sinus)
    assert np.median([f_power(r) for r in several("atrial fibrillation")]) > 1.5 * np.median(
        [f_power(r) for r in several("normal ECG")]
    )


def f_power(read: Read) -> float:
    """Deviation (mV) of V1 at 4–9 Hz from 320 to 220 ms before R, where neither T nor QRS is at these rates."""
    sos = signal.butter(2, (4.0, 9.0), "bandpass", fs=500.0, output="sos")
    v1 = signal.sosfiltfilt(sos, read.samples[6] / 400.0)
    parts = [v1[round(r * 500) - 160 : round(r * 500) - 110] for r in read.rhythm.r_s if 0.5 < r < 9.8]
    return float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))


def test_premature_beats_are_wide_different_and_have_no_p() -> None:
    for read in several("ventricular premature complex"):
        early = [r for r, kind in zip(read.rhythm.r_s, read.rhythm.kind, strict=True) if kind == "ventricular"]
        at = round(next(r for r in early if 0.6 < r < 9.4) * 500)
        theirs = read.samples[:, at - 70 : at + 70] / 400.0
        usual = np.stack([row[BEFORE - 70 : BEFORE + 70] for row in read.beat.values()])
        assert np.corrcoef(theirs.ravel(), usual.ravel())[0, 1] < 0.8
        assert energy_ms(theirs) > energy_ms(usual)


def energy_ms(beat: np.ndarray) -> float:
    """How long the root mean square over leads stays above a third of its peak."""
    size = np.sqrt((beat**2).mean(axis=0))
    return 2.0 * float((size > size.max() / 3).sum())


def test_the_rate_shortens_qt() -> None:
    def t_peak(rate: float) -> float:
        reads = several("normal ECG", 4, rate=rate)
        return float(
            np.median([np.argmax(r.beat["V5"][r.end + 30 : BEFORE + 210]) + r.end + 30 - BEFORE for r in reads])
        )

    assert t_peak(55.0) > t_peak(85.0) + 10  # samples of 2 ms


def test_a_missing_generator_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="casebind train generator ecg"):
        load_model(tmp_path / "none.npz")
