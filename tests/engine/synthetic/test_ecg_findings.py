"""Ectopy, blocks, pacing, potassium, QT, ST elevation, artefacts and exchanged electrodes look as criteria say."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from helpers.synthetic_ecgs import BEFORE, Read, draw, encounter

from engine.intake.quality.ecg import judge_ecg
from engine.study import ECG_LEADS, Trace
from engine.synthetic.checks.agreement import ecg_peak_times
from engine.synthetic.details import EcgDetails, draw_details
from engine.synthetic.draw import draw_patients
from engine.synthetic.ecg.artefacts import in_leads, swapped
from engine.synthetic.ecg.beats import median_beat
from engine.synthetic.ecg.leads import FS, GAIN
from engine.synthetic.ecg.segments import landmarks
from engine.synthetic.patients import Encounter
from engine.synthetic.prior import read_prior
from engine.synthetic.rhythm import Rhythm, draw_rhythm

SEEDS = (1, 2, 3, 4)
KINDS: dict[str, tuple[tuple[str, ...], float, EcgDetails]] = {
    "Wenckebach": (("second degree AV block", "sinus rhythm"), 55, EcgDetails(av_block="Wenckebach")),
    "Mobitz II": (("second degree AV block", "sinus rhythm"), 52, EcgDetails(av_block="Mobitz II")),
    "2:1": (("second degree AV block", "sinus rhythm"), 42, EcgDetails(av_block="2:1")),
    "junctional escape": (("third degree AV block",), 44, EcgDetails(av_block="junctional escape")),
    "ventricular escape": (("third degree AV block",), 35, EcgDetails(av_block="ventricular escape")),
    "VVI": (("paced rhythm", "atrial fibrillation"), 68, EcgDetails(pacing="VVI", spikes="bipolar")),
    "DDD": (("paced rhythm",), 65, EcgDetails(pacing="DDD", spikes="unipolar")),
    "VAT": (("paced rhythm",), 80, EcgDetails(pacing="VAT", spikes="bipolar")),
    "AAI": (("paced rhythm",), 70, EcgDetails(pacing="AAI", spikes="bipolar")),
    "6.4 mmol/l": (("hyperkalaemia", "sinus rhythm"), 72, EcgDetails(potassium_mmol_l=6.4)),
    "7.9 mmol/l": (("hyperkalaemia", "sinus rhythm"), 62, EcgDetails(potassium_mmol_l=7.9)),
    "long QT": (("long QT-interval", "sinus rhythm"), 62, EcgDetails(qtc_s=0.54, t_form="broad")),
    "anterior": (("stemi: anterior wall", "sinus rhythm"), 84, EcgDetails(territory="anterior", st_mv=0.38)),
    "inferior": (("stemi: inferior wall", "sinus rhythm"), 64, EcgDetails(territory="inferior", st_mv=0.25)),
    "lateral": (("stemi: lateral wall", "sinus rhythm"), 78, EcgDetails(territory="lateral", st_mv=0.22)),
    "single": (("ventricular premature complex", "sinus rhythm"), 72, EcgDetails(ectopy="single")),
    "couplets": (("ventricular premature complex", "sinus rhythm"), 72, EcgDetails(ectopy="couplets")),
    "bigeminy": (("ventricular premature complex", "bigeminy"), 76, EcgDetails(ectopy="bigeminy")),
    "baseline wander": (("normal ECG", "sinus rhythm"), 72, EcgDetails(artefact="baseline wander")),
    "muscle": (("normal ECG", "sinus rhythm"), 72, EcgDetails(artefact="muscle")),
    "mains 50 Hz": (("normal ECG", "sinus rhythm"), 72, EcgDetails(artefact="mains 50 Hz")),
    "electrode pop": (("normal ECG", "sinus rhythm"), 72, EcgDetails(artefact="electrode pop")),
    "RA/RL": (("normal ECG", "sinus rhythm"), 72, EcgDetails(lead_swap="RA/RL")),
}


def patient(kind: str, seed: int = 1) -> Encounter:
    labels, rate, details = KINDS[kind]
    return replace(encounter(*labels, rate=rate, sex="MF"[seed % 2], age=58, number=seed), details=details)


@cache
def read(kind: str, seed: int) -> Read:
    """The drawn ECG with its median sinus beat."""
    return Read(patient(kind, seed), seed)


def rhythms(kind: str) -> list[Rhythm]:
    return [draw_rhythm(patient(kind, seed), np.random.default_rng(seed)) for seed in range(12)]


def most(holds: list[bool]) -> bool:
    return float(np.mean(holds)) >= 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_most_draws_pass_the_gate_and_show_their_beats_alone(kind: str) -> None:
    accepted, beats = [], []
    for seed in SEEDS:
        samples, rhythm = draw(patient(kind, seed), seed)
        trace = Trace((samples / GAIN).astype(np.float32), ECG_LEADS, FS, "mV")
        inner = rhythm.r_s[(rhythm.r_s > 0.3) & (rhythm.r_s < 9.7)]
        accepted.append(judge_ecg(trace).accepted)
        beats.append(abs(ecg_peak_times(trace).size - inner.size) <= 2)
    assert most(accepted) and most(beats)


def p_before(rhythm: Rhythm) -> tuple[np.ndarray, np.ndarray]:
    """For each P wave inside: seconds to the next QRS, and whether a QRS comes before the next P."""
    assert rhythm.p_s is not None
    p = rhythm.p_s[(rhythm.p_s > -1) & (rhythm.p_s < 10)]
    nearest = np.array([rhythm.r_s[rhythm.r_s > at][0] - at for at in p])
    return nearest[:-1], nearest[:-1] < np.diff(p)


def test_wenckebach_s_pr_grows_until_a_p_wave_is_not_conducted() -> None:
    for rhythm in rhythms("Wenckebach"):
        pr, conducted = p_before(rhythm)
        assert not conducted.all() and conducted.mean() >= 0.6
        follow = conducted[1:] & conducted[:-1]
        assert (np.diff(pr)[follow] > 0.02).all()
        rr = np.diff(rhythm.r_s)
        assert rr.max() < 2 * np.diff(rhythm.p_s).mean()  # type: ignore[arg-type]


def test_mobitz_ii_keeps_its_pr_and_pauses_for_two_cycles() -> None:
    for rhythm in rhythms("Mobitz II"):
        pr, conducted = p_before(rhythm)
        assert not conducted.all() and np.ptp(pr[conducted]) < 0.05
        assert np.diff(rhythm.r_s).max() == pytest.approx(2 * np.median(np.diff(rhythm.p_s)), rel=0.06)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "rate"), [("junctional escape", 44), ("ventricular escape", 35)])
def test_in_third_degree_block_atria_and_ventricles_are_regular_and_apart(kind: str, rate: float) -> None:
    for rhythm in rhythms(kind):
        rr, pp = np.diff(rhythm.r_s), np.diff(rhythm.p_s)  # type: ignore[arg-type]
        assert rr.std() < 0.02 and pp.std() < 0.04 and 60 / rr.mean() == pytest.approx(rate, abs=1)
        assert pp.mean() < 0.8 * rr.mean()
        pr, _ = p_before(rhythm)
        assert np.ptp(pr) > 0.25


def test_escape_beats_from_the_ventricles_are_wide_and_those_of_the_junction_narrow() -> None:
    narrow = [energy_ms("junctional escape", seed) for seed in SEEDS]
    wide = [energy_ms("ventricular escape", seed) for seed in SEEDS]
    assert np.median(wide) > 1.5 * np.median(narrow)


def energy_ms(kind: str, seed: int) -> float:
    """How long the root mean square over leads stays above a third of its peak, about R, in the averaged beat."""
    samples, rhythm = draw(patient(kind, seed), seed)
    at = [round(r * FS) for r in rhythm.r_s if 0.5 < r < 9.5]
    beat = np.median([samples[:, r - 60 : r + 60] for r in at], axis=0)
    size = np.sqrt((beat**2).mean(axis=0))
    return 2.0 * float((size > size.max() / 3).sum())


@pytest.mark.parametrize("kind", ["VVI", "DDD", "VAT", "AAI"])
def test_a_spike_stands_before_every_paced_wave(kind: str) -> None:
    for seed in SEEDS:
        samples, rhythm = draw(patient(kind, seed), seed)
        spikes = rhythm.atrial_spikes_s if kind == "AAI" else rhythm.ventricular_spikes_s
        jump = np.abs(np.diff(samples.astype(float), n=2, axis=1)).max(axis=0) / GAIN
        at = np.round(spikes[(spikes > 0.1) & (spikes < 9.9)] * FS).astype(int)
        assert at.size > 8
        found = np.array([jump[k - 3 : k + 2].max() for k in at])
        between = np.median(jump)
        assert (found > 5 * between).mean() > 0.9
        inner = rhythm.r_s[(rhythm.r_s > 0.3) & (rhythm.r_s < 9.7)]
        before = [r - spikes[spikes < r][-1] for r in inner]
        assert np.ptp(before) < 0.02


def test_capture_from_the_right_apex_is_wide_and_superior_like_left_bundle_branch_block() -> None:
    for seed in SEEDS:
        samples, rhythm = draw(patient("DDD", seed), seed)
        at = [round(r * FS) for r in rhythm.r_s if 0.5 < r < 9.5]
        beat = np.median([samples[:, r - 25 : r + 40] for r in at], axis=0) / GAIN
        lead = dict(zip(ECG_LEADS, beat.sum(axis=1), strict=True))
        assert lead["I"] > 0 > lead["II"] and lead["V1"] < 0 and lead["aVF"] < 0
        assert energy_ms("DDD", seed) > 70


def test_potassium_peaks_t_flattens_p_and_widens_the_qrs() -> None:
    usual = [Read(encounter("normal ECG", "sinus rhythm", rate=70, sex="MF"[s % 2], age=58), s) for s in SEEDS]
    mild, severe = ([read(kind, seed) for seed in SEEDS] for kind in ("6.4 mmol/l", "7.9 mmol/l"))

    def t(reads: list[Read]) -> float:
        return float(np.median([max(r.t(lead) for lead in ("II", "V2", "V3", "V4", "V5")) for r in reads]))

    def t_width(reads: list[Read]) -> float:
        rows = [r.beat["V4"][r.end + 20 : BEFORE + 230] for r in reads]
        return float(np.median([(row > row.max() / 2).sum() for row in rows]))

    def p(reads: list[Read]) -> float:
        return float(np.median([np.ptp(r.beat["II"][r.onset - 100 : r.onset - 10]) for r in reads]))

    assert t(severe) > t(mild) > 1.3 * t(usual) and t(mild) > 0.6
    assert t_width(mild) < 0.85 * t_width(usual)
    assert p(severe) < 0.6 * p(usual)
    assert np.median([r.qrs_ms for r in severe]) > np.median([r.qrs_ms for r in usual]) + 15


def test_long_qt_is_long_by_the_tangent_and_normal_is_not() -> None:
    def qtc(one: Encounter, seed: int) -> float:
        beat = median_beat(draw(one, seed)[0] / GAIN, FS)
        assert beat is not None
        at = landmarks(beat.eight, 210, beat.rr_s)
        return float((at.t_end - at.onset) / beat.rr_s ** (1 / 3))

    long = [qtc(patient("long QT", seed), seed) for seed in SEEDS]
    usual = [qtc(encounter("normal ECG", "sinus rhythm", rate=62, age=58), seed) for seed in SEEDS]
    assert most([value > 0.46 for value in long]) and most([value < 0.46 for value in usual])


RAISED = {"anterior": ("V2", "V3", "V4"), "inferior": ("II", "III", "aVF"), "lateral": ("I", "aVL", "V5", "V6")}
LOWERED = {"anterior": ("III",), "inferior": ("aVL",), "lateral": ("III", "aVF")}


@pytest.mark.parametrize("territory", RAISED)
def test_st_is_raised_over_its_territory_and_lowered_opposite(territory: str) -> None:
    """J point, Fourth universal definition: 0.1 mV in two neighbouring leads, 0.15 to 0.25 mV in V2 and V3."""
    for seed in SEEDS:
        one = read(territory, seed)
        level = {lead: float(row[one.end + 4 : one.end + 14].mean()) for lead, row in one.beat.items()}
        need = {lead: 0.2 if lead in ("V2", "V3") else 0.1 for lead in RAISED[territory]}
        assert sum(level[lead] >= need[lead] for lead in need) >= 2, level
        assert min(level[lead] for lead in LOWERED[territory]) < -0.03, level


def test_ectopy_is_single_in_pairs_or_after_every_sinus_beat() -> None:
    for single, pairs, every in zip(rhythms("single"), rhythms("couplets"), rhythms("bigeminy"), strict=True):
        early = [rhythm.kind == "ventricular" for rhythm in (single, pairs, every)]
        assert early[0].sum() >= 1 and not (early[0][1:] & early[0][:-1]).any()
        starts = np.flatnonzero(np.diff(early[1].astype(int), prepend=0) == 1)
        assert starts.size >= 1 and all(early[1][at + 1] and not early[1][at + 2] for at in starts)
        assert (early[2][2:] != early[2][1:-1]).all()
        assert all((np.diff(rhythm.r_s) > 0.28).all() for rhythm in (single, pairs, every))


def test_exchanged_electrodes_follow_exactly_from_the_leads() -> None:
    samples, _ = draw(encounter("normal ECG", "sinus rhythm"), 3)
    lead = dict(zip(ECG_LEADS, samples.astype(int), strict=True))
    as_recorded = {pair: dict(zip(ECG_LEADS, swapped(samples, pair).astype(int), strict=True)) for pair in
                   ("RA/LA", "RA/LL", "LA/LL", "V1/V2", "RA/RL")}  # fmt: skip
    arms = as_recorded["RA/LA"]
    for new, sign, old in (("I", -1, "I"), ("II", 1, "III"), ("aVR", 1, "aVL"), ("aVF", 1, "aVF"), ("V3", 1, "V3")):
        np.testing.assert_array_equal(arms[new], sign * lead[old])
    np.testing.assert_array_equal(as_recorded["RA/LL"]["I"], -lead["III"])
    np.testing.assert_array_equal(as_recorded["LA/LL"]["aVL"], lead["aVF"])
    np.testing.assert_array_equal(as_recorded["V1/V2"]["V2"], lead["V1"])
    assert not as_recorded["RA/RL"]["II"].any()
    for found in as_recorded.values():
        np.testing.assert_array_equal(found["III"], found["II"] - found["I"])
        np.testing.assert_array_equal(2 * found["aVR"], -(found["I"] + found["II"]))


def test_what_one_arm_picks_up_is_not_in_the_lead_without_it() -> None:
    noise = np.zeros((9, 100))
    noise[0] = np.random.default_rng(1).standard_normal(100)  # right arm
    i, ii = in_leads(noise)[:2]
    np.testing.assert_allclose(ii - i, 0, atol=1e-12)
    assert np.abs(i).max() > 1


def test_mains_hum_stands_at_its_frequency() -> None:
    samples, _ = draw(patient("mains 50 Hz"), 1)
    clean, _ = draw(replace(patient("mains 50 Hz"), details=EcgDetails()), 1)
    power = [np.abs(np.fft.rfft(x[1] / GAIN))[500] for x in (samples, clean)]
    assert power[0] > 10 * power[1]


def test_details_are_drawn_for_their_labels_alone_and_are_facts() -> None:
    table = read_prior().tables["details"]
    found = draw_details(("hyperkalaemia", "sinus rhythm"), 70.0, table, np.random.default_rng(1))
    assert set(found.facts()) == {"potassium_mmol_l"}
    escape = draw_details(("third degree AV block",), 33.0, table, np.random.default_rng(1))
    assert escape.facts() == {"av_block": "ventricular escape"}
    assert all(not one.details.facts() for p in draw_patients(40, 7) for one in p.encounters)
    recorded = [one.details for p in draw_patients(300, 7, couplings="on") for one in p.encounters]
    assert 0.04 < np.mean([bool(d.artefact) for d in recorded]) < 0.18
    assert 0 < np.mean([bool(d.lead_swap) for d in recorded]) < 0.08
