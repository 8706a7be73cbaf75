"""When the monitor raises an alarm, and how often that is false.

Each window of a signal gives a p-value, and that an e-value, κ·p^(κ−1) (Vovk and Wang 2021), whose mean is at most 1
while nothing has shifted. The evidence is their running product, begun anew wherever it falls below 1: an e-detector of
the CUSUM kind (Shin, Ramdas and Rinaldo 2023). It crosses 1/α on average no sooner than after 1/α windows, whatever the
distribution, so α is what a signal may spend: together one false alarm in 30 days of 100 queries. The evidence is
halved at each window, as the reference value of a CUSUM does, so that the bound holds, too, where a reference of few
patients makes windows look twice as unlikely as they are.

A p-value alone grows small with any difference. Where the effect is below what matters, an e-value counts as 1 at most,
which can only lower the evidence. A stream is held against every reference that it may be like, and the least evidence
counts: an alarm says that it is like none of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.store.alarms import LOOK, STOP, Level, SignalWindow

KAPPA = 0.3  # of the e-value
ALLOWANCE = 0.5  # of the evidence stays at each window: a reference of few patients is itself off by chance
A_MONTH = 3000  # queries in 30 days of 100; in so many one false alarm may be raised, over all signals together
STOP_TIMES = 10.0  # as much evidence as a look, so one false alarm in ten months


@dataclass(frozen=True)
class Signal:
    """One thing that is watched.

    size     : patients of a window
    matters  : the least effect that counts
    stops    : whether an alarm can ask for a reason before a promotion
    misleads : whether answers to queries of that source carry a sentence while it stands
    """

    name: str
    size: int
    matters: float
    stops: bool = False
    misleads: bool = False


SIGNALS: dict[str, Signal] = {
    one.name: one
    for one in (
        Signal("embedding", 10, 0.06, stops=True, misleads=True),
        Signal("distance", 10, 0.30, stops=True, misleads=True),
        Signal("bits", 20, 0.40, stops=True, misleads=True),
        Signal("nothing close", 20, 0.15, misleads=True),
        Signal("ratings", 50, 0.15, stops=True, misleads=True),
        Signal("refusals", 20, 0.10),
        Signal("quality", 10, 0.35),
        Signal("groups", 20, 0.25),
        Signal("latency", 20, 1.0),
    )
}


@dataclass(frozen=True)
class ShiftEvidence:
    """The evidence of a stream after its last window.

    value   : an e-value, the least over the references. reference: the one that the stream is most like
    queries : since that evidence began to grow. last: the window of that reference
    """

    value: float
    reference: str
    queries: int
    last: SignalWindow


def e_value(p: float, effect: float, signal: Signal) -> float:
    """Return the evidence of one window against "nothing has shifted"; at most 1 where the effect does not matter."""
    found = KAPPA * max(p, 1e-12) ** (KAPPA - 1.0)
    return found if effect >= signal.matters else min(found, 1.0)


def limit(signal: Signal, level: Level = LOOK) -> float:
    """Return the evidence at which an alarm is raised: 1/α, α = windows' share of one false alarm a month."""
    alone = A_MONTH * len(SIGNALS) / signal.size
    return alone * (STOP_TIMES if level == STOP else 1.0)


def evidence(signal: Signal, windows: Iterable[SignalWindow]) -> ShiftEvidence | None:
    """Return the evidence of one stream from its windows, in the order of their ends; None where there are none."""
    by_reference: dict[str, list[SignalWindow]] = defaultdict(list)
    for one in windows:
        by_reference[one.reference].append(one)
    if not by_reference:
        return None
    newest = max(one.ended_at for mine in by_reference.values() for one in mine)
    found = [_grown(signal, mine) for mine in by_reference.values() if mine[-1].ended_at == newest]
    return min(found, key=lambda one: (one.value, one.reference))


def level_of(signal: Signal, found: ShiftEvidence) -> Level | None:
    """Return the level of the alarm that evidence raises; None where it raises none."""
    if signal.stops and found.value >= limit(signal, STOP):
        return STOP
    return LOOK if found.value >= limit(signal) else None


def since(windows: Sequence[SignalWindow], moment: datetime | None) -> list[SignalWindow]:
    """Return the windows that began after a moment, such as the last acknowledgement."""
    return [one for one in windows if moment is None or one.began_at > moment]


def _grown(signal: Signal, windows: Sequence[SignalWindow]) -> ShiftEvidence:
    value, queries = 0.0, 0
    for one in windows:
        queries = one.n if value <= 1.0 else queries + one.n
        value = max(value, 1.0) * e_value(one.p, one.effect, signal) * ALLOWANCE
    return ShiftEvidence(value, windows[-1].reference, queries, windows[-1])
