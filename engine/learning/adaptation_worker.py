"""The work of an adaptation: bind, hash, measure, write: `python -m engine.learning.adaptation_worker FOLDER`.

It is a process like that of a round (engine.learning.round_worker), gone on with in the same way where it was killed.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.learning import adaptation_data, adaptation_metrics, gate, round_release
from engine.learning.adaptation_data import HELD, AdaptationData
from engine.learning.adaptation_fit import AdaptationPlan, fit_hash, fit_maps
from engine.learning.adapter_fit import adapt, adapters_of
from engine.learning.fit import FittedRound
from engine.learning.gate_metrics import holdout_rows, measure_queries, rating_rows
from engine.learning.round_worker import Coder, StageCheckpoint, calibration_tables, far_of, main, report_progress

if TYPE_CHECKING:
    from engine.model.release import Release

SHARES = (0.125, 0.25, 0.5)  # of the patients that are learnt from, for the curve by number of pairs
MAPS, CURVE, HASH = 0.4, 0.75, 0.9  # shares of the whole after each step
Heads = dict[str, np.ndarray]


def work(folder: Path, job: dict[str, Any]) -> str:
    """Bind, hash, measure and write; return the name of the release."""
    import torch

    from engine.model.release import load_release
    from engine.training.meter import start_meter

    torch.set_num_threads(1)
    begun, meter = time.monotonic(), start_meter()
    base, data = load_release(Path(job["base"])), adaptation_data.read(folder)
    plan = AdaptationPlan(**job["plan"])
    print(json.dumps({"pairs": data.counts()}), flush=True)
    report_progress(folder, "fitting", 0.0)
    done = StageCheckpoint(folder)
    adapters, adapted = adapt(data, adapters_of(base))
    heads = _maps(done, "maps", adapted, plan, base=base, span=(0.0, MAPS))
    curve = _curve(base, (data, adapted), plan, done, heads)
    layer = done.stage(
        "hash",
        plan.hash_steps,
        (CURVE, HASH),
        lambda **more: _layer(fit_hash(base.layer(), heads, base.heads, adapted, plan, **more)),
    )
    fitted = FittedRound(heads, layer["weight"].numpy(), layer["threshold"].numpy(), [])
    report_progress(folder, "measuring", HASH)
    after = Coder(base, fitted)
    figures = measured(base, after, data, adapted)
    rows = gate.apply_guards(gate_rows(base, after, data, adapted))
    report_progress(folder, "measuring", 0.97)
    about = {
        **job["about"],
        "adaptation": {**job["about"]["adaptation"], **figures, "curve": curve},
        "gate": gate.rows_as_json(rows),
        "seconds": round(time.monotonic() - begun, 1),
        "energy": meter.stop().as_dict(),
        "plan": asdict(plan),
    }
    made = round_release.write(
        Path(job["workspace"]),
        base,
        job["name"],
        fitted,
        calibration=calibration_tables(base, after, adapted.labels),
        about=about,
        adapters={part: {kind: one.arrays() for kind, one in found.items()} for part, found in adapters.items()},
    )
    print(f"{made.name} is written after {about['seconds']} s", flush=True)
    return made.name


def measured(base: Release, after: Coder, data: AdaptationData, adapted: AdaptationData) -> dict[str, Any]:
    """Return own pairs and labels found on held-out patients, before and after; adapted: the embeddings after."""
    ways = {"before": (base.mapped, base.codes), "after": (after.mapped, after.codes)}
    return {
        "own_pair": adaptation_metrics.own_pairs(data, ways, adapted),
        "label_map": adaptation_metrics.label_map(data.labels.holdout, ways, adapted.labels.holdout),
    }


def gate_rows(base: Release, after: Coder, data: AdaptationData, adapted: AdaptationData) -> list[gate.GateRow]:
    """Return the rows of a round's gate: labels of held-out patients, and the held-out ratings.

    Where encoders were adapted, held-out ratings are not measured: not every query is still there to be encoded anew.
    """
    times = ((base, data.labels), (after, adapted.labels))
    sides = [{m: one.codes(pool.z, m) for m, pool in labels.holdout.items()} for one, labels in times]
    rows = holdout_rows(measure_queries(data.labels.holdout, *sides))
    if adapted is not data:
        return rows
    return rows + rating_rows(data.labels.apart, data.labels.units, *(far_of(one, labels) for one, labels in times))


def _maps(
    done: StageCheckpoint,
    name: str,
    data: AdaptationData,
    plan: AdaptationPlan,
    *,
    base: Release,
    span: tuple[float, float],
) -> Heads:
    """Return the maps of a stage, fitted now or before the process was killed."""
    import torch

    def work(**more: Any) -> dict[str, torch.Tensor]:
        return {m: torch.from_numpy(head) for m, head in fit_maps(base.heads, data, plan, **more).items()}

    found: dict[str, torch.Tensor] = done.stage(name, plan.steps, span, work)
    return {m: head.numpy() for m, head in found.items()}


def _layer(fitted: FittedRound) -> dict[str, Any]:
    """Return the hash layer of a fit as it is kept."""
    import torch

    return {"weight": torch.from_numpy(fitted.weight), "threshold": torch.from_numpy(fitted.threshold)}


def _curve(
    base: Release,
    times: tuple[AdaptationData, AdaptationData],
    plan: AdaptationPlan,
    done: StageCheckpoint,
    heads: Heads,
) -> list[dict[str, Any]]:
    """Return how own pairs are found with what was learnt from some of the patients: what more pairs would bring.

    times : the data before, and with the embeddings after where encoders were adapted
    """
    data, adapted = times
    points, known = [_point("none", base.heads, data.fewer(0.0), base)], adapters_of(base)
    for number, share in enumerate(SHARES):
        some, span = data.fewer(share), (CURVE - MAPS) / len(SHARES)
        (_, some), at = adapt(some, known), MAPS + span * number
        made = _maps(done, f"share {share}", some, replace(plan, seed=plan.seed + 1), base=base, span=(at, at + span))
        points.append(_point(f"{share:g}", made, some, base))
    return [*points, _point("all", heads, adapted, base)]


def _point(share: str, heads: Heads, data: AdaptationData, base: Release) -> dict[str, Any]:
    """Return one point of the curve: pairs learnt from and R@10 by maps alone, of every two modalities."""
    layer = base.layer().state_dict()
    maps = Coder(base, FittedRound(heads, layer["weight"].numpy(), layer["threshold"].numpy(), []))
    found = {}
    for kinds, pairs in data.pairs.items():
        recall = adaptation_metrics.float_recall(data, kinds, maps.mapped)
        if recall is not None:
            found["-".join(kinds)] = {
                "pairs": int((pairs.part != HELD).sum()) if share != "none" else 0,
                "r_at_10": recall,
            }
    return {"share": share, "found": found}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), work))
