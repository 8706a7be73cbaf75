"""How much a wrist moved while its pulse wave was recorded, by the accelerations that an Empatica E4 keeps beside it.

The measure is ENMO, the mean of what the length of the acceleration has beyond gravity (van Hees et al. 2013). Gravity
is the median length of the recording, since the sensor is not calibrated. A window moved where ENMO is above 44.8 mg,
the sedentary limit of adults at the wrist that is not dominant (Hildebrand et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from engine.errors import IntakeError

FILE = "acc.csv"
MOVED_G = 0.0448
_PER_G = 64.0  # an E4 writes sixty-fourths of g
_RATES_HZ = (1.0, 1000.0)
_DAMAGED = "The accelerations of the export (ACC.csv) are damaged: windows are chosen without them."


@dataclass(frozen=True, eq=False)
class Motion:
    """beyond: (n,) float32, the length of the acceleration beyond gravity in g, at fs in Hz from `began`, UTC"""

    began: datetime
    fs: float
    beyond: np.ndarray

    def enmo(self, moment: datetime, seconds: float) -> float | None:
        """Return the mean in g over a window; None where less than half of it was recorded."""
        start = (moment - self.began) / timedelta(seconds=1) * self.fs
        first, last = max(0, round(start)), round(start + seconds * self.fs)
        some = self.beyond[first : max(first, last)]
        return float(some.mean()) if len(some) >= 0.5 * seconds * self.fs else None


def read_motion(data: bytes) -> Motion:
    """Return the motion of an ACC.csv: start, rate, then x, y, z per line; IntakeError where it is damaged."""
    try:
        start, rate, *_ = (line.split(b",")[0] for line in data.split(b"\n", 2))
        began = datetime(1970, 1, 1) + timedelta(seconds=float(start))
        fs = float(rate)
        rows = np.array(data.split(b"\n", 2)[2].replace(b",", b" ").split(), np.float32).reshape(-1, 3)
    except (ValueError, IndexError, OverflowError) as error:
        raise IntakeError(_DAMAGED) from error
    if not _RATES_HZ[0] <= fs <= _RATES_HZ[1] or not len(rows) or not np.isfinite(rows).all():
        raise IntakeError(_DAMAGED)
    length = np.sqrt((rows**2).sum(1)) / _PER_G
    return Motion(began, fs, np.maximum(0, length - np.median(length)))
