"""Maps of pairs, ours beside the way they were made before: seconds of the processor to the same convergence gap.

Before: every piece of the straight path by two or three Gauss–Legendre nodes (captum), the worst pieces halved and
computed anew; films against a strong blur, traces against the zero line. Both are held to the limit of ours. What takes
more than MOST gradients counts as not converged; the ratio is of the pairs that both brought to an end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.explain.attribution import FILM_BATCH, TRACE_BATCH, embed, explain_pair, module_of, tensors
from engine.explain.coalition_maps import explain_by_coalitions
from engine.explain.convergence import rule_of
from engine.explain.geometry import blur_film
from engine.explain.maps import SMALL_RISE
from engine.explain.methods import warm_up
from engine.model.release import Release
from engine.settings import DEMO
from engine.study import Film, Study

VIEWS = (("cxr", "cxr"), ("cxr", "ecg"), ("ecg", "ecg"), ("ppg", "ppg"))
FILM_BLUR_PX = 20.0  # of 224, before
MOST = {"cxr": 64, "ecg": 480, "ppg": 480}  # gradients of one side, before
POOL = 40  # studies of one modality among which the nearest is sought
Studies = dict[str, list[tuple[str, Study]]]  # modality → (patient, study)


@dataclass(frozen=True)
class Timing:
    """One pair by one method: seconds of the processor, gradients of both sides, whether both sides converged."""

    seconds: float
    gradients: int
    converged: bool


def run(
    release: Release, pairs: int, recordings: Path | None, on_progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the object that `bench explain --json` prints: a row per view, of `pairs` queries each.

    recordings : of which the films and traces of `valid` are taken; None for the shipped cohort
    """
    warm_up()  # a server has imported what SHAP needs
    torch.set_num_threads(1)  # so that waiting for each other is no work
    pool = _recorded(recordings) if recordings else shipped_studies()
    rows = []
    for view in VIEWS:
        timings: list[tuple[Timing, Timing]] = []
        first: list[float] = []
        for number, (query, match) in enumerate(_nearest(release, pool, *view, pairs)):
            ways = (_before, _now) if number % 2 == 0 else (_now, _before)
            found = {way: way(release, query, match) for way in ways}
            timings.append((found[_before], found[_now]))
            first.append(_first_picture(release, query, match))
            on_progress(f"{' to '.join(view)}: {number + 1} of {pairs}")
        named = {"view": ">".join(view), "limit": max(rule_of(m).limit for m in view)}
        rows.append({**named, **_row(timings), "shap_first_s": round(float(np.mean(first)), 2)})
    return {"recordings": "valid" if recordings else "the shipped cohort", "pairs": pairs, "views": rows}


