"""An encounter and its rhythm → ten seconds of twelve leads: one drawn beat, placed on every R peak, with noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator

from engine.synthetic.ecg.criteria import unmet, with_conduction
from engine.synthetic.ecg.ectopic import draw_focus, f_waves
from engine.synthetic.ecg.leads import DOWER, FS, stored
from engine.synthetic.ecg.model import EcgModel, Shape
from engine.synthetic.ecg.noise import draw_noise
from engine.synthetic.ecg.segments import MARGIN_S, P_POINTS, P_WINDOW_S, QRS_POINTS, Landmarks, st_t_times
from engine.synthetic.rhythm import DURATION_S

if TYPE_CHECKING:
    from engine.synthetic.patients import Encounter
    from engine.synthetic.rhythm import Rhythm

SAMPLES = int(DURATION_S * FS)
TRIES = 150  # draws of a beat before the one that misses the fewest criteria is taken
STAYS = 0.85  # share of a person's variance that stays from one encounter to the next
RR_MEMORY = 0.8  # QT follows the mean RR this far, the last RR for the rest: Franz et al., J Clin Invest 82:972, 1988
SHARPER, WIDTH_S = 0.10, 0.006  # curvature added to the QRS; see `curve`
PRECORDIAL_EDR = 0.05  # deviation of size and, in radians, of axis with breathing: Moody et al. (EDR), CinC 1985


def draw_ecg(
    model: EcgModel, encounter: Encounter, rhythm: Rhythm, person_rng: np.random.Generator, rng: np.random.Generator
) -> np.ndarray:
    """Return (12, 5000) int16 at 500 Hz in leads.GAIN units per mV, in ECG_LEADS order.

    III, aVR, aVL and aVF hold exactly by Einthoven and Goldberger. What stays with a person comes from person_rng.
    The beat is learnt from recordings at 100 Hz: content above 50 Hz is not; the QRS is sharpened a little and passed
    through a shape-preserving spline, which fills 50–100 Hz as narrow complexes do, but says nothing about a label.
    """
    own = np.random.default_rng(person_rng.integers(2**62, size=2))
    shape = draw_shape(model, encounter, own, rng)
    t = np.arange(SAMPLES) / FS
    eight = beats(shape, rhythm, encounter, t, own=own, rng=rng)
    if "fibrillation" in rhythm.kind:
        eight = eight + f_waves(SAMPLES, rng)
    return stored(eight + draw_noise(model.arrays, SAMPLES, rng))


def draw_shape(model: EcgModel, encounter: Encounter, own: np.random.Generator, rng: np.random.Generator) -> Shape:
    """Return a beat of the person in this encounter that meets the criteria of its labels, as far as TRIES reach.

    The person's part is settled first, from `own` alone, so that encounters with the same labels share it.
    """
    mean = model.mean(encounter.ecg, encounter.age, encounter.sex, 60.0 / encounter.rate_bpm)
    factor = model.factor(encounter.ecg)
    core, _ = _fitting(model, encounter, mean, np.sqrt(STAYS) * factor, own)
    return _fitting(model, encounter, core, np.sqrt(1 - STAYS) * factor, rng)[1]


def _fitting(
    model: EcgModel, encounter: Encounter, centre: np.ndarray, factor: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, Shape]:
    """Return the first draw about a centre that meets all criteria of the labels, else the one that misses fewest."""
    best, fewest = (centre, model.shape(centre)), 99
    for _ in range(TRIES):
        scores = centre + factor @ rng.standard_normal(centre.size)
        shape = with_conduction(model.shape(scores), encounter.ecg)
        missed = unmet(shape, encounter.ecg, encounter.sex)
        if missed < fewest:
            best, fewest = (scores, shape), missed
        if missed == 0:
            break
    return best


def beats(
    shape: Shape,
    rhythm: Rhythm,
    encounter: Encounter,
    t: np.ndarray,
    *,
    own: np.random.Generator,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return (8, n) mV at times t: every beat of the rhythm, its size and axis moved by breathing."""
    focus = draw_focus(own)
    mean_rr = 60.0 / encounter.rate_bpm
    phase, breath_hz = rng.uniform(0, 2 * np.pi), encounter.respiration_bpm / 60
    depth = PRECORDIAL_EDR * np.exp(0.4 * rng.standard_normal(2))
    rr = np.diff(rhythm.r_s, prepend=rhythm.r_s[0] - mean_rr)
    out = np.zeros((8, t.size))
    for at, before, kind in zip(rhythm.r_s, rr, rhythm.kind, strict=True):
        near = (t > at - 0.6) & (t < at + 1.0)
        if not near.any():
            continue
        after = t[near] - at
        if kind == "ventricular":
            out[:, near] += focus.waveform(after) * (1 + 0.03 * rng.standard_normal())
            continue
        lead_in = RR_MEMORY * mean_rr + (1 - RR_MEMORY) * float(np.clip(before, 0.4, 1.6))
        beat = waves(shape, after, min(lead_in, 1.6), rng)
        if kind != "fibrillation":
            beat = beat + p_wave(shape, after + 0.002 * rng.standard_normal(), before)
        breath = np.sin(2 * np.pi * breath_hz * at + phase)
        out[:, near] += turned(beat * (1 + 0.5 * depth[0] * breath), 0.6 * depth[1] * breath)
    return out


