"""An encounter and its rhythm → ten seconds of twelve leads: one drawn beat, placed on every R peak, with noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator

from engine.synthetic.details import LABELS
from engine.synthetic.ecg.acute import acute
from engine.synthetic.ecg.artefacts import artefact, swapped
from engine.synthetic.ecg.criteria import CRITERIA, FIBRILLATION, unmet, with_conduction
from engine.synthetic.ecg.ectopic import draw_capture, draw_escape, draw_focus, draw_spikes, f_waves
from engine.synthetic.ecg.leads import DOWER, FS, stored
from engine.synthetic.ecg.model import EcgModel, Shape
from engine.synthetic.ecg.noise import draw_noise
from engine.synthetic.ecg.segments import MARGIN_S, P_POINTS, P_WINDOW_S, QRS_POINTS, Landmarks, st_t_times
from engine.synthetic.ecg.shaping import UsualBeat, measured, shaped
from engine.synthetic.rhythm import DURATION_S, PREMATURE

if TYPE_CHECKING:
    from engine.synthetic.effects import Effects
    from engine.synthetic.patients import Encounter
    from engine.synthetic.rhythm import Rhythm

SAMPLES = int(DURATION_S * FS)
TRIES = 150  # draws of a beat before the one that misses the fewest criteria is taken
SHARES = (1.0, 0.6, 0.3)  # of the effects of severities, until a beat meets the criteria
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
    own, details = np.random.default_rng(person_rng.integers(2**62, size=2)), encounter.details
    shape = draw_shape(model, encounter, own, rng)
    t = np.arange(SAMPLES) / FS
    eight = beats(shape, rhythm, encounter, t, own=own, rng=rng)
    if FIBRILLATION in encounter.ecg:
        eight = eight + f_waves(SAMPLES, rng)
    eight = eight + draw_noise(model.arrays, SAMPLES, rng)
    if details.spikes:
        eight += draw_spikes(details.spikes, own).waveform(rhythm.atrial_spikes_s, rhythm.ventricular_spikes_s, t)
    if details.artefact:
        eight += artefact(details.artefact, SAMPLES, rng)
    return swapped(stored(eight), details.lead_swap) if details.lead_swap else stored(eight)


def draw_shape(model: EcgModel, encounter: Encounter, own: np.random.Generator, rng: np.random.Generator) -> Shape:
    """Return a beat of the person in this encounter that meets the criteria of its labels, as far as TRIES reach.

    The person's part is settled first, from `own` alone, so that encounters with the same labels share it. Effects of
    severities that leave no beat with its labels' criteria are taken smaller.
    """
    labels = lasting(encounter.ecg)
    centre = model.mean(labels, encounter.age, encounter.sex, 60.0 / encounter.rate_bpm)
    factor = model.factor(labels)
    seen = BeatCriteria(labels, encounter.sex, measured(model.shape(centre)), encounter.effects)
    core, _ = _fitting(model, seen, centre, np.sqrt(STAYS) * factor, own)
    shape = _fitting(model, seen, core, np.sqrt(1 - STAYS) * factor, rng)[1]
    return acute(shape, encounter.details, rng)


def lasting(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the statements on the beat beneath acute changes and foreign rhythms: normal where nothing else is said.

    The model knows no acute changes; these are added to a beat of the rest.
    """
    rest = tuple(label for label in labels if label not in LABELS or label == PREMATURE)
    morphology = any(label in CRITERIA for label in rest)
    return rest if len(rest) == len(labels) or morphology else (*rest, "normal ECG")


@dataclass(frozen=True)
class BeatCriteria:
    """What a drawn beat must show: criteria of labels, and the effects of severities beside the usual beat."""

    labels: tuple[str, ...]
    sex: str
    usual: UsualBeat
    effects: Effects | None

    def seen(self, shape: Shape, share: float) -> Shape:
        """Return a beat with a share of the effects, and intervals on the side of their limits."""
        moved = shaped(shape, self.usual, self.effects.scaled(share), self.labels) if self.effects else shape
        return with_conduction(moved, self.labels)


def _fitting(
    model: EcgModel, criteria: BeatCriteria, centre: np.ndarray, factor: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, Shape]:
    """Return the first draw about a centre that meets all criteria of the labels, else the one that misses fewest."""
    best, fewest = (centre, model.shape(centre)), 99
    for share in SHARES if criteria.effects else (1.0,):
        for _ in range(TRIES):
            scores = centre + factor @ rng.standard_normal(centre.size)
            shape = criteria.seen(model.shape(scores), share)
            missed = unmet(shape, criteria.labels, criteria.sex)
            if missed < fewest:
                best, fewest = (scores, shape), missed
            if missed == 0:
                return best
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
    wide = {"ventricular": draw_focus(own)}
    if {"escape", "paced"} & set(rhythm.kind):
        wide |= {"escape": draw_escape(own, encounter.rate_bpm), "paced": draw_capture(own)}
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
        if kind in wide:
            out[:, near] += wide[kind].waveform(after) * (1 + 0.03 * rng.standard_normal())
            continue
        lead_in = RR_MEMORY * mean_rr + (1 - RR_MEMORY) * float(np.clip(before, 0.4, 1.6))
        beat = waves(shape, after, min(lead_in, 1.6), rng)
        if kind != "fibrillation" and rhythm.p_s is None:
            beat = beat + p_wave(shape, after + 0.002 * rng.standard_normal(), before)
        breath = np.sin(2 * np.pi * breath_hz * at + phase)
        out[:, near] += turned(beat * (1 + 0.5 * depth[0] * breath), 0.6 * depth[1] * breath)
    for at in rhythm.p_s if rhythm.p_s is not None else ():
        out += free_p_wave(shape, t - at)
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


def free_p_wave(shape: Shape, after: np.ndarray) -> np.ndarray:
    """Return a P (8, n) mV that no QRS is bound to, at times after its peak."""
    edge = np.minimum(1, np.minimum(np.arange(P_POINTS), np.arange(P_POINTS)[::-1]) / 6)
    return curve(np.linspace(-0.5, 0.5, P_POINTS) * P_WINDOW_S, shape.p * edge, after)


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
