"""`casebind evaluate active-learning`: what ratings of an oracle give, by query strategy, against ratings at random.

The oracle rates pairs of `test` studies of half the patients; P@10 is that of the other half's queries, which nobody
rated, in the whole collection, mean over the pairs of modalities. Partitions of the patients are pooled. The strategy
called best was chosen on `valid`. Two more arms say what is not the ratings' doing: the release before, and a round
that learns from the original pairs alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from engine.evaluate.learning.collection import ReplayCollection, ReplayData, load_replay_data
from engine.evaluate.learning.oracle import Rater
from engine.evaluate.learning.replay import NAMELESS, NONE, ORIGINAL, Point, replay_arm, replay_attack
from engine.evaluate.learning.scores import Scores, gain, mean_estimate
from engine.learning.fit import FitPlan
from engine.learning.strategies import BEST, RANDOM, STRATEGIES
from engine.metrics.resampling import Estimate
from engine.model.release import Release

ARMS = (*STRATEGIES, NAMELESS)  # beside those that the summary needs
ALWAYS = (NONE, ORIGINAL, RANDOM, BEST)
FLIPS = 0.3  # of the adversary's marks
FALL, PAIR_FALL, GUARDED = 0.02, 0.03, 30  # as engine.learning.gate: relative falls, and queries that a guard needs
Runs = dict[str, list[list[Point]]]  # arm → partition → points


@dataclass(frozen=True)
class Setting:
    """How much is replayed."""

    ratings: int = 300
    every: int = 50
    partitions: int = 20
    jobs: int = 2
    plan: FitPlan = field(default_factory=FitPlan)
    arms: tuple[str, ...] = ARMS


def evaluate(release: Release, path: Path, split: str, cache: Path, setting: Setting) -> dict[str, Any]:
    """Return the object that the command prints."""
    begun = time.monotonic()
    there = load_replay_data(release, path, split, cache)
    runs = replays(there, tuple(dict.fromkeys((*ALWAYS, *setting.arms))), setting)
    bad = adversary(there, load_replay_data(release, path, "valid", cache).collection, setting)
    return {
        "release": release.name,
        "split": split,
        "n": {"studies": len(there.collection), "patients": len(set(there.collection.patients))},
        "partitions": setting.partitions,
        **summary(runs, setting.ratings),
        "adversary": bad,
        "curves": {arm: curve(runs, arm) for arm in runs},
        "seconds": round(time.monotonic() - begun, 1),
    }


def replays(data: ReplayData, arms: Sequence[str], setting: Setting) -> Runs:
    """Replay every arm on every partition, several at once."""
    todo = [(arm, part) for part in range(setting.partitions) for arm in arms]
    amount = {"max_ratings": setting.ratings, "every": setting.every, "plan": setting.plan}
    done = _all(setting.jobs, [delayed(replay_arm)(data, arm, part, **amount) for arm, part in todo], "replays")
    return {arm: [points for (name, _), points in zip(todo, done, strict=True) if name == arm] for arm in arms}


def summary(runs: Runs, ratings: int) -> dict[str, Any]:
    """Return the gain of the best strategy at the end over none, by pair too, and what random needs for as much."""
    before, after = _at(runs, NONE, -1), _at(runs, BEST, -1)
    overall, pairs = gain([one.whole for one in before], [one.whole for one in after])
    unseen, _ = gain([one.unseen for one in before], [one.unseen for one in after])
    alone, _ = gain([one.whole for one in before], [one.whole for one in _at(runs, ORIGINAL, -1)])
    over, _ = gain([one.whole for one in _at(runs, ORIGINAL, -1)], [one.whole for one in after])
    worst = min(pairs, key=lambda kind: pairs[kind].value)
    return {
        "best": BEST,
        f"gain_at_{ratings}": round(overall.value, 4),
        "gain": overall.as_dict(),
        "gain_of_original_pairs_alone": alone.as_dict(),
        "gain_over_original_pairs_alone": over.as_dict(),
        "gain_among_unrated_studies_alone": unseen.as_dict(),
        "worst_pair": {"pair": worst, **pairs[worst].as_dict()},
        "pairs": {kind: one.as_dict() for kind, one in pairs.items()},
        "ratings_to_match_random": to_match(runs, BEST, RANDOM),
    }


def to_match(runs: Runs, arm: str, other: str) -> int | None:
    """Return after how many ratings an arm has the P@10 that another has at the end; None where it never has."""
    wanted = mean_estimate([one.whole for one in _at(runs, other, -1)]).value
    for at in range(len(runs[arm][0])):
        points = _at(runs, arm, at)
        if mean_estimate([one.whole for one in points]).value >= wanted:
            return points[0].ratings
    return None


def curve(runs: Runs, arm: str) -> list[dict[str, Any]]:
    """Return P@10 and mAP@10 of an arm after every round, with intervals by patient."""
    out = []
    for at in range(len(runs[arm][0])):
        points = _at(runs, arm, at)
        found = [one.whole for one in points]
        shown = {"p_at_10": mean_estimate(found).as_dict(), "map_at_10": mean_estimate(found, "average").as_dict()}
        relevant = float(np.mean([one.relevant for one in points]))
        share = {} if np.isnan(relevant) else {"marked_relevant": round(relevant, 3)}
        out.append({"ratings": points[0].ratings, **shown, **share})
    return out


def adversary(data: ReplayData, holdout: ReplayCollection, setting: Setting) -> dict[str, Any]:
    """Let one rater flip marks and say what is left of P@10: relied on, weighted by reliability, and behind the gate.

    frozen : of the output, the held-out split that the gate measures (`valid`); a round that falls there is refused
    """
    out: dict[str, Any] = {"flips": FLIPS, "frozen": "valid"}
    for name, weight in (("relied_on", 1.0), ("weighted", 1 - 2 * FLIPS)):
        amount = {"max_ratings": setting.ratings, "plan": setting.plan, "rater": Rater(FLIPS, weight)}
        parts = range(setting.partitions)
        done = _all(setting.jobs, [delayed(replay_attack)(data, holdout, part, **amount) for part in parts], name)
        through = [not refused(one.holdout_before, one.holdout_after) for one in done]
        before = [one.before for one in done]
        kept, _ = gain(before, [one.after for one in done])
        gated, _ = gain(before, [one.after if let else one.before for one, let in zip(done, through, strict=True)])
        out[name] = {"kept": _kept(kept), "kept_behind_gate": _kept(gated), "refused": len(done) - sum(through)}
    return out


def _all(jobs: int, calls: Sequence[Any], what: str) -> list[Any]:
    """Make the calls several at once, in order, and show how many are done."""
    from tqdm import tqdm

    done = Parallel(n_jobs=jobs, return_as="generator")(calls)
    return list(tqdm(done, total=len(calls), desc=what, leave=False, disable=None))


def refused(before: Scores, after: Scores) -> bool:
    """Say whether the gate refuses: P@10 falls by more than its limits, overall or of a pair of modalities."""
    overall, pairs = gain([before], [after])
    falls = [one.value < -PAIR_FALL for one in pairs.values() if one.n >= GUARDED]
    return overall.value < -FALL or any(falls)


def _kept(gained: Estimate) -> dict[str, float | int]:
    return {**gained.as_dict(), **{side: round(1 + getattr(gained, side), 4) for side in ("value", "low", "high")}}


def _at(runs: Runs, arm: str, index: int) -> list[Point]:
    return [points[index] for points in runs[arm]]


def as_table(result: dict[str, Any]) -> str:
    """Return the curves and what follows from them as plain lines."""
    last = {arm: points[-1] for arm, points in result["curves"].items()}
    lines = [f"{'strategy':<24}{'ratings':>8}  {'P@10':<24}{'mAP@10':<24}{'relevant':>8}"]
    for arm, points in result["curves"].items():
        for one in points:
            cells = [_cell(one["p_at_10"]), _cell(one["map_at_10"])]
            share = f"{one['marked_relevant']:.2f}" if "marked_relevant" in one else ""
            lines.append(f"{arm:<24}{one['ratings']:>8}  {cells[0]:<24}{cells[1]:<24}{share:>8}")
    gained, alone, worst = result["gain"], result["gain_of_original_pairs_alone"], result["worst_pair"]
    match = result["ratings_to_match_random"]
    lines += [
        "",
        f"{result['best']} after {last[result['best']]['ratings']} ratings: P@10 {_signed(gained)} on the release "
        f"before; the original pairs alone {_signed(alone)}; among studies that nobody rated"
        f" {_signed(result['gain_among_unrated_studies_alone'])}.",
        f"The pair that gains least: {worst['pair']} {_signed(worst)}.",
        f"It has what random ratings have in the end after {match if match is not None else 'none of its'} ratings.",
        *(_attack(name, result["adversary"][name]) for name in ("relied_on", "weighted")),
    ]
    return "\n".join(lines)


def _attack(name: str, attack: dict[str, Any]) -> str:
    kept, gated = (attack[key]["value"] for key in ("kept", "kept_behind_gate"))
    return (
        f"A rater who flips {FLIPS:.0%} of the marks, {name.replace('_', ' ')}: {kept:.3f} of P@10 is kept,"
        f" {gated:.3f} behind the gate, which refused {attack['refused']} rounds."
    )


def _cell(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.3f} ({estimate['low']:.3f}–{estimate['high']:.3f})"


def _signed(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:+.1%} ({estimate['low']:+.1%} to {estimate['high']:+.1%})"


def draw(result: dict[str, Any], out: Path) -> None:
    """Draw P@10 and mAP@10 against ratings, a band for each interval."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(11, 4.6), layout="constrained")
    for axes, of, label in zip(canvas.subplots(1, 2), ("p_at_10", "map_at_10"), ("P@10", "mAP@10"), strict=True):
        for number, (arm, points) in enumerate(result["curves"].items()):
            at, values = [one["ratings"] for one in points], [one[of]["value"] for one in points]
            if len(points) == 1:
                axes.axhline(values[0], color="0.45", linestyle=":" if arm == NONE else "--", label=arm)
                continue
            line = axes.plot(at, values, marker="osv^D*P"[number % 7], label=arm)[0]
            if arm in (RANDOM, result["best"]):
                low, high = ([one[of][side] for one in points] for side in ("low", "high"))
                axes.fill_between(at, low, high, alpha=0.15, color=line.get_color())
        axes.set(xlabel="ratings", ylabel=label)
    canvas.axes[1].legend(fontsize=8)
    canvas.savefig(out / "active-learning.png", dpi=150)
