"""How long after its R peak a pulse reaches the finger, and how full it is.

The bedside monitors of BIDMC delay the pulse trace by a time of their own (R peak to foot 0.5 s there, which no artery
explains), so only the beat-to-beat spread is learnt from them; the level is physiology:
- pre-ejection period 0.056 s, 0.012 s between persons (Kortekaas et al., PLoS ONE 13:e0204105, 2018);
- then an arterial path of 0.53 of the body height at 5.2 m/s in a person of 20 years and 88 mmHg mean pressure, so
  that the finger is reached after about 0.23 s;
- the wave is faster in stiffer arteries: velocity grows with exp(0.017 P / 2) (Moens–Korteweg with the modulus of
  Hughes et al., Ultrason Imaging 1:356, 1979), of which half is taken here, since arteries of hypertensive
  persons are remodelled, and by 0.35 % a year of age, far less than in the aorta, as the arm's muscular arteries do
  (direction: Allen & Murray, J Hum Hypertens 16:711, 2002).
"""

from __future__ import annotations

import numpy as np

PRE_EJECTION_S, PRE_EJECTION_SPREAD_S = 0.056, 0.012
PATH_SHARE = 0.53  # of the body height
SPEED_M_S, AT_YEARS, AT_MMHG = 5.2, 20.0, 88.0
PER_MMHG, PER_YEAR = 0.0085 / 2, 0.0035
MIN_TRANSIT_S, MAX_TRANSIT_S = 0.13, 0.36

LATE_S = 0.05  # a poorly filled ventricle opens the aortic valve later, by this for each e-fold shorter interval
MIN_HEIGHT, MAX_HEIGHT = 0.25, 1.5  # pulse height over that of a regular beat
# Heights over those of normal beats with the same filling, so that a premature pulse and the one after its pause come
# near the 0.59 and 1.37 times a regular pulse of BIDMC's `train` persons (8 and 12 of them; medians over persons).
VENTRICULAR, AFTER_VENTRICULAR = 1.0, 0.8


def mean_pressure(systolic: float, diastolic: float) -> float:
    """Return the mean arterial pressure, mmHg: a third of the way from diastolic to systolic."""
    return diastolic + (systolic - diastolic) / 3


def transit_s(age: float, pressure_mmhg: float, height_cm: float, person: float = 0.0) -> float:
    """Return the time from R peak to the foot of the finger pulse, s.

    pressure_mmhg : mean arterial; person : standard normal, what is this person's own
    """
    speed = SPEED_M_S * np.exp(PER_MMHG * (pressure_mmhg - AT_MMHG)) * (1 + PER_YEAR * (age - AT_YEARS))
    whole = PRE_EJECTION_S + PRE_EJECTION_SPREAD_S * person + PATH_SHARE * height_cm / 100 / speed
    return float(np.clip(whole, MIN_TRANSIT_S, MAX_TRANSIT_S))


def filling_height(before_s: np.ndarray, earlier_s: np.ndarray, usual_s: float, slopes: np.ndarray) -> np.ndarray:
    """Return pulse heights (n,) over the usual one, from the interval before each beat and the one before that.

    A long interval fills the ventricle; a long one before that leaves it emptied (Rawles & Rowland, Br Heart J 56:4,
    1986, on pulse volumes in fibrillation). slopes (2,) are learnt, see breath.filling.
    """
    logs = slopes[0] * np.log(before_s / usual_s) + slopes[1] * np.log(earlier_s / usual_s)
    return np.clip(np.exp(logs), MIN_HEIGHT, MAX_HEIGHT)


def lateness_s(before_s: np.ndarray, usual_s: float) -> np.ndarray:
    """Return how much later than usual the foot comes after a short interval, s (negative after a long one)."""
    return np.clip(-LATE_S * np.log(before_s / usual_s), -0.02, 0.05)
