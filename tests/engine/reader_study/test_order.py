"""The order of reading: a crossover, balanced by reader, case, truth and time, the same again from its seed."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.reader_study.order import draw_order

TRUTH = [True] * 14 + [False] * 26


@pytest.mark.parametrize("readers", [1, 2, 5])
def test_every_reader_reads_every_case_once_in_each_session_and_in_each_arm(readers) -> None:
    order = draw_order(TRUTH, readers, seed=3)
    assert len(order) == 2 * readers * len(TRUTH)
    for reader in range(1, readers + 1):
        for session in (1, 2):
            part = [one for one in order if (one.reader, one.session) == (reader, session)]
            assert sorted(one.number for one in part) == list(range(1, 41))
            assert [one.place for one in part] == list(range(1, 41))
        arms = {(one.number, one.arm) for one in order if one.reader == reader}
        assert len(arms) == 2 * len(TRUTH)


def test_arms_are_balanced_in_a_session_among_cases_of_either_kind_and_in_each_block() -> None:
    order = draw_order(TRUTH, 4, seed=8)
    for reader in range(1, 5):
        first = [one for one in order if (one.reader, one.session) == (reader, 1)]
        assert Counter(one.arm for one in first) == {"with": 20, "without": 20}
        assert Counter(one.arm for one in first if TRUTH[one.number - 1]) == {"with": 7, "without": 7}
        for start in range(0, 40, 4):
            assert Counter(one.arm for one in first[start : start + 4]) == {"with": 2, "without": 2}


def test_a_pair_of_readers_is_balanced_over_each_case() -> None:
    first = {(one.reader, one.number): one.arm for one in draw_order(TRUTH, 4, seed=1) if one.session == 1}
    for number in range(1, 41):
        assert first[1, number] != first[2, number] and first[3, number] != first[4, number]
    assert any(first[1, number] != first[3, number] for number in range(1, 41))


def test_seeds_readers_and_sessions_have_orders_of_their_own() -> None:
    def numbers(seed: int, reader: int, session: int) -> list[int]:
        order = draw_order(TRUTH, 2, seed)
        return [one.number for one in order if (one.reader, one.session) == (reader, session)]

    assert draw_order(TRUTH, 2, 5) == draw_order(TRUTH, 2, 5)
    orders = [numbers(*which) for which in ((5, 1, 1), (6, 1, 1), (5, 2, 1), (5, 1, 2))]
    assert len({tuple(one) for one in orders}) == 4


def test_odd_numbers_leave_arms_one_apart() -> None:
    order = draw_order([True] * 5 + [False] * 6, 3, seed=2)
    for reader in range(1, 4):
        count = Counter(one.arm for one in order if (one.reader, one.session) == (reader, 1))
        assert abs(count["with"] - count["without"]) <= 1
