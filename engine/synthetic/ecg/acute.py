"""A beat changed by what is acute: ST elevation by territory, potassium, a long QT interval.

Applied to a drawn beat that is otherwise normal. Sources: Thygesen et al. (Fourth universal definition of myocardial
infarction), Circulation 138:e618, 2018; Wagner et al. (AHA/ACCF/HRS, acute ischaemia), J Am Coll Cardiol 53:1003, 2009;
Mattu et al. (hyperkalaemia), Am J Emerg Med 18:721, 2000; Rautaharju et al. (AHA/ACCF/HRS, ST, T and QT), J Am Coll
Cardiol 53:982, 2009; Moss et al. (forms of T in long QT), Circulation 92:2929, 1995. Sizes between limits are chosen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.synthetic.details import EcgDetails
from engine.synthetic.ecg.leads import DOWER, INDEPENDENT
from engine.synthetic.ecg.model import Shape
from engine.synthetic.ecg.segments import QRS_POINTS, ST_POINTS, T_POINTS

# Direction of the ST vector in Frank's axes (left, down, back), and the lead that shows most.
INJURY = {
    "anterior": (np.array([0.30, -0.35, -0.95]), "V3"),
    "inferior": (np.array([-0.12, 0.95, 0.35]), "II"),
    "lateral": (np.array([0.90, -0.35, 0.30]), "V5"),
}
RISE = 0.35  # share of the QRS over which it ends on the raised ST
USUAL_MMOL, NO_P_MMOL, WIDE_MMOL = 5.5, 8.0, 6.5  # T peaks from 5.5, P is gone at 8, QRS widens from 6.5 on
NARROW_S = 0.026  # of a peaked T: standard deviation
PEAKED_MV = 0.45  # added to the largest T per mmol/l


def acute(shape: Shape, details: EcgDetails, rng: np.random.Generator) -> Shape:
    """Return the beat with the details' ST elevation, potassium and QT interval; the same where there are none."""
    if details.territory:
        shape = with_injury(shape, details.territory, details.st_mv, rng)
    if details.potassium_mmol_l:
        shape = with_potassium(shape, details.potassium_mmol_l)
    if details.qtc_s:
        shape = with_long_qt(shape, details.qtc_s, details.t_form)
    return shape


def with_injury(shape: Shape, territory: str, st_mv: float, rng: np.random.Generator) -> Shape:
    """Return the beat with an ST vector of st_mv in the leading lead, convex ST, tall T and reciprocal depression."""
    vector, lead = INJURY[territory]
    vector = vector + 0.06 * rng.standard_normal(3)
    level = DOWER @ vector
    level = st_mv * level / level[INDEPENDENT.index(lead)]
    up = np.linspace(0, 1, ST_POINTS)
    down = np.linspace(0, 1, T_POINTS)
    course = np.concatenate([1 + rng.uniform(0.5, 0.9) * np.sin(np.pi / 2 * up) ** 1.3, np.zeros(T_POINTS)])
    course[ST_POINTS:] = course[ST_POINTS - 1] * 0.5 * (1 + np.cos(np.pi * down))
    joins = np.clip((np.linspace(0, 1, QRS_POINTS) - (1 - RISE)) / RISE, 0, 1)
    qrs = shape.qrs + level[:, None] * joins**2 * (3 - 2 * joins)
    return replace(shape, qrs=qrs, st_t=0.5 * shape.st_t + level[:, None] * course)


def with_potassium(shape: Shape, mmol_l: float) -> Shape:
    """Return the beat at a serum potassium: T narrow, peaked and tall, P flat, PR and QRS long, T joining the QRS."""
    above = mmol_l - USUAL_MMOL
    widening = 1 + 0.35 * max(0.0, mmol_l - WIDE_MMOL)
    rest = max(shape.qtc_s - shape.qrs_s, 0.2)
    before, after = shape.t_share * rest / ST_POINTS, (1 - shape.t_share) * rest / T_POINTS
    t = np.concatenate([(np.arange(ST_POINTS) - ST_POINTS) * before, np.arange(T_POINTS) * after])
    width = NARROW_S * (1 + 0.7 * max(0.0, mmol_l - 7.5))
    largest = shape.st_t[:, ST_POINTS - 4 : ST_POINTS + 5].mean(axis=1, keepdims=True)
    direction = largest / (np.abs(largest).max() + 1e-9)
    peak = (np.abs(largest).max() + PEAKED_MV * min(above, 1.6)) * direction
    flat = shape.st_t * (1 - min(above, 1.0) * 0.8)
    return replace(
        shape,
        p=shape.p * float(np.clip((NO_P_MMOL - mmol_l) / (NO_P_MMOL - 6.0), 0, 1)),
        st_t=flat + peak * np.exp(-0.5 * (t / width) ** 2),
        qrs_s=shape.qrs_s * widening,
        pr_s=shape.pr_s + 0.02 * max(0.0, above),
        qtc_s=shape.qtc_s + shape.qrs_s * (widening - 1),
    )


def with_long_qt(shape: Shape, qtc_s: float, form: str) -> Shape:
    """Return the beat with this QTc: T broad from its start, low and notched, or late and narrow after a long ST."""
    st_t = shape.st_t
    if form == "notched":
        notch = 1 - 0.5 * np.exp(-0.5 * ((np.arange(st_t.shape[1]) - ST_POINTS - 2) / 5) ** 2)
        return replace(shape, qtc_s=qtc_s, st_t=0.95 * st_t * notch, t_share=min(shape.t_share, 0.62))
    if form == "late":
        slow = np.clip((np.linspace(0, 1, ST_POINTS) - 0.45) / 0.55, 0, 1)
        late = np.stack([np.interp(slow, np.linspace(0, 1, ST_POINTS), row[:ST_POINTS]) for row in st_t])
        return replace(shape, qtc_s=qtc_s, st_t=np.hstack([late, st_t[:, ST_POINTS:]]), t_share=0.78)
    return replace(shape, qtc_s=qtc_s, st_t=1.15 * st_t)
