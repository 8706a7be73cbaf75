"""The measuring of a federation's result at a site: `python -m engine.federation.candidate_worker FOLDER`.

It is a process like that of a round (engine.learning.round_worker): the same gate on the site's own frozen patients,
and a release that is written whole or not at all. Nothing is learnt here and nothing promoted.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.federation.candidate import LEARNT
from engine.federation.state import HEAD
from engine.learning import gate, round_release
from engine.learning.fit import FittedRound
from engine.learning.gate_metrics import holdout_rows, measure_queries, rating_rows
from engine.learning.round_data import from_arrays
from engine.learning.round_worker import INPUTS, Coder, calibration_tables, far_of, main, report_progress

GATED = 0.8  # share of the whole once the gate has measured


def work(folder: Path, job: dict[str, Any]) -> str:
    """Measure and write; return the name of the release."""
    from engine.model.release import load_release
    from engine.training.meter import start_meter

    begun, meter, base = time.monotonic(), start_meter(), load_release(Path(job["base"]))
    with np.load(folder / INPUTS, allow_pickle=False) as arrays:
        found = from_arrays(arrays)
    with np.load(folder / LEARNT, allow_pickle=False) as arrays:
        heads = {name.removeprefix(HEAD): arrays[name] for name in arrays.files if name.startswith(HEAD)}
        fitted = FittedRound(heads, arrays["weight"], arrays["threshold"], [])
    report_progress(folder, "measuring", 0.0)
    after = Coder(base, fitted)
    sides = [{m: one.codes(pool.z, m) for m, pool in found.holdout.items()} for one in (base, after)]
    rows = holdout_rows(measure_queries(found.holdout, *sides))
    rows += rating_rows(found.apart, found.units, *(far_of(one, found) for one in (base, after)))
    report_progress(folder, "measuring", GATED)
    figures = {
        "gate": gate.rows_as_json(gate.apply_guards(rows)),
        "seconds": round(time.monotonic() - begun, 1),
        "energy": meter.stop().as_dict(),
    }
    calibration = calibration_tables(base, after, found)
    about = {**job["about"], **figures}
    made = round_release.write(Path(job["workspace"]), base, job["name"], fitted, calibration=calibration, about=about)
    return made.name


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), work))