def waves(shape: Shape, after: np.ndarray, rr_s: float, rng: np.random.Generator) -> np.ndarray:
    """Return QRS, ST and T (8, n) mV at times after R (s), QT set to the RR by Fridericia's formula."""
    qrs, st_t = joined(shape)
    onset = -shape.r_share * shape.qrs_s
    end = onset + shape.qrs_s
    qt = float(np.clip(shape.qtc_s * rr_s ** (1 / 3), shape.qrs_s + 0.12, 0.80 * rr_s + 0.06))
    t_end = onset + qt
    at = Landmarks(np.nan, onset, end, end + shape.t_share * (t_end - end), t_end)
    early = np.linspace(onset - MARGIN_S, end + MARGIN_S, QRS_POINTS)
    late = st_t_times(at)[1:] if st_t_times(at)[0] <= early[-1] + 1e-9 else st_t_times(at)
    swing = 1 + 0.015 * rng.standard_normal()
    values = np.column_stack([np.zeros(8), qrs, swing * st_t[:, st_t.shape[1] - late.size :], np.zeros(8)])
    times = np.concatenate([[early[0] - 0.01], early, late, [late[-1] + 0.02]])
    return curve(times, values, after)


def joined(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return (QRS that starts at zero and is sharpened, ST-T that starts where the QRS ends and ends at zero)."""
    ramp = np.clip(np.linspace(1, -3, QRS_POINTS), 0, 1)
    qrs = shape.qrs - shape.qrs[:, :1] * ramp
    step = (shape.qrs_s + 2 * MARGIN_S) / (QRS_POINTS - 1)
    bend = np.gradient(np.gradient(qrs, step, axis=1), step, axis=1) * np.hanning(QRS_POINTS)
    qrs = qrs - SHARPER * WIDTH_S**2 * bend
    n = shape.st_t.shape[1]
    fade = np.clip(1 - np.arange(n) / 14, 0, 1) ** 2
    st_t = shape.st_t + (qrs[:, -1:] - shape.st_t[:, :1]) * fade
    return qrs, st_t - st_t[:, -1:] * np.linspace(0, 1, n) ** 4


def curve(times: np.ndarray, values: np.ndarray, query_times: np.ndarray) -> np.ndarray:
    """Return (8, n): a spline through values (8, k) at times that keeps their shape; zero outside."""
    out = np.zeros((8, query_times.size))
    inside = (query_times >= times[0]) & (query_times <= times[-1])
    out[:, inside] = PchipInterpolator(times, values, axis=1)(query_times[inside])
    return out


def p_wave(shape: Shape, after: np.ndarray, rr_s: float) -> np.ndarray:
    """Return P (8, n) mV; PR shortens a little when RR does (Carruthers et al., Br J Clin Pharmacol 23:259, 1987)."""
    edge = np.minimum(1, np.minimum(np.arange(P_POINTS), np.arange(P_POINTS)[::-1]) / 6)
    times = -shape.r_share * shape.qrs_s - shape.pr_s * float(np.clip(rr_s, 0.5, 1.2)) ** 0.05
    return curve(times + np.linspace(-0.5, 0.5, P_POINTS) * P_WINDOW_S, shape.p * edge, after)


def turned(beat: np.ndarray, angle: float) -> np.ndarray:
    """Return the beat (8, n) with its dipolar part turned in the frontal plane by `angle` radians."""
    dipole = np.linalg.pinv(DOWER) @ beat
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return beat + DOWER @ ((turn - np.eye(3)) @ dipole)
