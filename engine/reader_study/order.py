"""Who reads which case in which arm, and in which order: a crossover, randomised by case and reader, from a seed.

In the first session a reader reads half of the cases with neighbours and half without, of cases in which the first
finding is present as of others; in the second session the other way round. Readers go in pairs: what one reads first
without neighbours the other reads first with them, so that over a pair each case is balanced. Within a session arms
change in blocks of four, two of each in random order, so that neither arm comes early or late.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from engine.store.reader_studies import ARMS, SESSIONS, Arm, OrderedReading

BLOCK: tuple[Arm, ...] = (*ARMS, *ARMS)
OTHER: dict[Arm, Arm] = {"without": "with", "with": "without"}


def draw_order(truth: Sequence[bool], readers: int, seed: int) -> list[OrderedReading]:
    """Return every reading of a study, by reader, session and place, all counted from 1.

    truth : of the cases' first finding, in the order of their numbers, which count from 1
    The same arguments give the same order.
    """
    found: list[OrderedReading] = []
    for reader in range(1, readers + 1):
        first = _first_arms(truth, random.Random(f"{seed} pair {(reader - 1) // 2}"))
        if reader % 2 == 0:
            first = {number: OTHER[arm] for number, arm in first.items()}
        for session in SESSIONS:
            arms = first if session == 1 else {number: OTHER[arm] for number, arm in first.items()}
            places = _in_blocks(arms, random.Random(f"{seed} reader {reader} session {session}"))
            found += [
                OrderedReading(reader, session, place, number, arms[number])
                for place, number in enumerate(places, start=1)
            ]
    return found


def _first_arms(truth: Sequence[bool], rng: random.Random) -> dict[int, Arm]:
    """Return number → arm of the first session, half of the cases of either kind in each."""
    arms, at = {}, rng.randrange(2)
    for kind in (False, True):
        numbers = [number for number, one in enumerate(truth, start=1) if one == kind]
        rng.shuffle(numbers)
        for number in numbers:
            arms[number] = ARMS[at % 2]
            at += 1  # goes on over the kinds, so that all cases are balanced too
    return arms


def _in_blocks(arms: dict[int, Arm], rng: random.Random) -> list[int]:
    """Return the numbers in an order whose arms are balanced in blocks."""
    left = {arm: [number for number, one in arms.items() if one == arm] for arm in ARMS}
    for numbers in left.values():
        rng.shuffle(numbers)
    placed: list[int] = []
    while any(left.values()):
        for arm in rng.sample(BLOCK, len(BLOCK)):
            if left[arm]:
                placed.append(left[arm].pop())
    return placed
