"""The table of a simulated federation: P@10 by arm and site, a hostile site, noise, and what an update gives away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.evaluate.federation.arms import (
    ALONE,
    BEFORE,
    NOISES,
    POOLED,
    TOGETHER,
    WITHOUT,
    SimulatedFederation,
    SimulationSetting,
    noisy_arm,
    shared_bytes,
    simulated,
)
from engine.evaluate.federation.membership import FALSE_RATE, Guesses, chance, roc_area, true_rate
from engine.evaluate.learning.collection import ReplayData
from engine.evaluate.learning.scores import Scores, gain, mean_estimate
from engine.evaluate.plots import intervals
from engine.federation.privacy import DELTA, epsilon
from engine.federation.state import SharedState, state_of
from engine.metrics.resampling import Estimate
from engine.metrics.rows import Measurement, ResultRow
from engine.model.release import Release

METRIC, RATIO, RATE = "P@10", "ratio", f"true positives at {FALSE_RATE:.0%} false"
Progress = Callable[[str], object]


def evaluate(data: ReplayData, release: Release, split: str, setting: SimulationSetting, say: Progress) -> Measurement:
    """Simulate on the studies of a split; half of every site's patients teach, the other half measure.

    say : told what is done next
    """
    start, found = state_of(release), []
    for number in range(setting.partitions):
        say(f"sites drawn the {number + 1}. time of {setting.partitions}")
        found.append(simulated(data, start, setting, number))
    rows = [*site_rows(found), *hostile_rows(found), *noise_rows(found, setting), *membership_rows(found)]
    return Measurement("federation", release.name, split, rows, notes(data, start, setting))


def site_rows(found: Sequence[SimulatedFederation]) -> Iterator[ResultRow]:
    """Yield every arm's P@10 over all sites and at each, and how the arms compare on the same queries."""
    arms = list(found[0].by_site)
    for arm in arms:
        every = [joined_scores(list(one.by_site[arm].values())) for one in found]
        yield _row("all sites", arm, every)
    for arm, other in ((TOGETHER, POOLED), (TOGETHER, ALONE), (TOGETHER, BEFORE), (POOLED, BEFORE)):
        mine, its = ([joined_scores(list(one.by_site[a].values())) for one in found] for a in (arm, other))
        yield _ratio("all sites", f"{arm} ÷ {other}", its, mine)
    for number, one in enumerate(found):
        for site, (patients, ratings) in one.sizes.items():
            for arm in (ALONE, TOGETHER, POOLED):
                where = f"drawing {number + 1}, {site}: {patients} teach, {ratings} ratings"
                yield _row(where, arm, [one.by_site[arm][site]])


def hostile_rows(found: Sequence[SimulatedFederation]) -> Iterator[ResultRow]:
    """Yield P@10 of the honest sites beside a hostile one, by rule, and in how many rounds it alone was left out."""
    without = [one.hostile[WITHOUT] for one in found]
    yield _row("one hostile site", WITHOUT, without)
    for arm in found[0].named:
        named = float(np.mean([one.named[arm] for one in found]))
        row = _ratio("one hostile site", f"{arm} ÷ {WITHOUT}", without, [one.hostile[arm] for one in found])
        yield ResultRow(row.task, row.method, row.figures, row.patients, more={"left out alone": f"{named:.0%}"})


def noise_rows(found: Sequence[SimulatedFederation], setting: SimulationSetting) -> Iterator[ResultRow]:
    """Yield what noise costs, and what it promises."""
    plain = [joined_scores(list(one.by_site[TOGETHER].values())) for one in found]
    for noise in NOISES:
        mine = [joined_scores(list(one.by_site[noisy_arm(noise)].values())) for one in found]
        row = _ratio("noise", f"{noisy_arm(noise)} ÷ {TOGETHER}", plain, mine)
        promised = f"ε {epsilon(noise, setting.plan.rounds):.3g} at δ {DELTA:g}"
        yield ResultRow(row.task, row.method, row.figures, row.patients, more={"promises": promised})


def membership_rows(found: Sequence[SimulatedFederation]) -> Iterator[ResultRow]:
    """Yield how well whose recordings were learnt from is told, by what is seen."""
    for what in found[0].seen:
        guesses: list[Guesses] = [one for each in found for one in each.seen[what]]
        rate = true_rate(guesses)
        more = {"told apart": f"AUROC {roc_area(guesses):.2f}"}
        yield ResultRow("membership", what, {RATE: rate}, rate.n, chance={RATE: chance(guesses)}, more=more)


def notes(data: ReplayData, start: SharedState, setting: SimulationSetting) -> tuple[str, ...]:
    """Return what the figures stand on."""
    plan, c = setting.plan, data.collection
    travels = shared_bytes(start, setting.sites, plan.rounds) / 1e6
    return (
        f"{len(c)} studies of {len(set(c.patients.tolist()))} patients, shared out to {setting.sites} sites, unequally "
        f"in size and findings, {setting.partitions} times. Half of each site's patients teach, the others' studies "
        f"are searched with among each other. Each site has its share of {setting.ratings} ratings.",
        f"{plan.rounds} rounds of {plan.steps} steps; {travels:.1f} MB travel in all, {start.bytes / 1e6:.2f} MB a way."
        " Alone and in one place, it is learnt for as many steps.",
        "The attack on membership knows the state before, the update and the recordings of whom it asks about.",
        f"A hostile site is one of {setting.hostile_sites}; robust rules count sites alike and expect one.",
    )


def joined_scores(parts: Sequence[Scores]) -> Scores:
    """Put the queries of several sites together."""
    fields = ("kind", "patient", "precision", "average")
    return Scores(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw P@10 of every arm."""
    return intervals(measurement, (METRIC,), folder)


def _row(task: str, method: str, found: Sequence[Scores]) -> ResultRow:
    figure = mean_estimate(found)
    return ResultRow(task, method, {METRIC: figure}, figure.n)


def _ratio(task: str, method: str, before: Sequence[Scores], after: Sequence[Scores]) -> ResultRow:
    """Return how many times the P@10 of one arm another has, the same patients drawn on both sides."""
    change, _ = gain(before, after)
    figure = Estimate(1 + change.value, 1 + change.low, 1 + change.high, change.n)
    return ResultRow(task, method, {RATIO: figure}, figure.n)