def as_lines(found: dict[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [f"Seconds of the processor for the maps of a pair, {found['recordings']}, nearest of another patient:"]
    for row in found["views"]:
        ratio = "no pair ended both ways" if row["ratio"] is None else f"{row['ratio']:.2f} of before (n {row['n']})"
        lines.append(
            f"{row['view']:9} {row['now_s']:6.1f} s, {row['now_gradients']:.0f} gradients, {row['now_converged']} of "
            f"{found['pairs']} converged; before {row['before_s']:.1f} s, {row['before_gradients']:.0f} gradients, "
            f"{row['before_converged']} converged: {ratio}; first picture by SHAP {row['shap_first_s']:.1f} s"
        )
    return "\n".join(lines)


def _row(timings: Sequence[tuple[Timing, Timing]]) -> dict[str, Any]:
    both = [(old.seconds, new.seconds) for old, new in timings if old.converged and new.converged]
    out: dict[str, Any] = {"n": len(both)}
    out["ratio"] = round(sum(new for _, new in both) / sum(old for old, _ in both), 3) if both else None
    for name, mine in (("before", [old for old, _ in timings]), ("now", [new for _, new in timings])):
        out[f"{name}_s"] = round(float(np.mean([one.seconds for one in mine])), 2)
        out[f"{name}_gradients"] = round(float(np.mean([one.gradients for one in mine])), 1)
        out[f"{name}_converged"] = sum(one.converged for one in mine)
    return out


def _now(release: Release, query: Study, match: Study) -> Timing:
    began = time.process_time()
    *_, maps = explain_pair(release, query, match)
    sides = [one for one in (maps.query, maps.match) if one is not None]
    spent = time.process_time() - began
    return Timing(spent, sum(one.steps for one in sides), all(one.converged for one in sides))


def _first_picture(release: Release, query: Study, match: Study) -> float:
    """Return seconds of the processor until SHAP has a first picture of both sides."""
    began = time.process_time()
    next(explain_by_coalitions(release, query, match))
    return time.process_time() - began


def _before(release: Release, query: Study, match: Study) -> Timing:
    began, gradients, converged = time.process_time(), 0, True
    embedded = [embed(release, one, tensors(release, one)) for one in (query, match)]
    for study, other in ((query, embedded[1]), (match, embedded[0])):
        steps, gap = _halving(release, study, other)
        gradients, converged = gradients + steps, converged and gap <= rule_of(study.modality).limit
    return Timing(time.process_time() - began, gradients, converged)


def _halving(release: Release, study: Study, other: torch.Tensor) -> tuple[int, float]:
    """Return gradients and convergence gap of one side by halved pieces."""
    from captum.attr import IntegratedGradients

    inputs = tensors(release, study)
    x, module, film = inputs.pop("x"), module_of(release, study), isinstance(study.content, Film)
    base, batch = _base(x, study), FILM_BATCH if film else TRACE_BATCH
    nodes, pieces, most = (2, 2, 1) if film else (3, 4, 2)

    def score(at: torch.Tensor) -> torch.Tensor:
        return module(x=at, **{name: value.expand(len(at), *value.shape) for name, value in inputs.items()}) @ other

    def height(share: float) -> float:
        with torch.no_grad():
            return float(score((base + share * (x - base))[None]))

    def measured(spans: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
        """Return (start, end, miss) of every piece."""
        starts, ends = (torch.stack([base + span[i] * (x - base) for span in spans]) for i in (0, 1))
        values = IntegratedGradients(score).attribute(
            ends, starts, n_steps=nodes, method="gausslegendre", internal_batch_size=max(batch, len(spans))
        )
        heights.update({a: height(a) for span in spans for a in span if a not in heights})
        sums = values.flatten(1).sum(1, dtype=torch.float64).tolist()
        return [(a, b, total - (heights[b] - heights[a])) for (a, b), total in zip(spans, sums, strict=True)]

    heights: dict[float, float] = {}
    done, steps = measured(list(pairwise(np.linspace(0, 1, pieces + 1).tolist()))), nodes * pieces
    rise = max(abs(heights[1.0] - heights[0.0]), SMALL_RISE)
    while True:
        gap = abs(sum(miss for *_, miss in done)) / rise
        if (gap <= rule_of(study.modality).limit and len(done) >= 4) or steps >= MOST[study.modality]:
            return steps, gap
        done.sort(key=lambda piece: -abs(piece[2]))
        halves = [half for a, b, _ in done[:most] for half in ((a, (a + b) / 2), ((a + b) / 2, b))]
        done, steps = done[most:] + measured(halves), steps + nodes * len(halves)


def _base(x: torch.Tensor, study: Study) -> torch.Tensor:
    if not isinstance(study.content, Film):
        return torch.zeros_like(x)
    return torch.from_numpy(blur_film(x[0].numpy(), study.content.pixels.shape[:2], FILM_BLUR_PX))[None]


def _nearest(release: Release, pool: Studies, query: str, match: str, pairs: int) -> list[tuple[Study, Study]]:
    """Return as many queries, each with the nearest study of another patient."""
    asked, there = pool[query], pool[match]
    near = release.embed([study for _, study in asked]) @ release.embed([study for _, study in there]).T
    near[np.array([[a == b for b, _ in there] for a, _ in asked])] = -2
    return [(asked[i][1], there[int(near[i].argmax())][1]) for i in range(min(pairs, len(asked)))]


def shipped_studies() -> Studies:
    """Return (patient, study) of the shipped cohort, by kind."""
    from engine.intake.paths import read_paths
    from engine.intake.upload import Answers

    kinds = {"cxr": ("*.jpg", Answers()), "ecg": ("*.hea", Answers()), "ppg": ("*.csv", Answers("ppg", 125.0, "au"))}
    return {
        kind: [(file.name[:8], read_paths([file], answers)) for file in sorted((DEMO / kind).glob(name))[:POOL]]
        for kind, (name, answers) in kinds.items()
    }


def _recorded(folder: Path) -> Studies:
    """Return recordings of `valid`, one of a patient, the same ones every time."""
    from engine.datasets.adapters import collect

    found, rng = collect([folder], split="valid"), np.random.default_rng(7)
    out: Studies = {}
    for kind in ("cxr", "ecg", "ppg"):
        mine = [one for one in found if one.modality == kind]
        one_each = {mine[i].patient_id: mine[i] for i in rng.permutation(len(mine))}
        out[kind] = [(patient, one.study()) for patient, one in list(one_each.items())[:POOL]]
    return out
