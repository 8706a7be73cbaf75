"""A drawn beat, moved to where the severities of its encounter put axis, voltage, duration, P and T.

A person's own deviation from the mean beat of the labels is kept in part (couplings.own_share), the effects are added:
the spread between people stays about as it was, and a part of it is shared with the film.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from engine.synthetic.couplings import axis_limits, own_share
from engine.synthetic.ecg.leads import DOWER, INDEPENDENT
from engine.synthetic.ecg.model import SIZE_OF_T, Shape
from engine.synthetic.ecg.segments import P_POINTS, ST_POINTS, T_POINTS
from engine.synthetic.effects import Effects

NORMAL_ECG, NORMAL_QRS_S = "normal ECG", 0.104  # s, no wider under this statement
LIMB, LEFT_CHEST, V1 = slice(0, 2), slice(4, 8), INDEPENDENT.index("V1")


@dataclass(frozen=True)
class UsualBeat:
    """What the mean beat of some labels measures: frontal QRS axis in degrees, logarithms of the sizes in mV."""

    axis: float
    voltage: float
    t: float
    p: float


def measured(shape: Shape) -> UsualBeat:
    """Return axis and sizes of a beat."""
    return UsualBeat(frontal_axis(shape.qrs), _log_size(shape.qrs), _log_size(shape.st_t), _log_size(shape.p))


def frontal_axis(qrs: np.ndarray) -> float:
    """Return the frontal axis in degrees from the areas of I and aVF of a QRS (8, n)."""
    one, two = qrs[0].sum(), qrs[1].sum()
    return float(np.degrees(np.arctan2(2 / np.sqrt(3) * (two - one / 2), one)))


def shaped(shape: Shape, usual: UsualBeat, effects: Effects, labels: Collection[str]) -> Shape:
    """Return the beat with the effects of its encounter's severities, its axis within the limits of its labels.

    Under "normal ECG" there is no strain and the QRS stays narrow.
    """
    own = measured(shape)
    size = effects.log_voltage - (1 - own_share("voltage")) * (own.voltage - usual.voltage)
    t = effects.log_t + SIZE_OF_T * effects.log_voltage - (1 - own_share("t")) * (own.t - usual.t)
    p = effects.log_p - (1 - own_share("p")) * (own.p - usual.p)
    wanted = own.axis + effects.axis_deg - (1 - own_share("axis")) * _between(usual.axis, own.axis)
    angle = np.clip(wanted, *axis_limits(labels)) - own.axis
    qrs, st_t = (turned(turned(part, angle), effects.rotation_deg, "horizontal") for part in (shape.qrs, shape.st_t))
    leads = np.ones((8, 1))
    leads[LIMB] *= np.exp(effects.log_limb)
    leads[LEFT_CHEST] *= np.exp(effects.log_left_chest)
    qrs, st_t = qrs * leads * np.exp(size), st_t * leads * np.exp(t)
    normal = NORMAL_ECG in labels
    qrs_s = shape.qrs_s * float(np.exp(effects.log_qrs))
    return replace(
        shape,
        p=_with_terminal(turned(shape.p, effects.p_axis_deg) * np.exp(p), effects.p_terminal_mv),
        qrs=qrs,
        st_t=st_t - strain(qrs, 0.0 if normal else effects.strain_mv),
        qrs_s=min(qrs_s, max(shape.qrs_s, NORMAL_QRS_S)) if normal else qrs_s,
    )


def turned(beat: np.ndarray, degrees: float, plane: str = "frontal") -> np.ndarray:
    """Return a beat (8, n) with its dipolar part turned: frontal to the right, horizontal backwards, as positive."""
    if not degrees:
        return beat
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    frontal = [[c, -s, 0], [s, c, 0], [0, 0, 1]]
    horizontal = [[c, 0, -s], [0, 1, 0], [s, 0, c]]
    turn = np.array(frontal if plane == "frontal" else horizontal)
    return beat + DOWER @ ((turn - np.eye(3)) @ (np.linalg.pinv(DOWER) @ beat))


def strain(qrs: np.ndarray, depth_mv: float) -> np.ndarray:
    """Return what is taken from ST-T (8, points): along each lead's QRS, sloping down to an asymmetric T."""
    net = qrs.mean(axis=1, keepdims=True)
    rise = np.linspace(0.35, 1, ST_POINTS) ** 1.5
    fall = np.linspace(1, 0, T_POINTS) ** 1.2
    return depth_mv * net / (np.abs(net).max() + 1e-9) * np.concatenate([rise, fall])


def _with_terminal(p: np.ndarray, depth_mv: float) -> np.ndarray:
    """Return P (8, points) whose second half is lower in V1."""
    out = p.copy()
    out[V1] -= depth_mv * np.exp(-0.5 * ((np.arange(P_POINTS) - 0.62 * P_POINTS) / (0.09 * P_POINTS)) ** 2)
    return out


def _log_size(rows: np.ndarray) -> float:
    return float(np.log(np.sqrt((rows**2).mean()) + 1e-6))


def _between(first: float, second: float) -> float:
    """Return the angle from first to second in −180..180 degrees."""
    return (second - first + 180) % 360 - 180
