"""Rhythms in which P waves and QRS complexes go their own ways: AV block of second and third degree, and pacing.

Definitions: Surawicz et al. (AHA/ACCF/HRS), J Am Coll Cardiol 2009, and Kusumoto et al. (ACC/AHA/HRS guideline on
bradycardia), Circulation 2019: Wenckebach's PR grows until a P is not conducted; in Mobitz II it stays; in third degree
block atria and ventricles beat independently, the ventricles from 40 a minute on narrow, from the junction. Modes of
pacing: Bernstein et al. (NASPE/BPEG), Pacing Clin Electrophysiol 2002.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.synthetic.patients import Encounter

P_HALF_S = 0.05  # from the onset of P, where its spike lies, to its peak
R_AFTER_SPIKE_S = 0.075  # from the ventricular spike to the peak of the paced QRS
CYCLES = {"Wenckebach": (3, 4, 5), "Mobitz II": (3, 4, 5), "2:1": (2,)}  # P waves of a cycle; one is not conducted
PR_S, GROWTH_S = (0.15, 0.20), (0.07, 0.12)  # from the peak of P to R, and what the second conducted beat adds
SINUS_BPM = (66.0, 92.0)  # atrial rate in third degree block
JITTER_S = 0.006  # of P waves
AV_DELAY_S = (0.12, 0.18)  # from the peak of P to the ventricular spike


@dataclass(frozen=True, eq=False)
class AtrialTimes:
    """Beats with P waves of their own: r_s and kind (n,); p_s, spikes of atrium and ventricle, in s."""

    r_s: np.ndarray
    kind: np.ndarray
    p_s: np.ndarray
    atrial_spikes_s: np.ndarray
    ventricular_spikes_s: np.ndarray


NONE = np.zeros(0)
FIBRILLATION = "atrial fibrillation"


def second_degree(rate_bpm: float, block: str, span: tuple[float, float], rng: np.random.Generator) -> AtrialTimes:
    """Return beats of a second degree block; the ventricular rate is about rate_bpm. span : first and last second."""
    waves = int(rng.choice(CYCLES[block]))
    pp = 60.0 / rate_bpm * (waves - 1) / waves
    pr, growth = rng.uniform(*PR_S), rng.uniform(*GROWTH_S) if block == "Wenckebach" else 0.0
    p_s = np.arange(span[0] - rng.uniform(0, waves * pp), span[1], pp)
    p_s = p_s + JITTER_S * rng.standard_normal(p_s.size)
    number = np.arange(p_s.size) % waves
    added = np.array([growth * sum(0.5**k for k in range(place)) for place in range(waves)])
    conducted = number < waves - 1
    r_s = (p_s + pr + added[number])[conducted]
    return AtrialTimes(r_s, np.full(r_s.size, "sinus", "<U12"), p_s, NONE, NONE)


def third_degree(rate_bpm: float, block: str, span: tuple[float, float], rng: np.random.Generator) -> AtrialTimes:
    """Return an escape rhythm of rate_bpm and sinus P waves that have nothing to do with it."""
    rr = 60.0 / rate_bpm
    r_s = np.arange(span[0] - rng.uniform(0, rr), span[1], rr)
    r_s = r_s + 0.004 * rng.standard_normal(r_s.size)
    kind = "sinus" if block == "junctional escape" else "escape"
    return AtrialTimes(r_s, np.full(r_s.size, kind, "<U12"), _free_p(span, rng), NONE, NONE)


def _free_p(span: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return the P waves of a sinus node that the ventricles do not hear."""
    pp = 60.0 / rng.uniform(*SINUS_BPM)
    p_s = np.arange(span[0] - rng.uniform(0, pp), span[1], pp)
    return p_s + 2 * JITTER_S * rng.standard_normal(p_s.size)


def paced(
    sinus_s: np.ndarray, mode: str, rate_bpm: float, span: tuple[float, float], rng: np.random.Generator
) -> AtrialTimes:
    """Return paced beats: at a fixed rate (AAI, VVI, DDD), or after the P waves of sinus beats sinus_s (VAT)."""
    rr = 60.0 / rate_bpm
    fixed = np.arange(span[0] - rng.uniform(0, rr), span[1], rr)
    if mode == "VVI":
        p_s = _free_p(span, rng)
        return AtrialTimes(fixed, np.full(fixed.size, "paced", "<U12"), p_s, NONE, fixed - R_AFTER_SPIKE_S)
    if mode == "AAI":
        r_s = fixed + rng.uniform(*PR_S)
        return AtrialTimes(r_s, np.full(r_s.size, "sinus", "<U12"), fixed, fixed - P_HALF_S, NONE)
    p_s = fixed if mode == "DDD" else sinus_s - 0.16
    spikes = p_s + rng.uniform(*AV_DELAY_S)
    r_s = spikes + R_AFTER_SPIKE_S
    atrial = p_s - P_HALF_S if mode == "DDD" else NONE
    return AtrialTimes(r_s, np.full(r_s.size, "paced", "<U12"), p_s, atrial, spikes)


def at_rate(times: AtrialTimes, factor: float) -> AtrialTimes:
    """Return everything stretched in time by a factor."""
    names = ("r_s", "p_s", "atrial_spikes_s", "ventricular_spikes_s")
    return replace(times, **{name: factor * getattr(times, name) for name in names})


def atrial_times(
    encounter: Encounter, sinus_s: np.ndarray, span: tuple[float, float], rng: np.random.Generator
) -> AtrialTimes | None:
    """Return the beats of a block or a pacemaker; None where the encounter has neither."""
    details, rate = encounter.details, encounter.rate_bpm
    if details.pacing:
        times = paced(sinus_s, details.pacing, rate, span, rng)
        return replace(times, p_s=NONE) if FIBRILLATION in encounter.ecg else times
    if details.av_block in CYCLES:
        return second_degree(rate, details.av_block, span, rng)
    if details.av_block:
        return third_degree(rate, details.av_block, span, rng)
    return None
