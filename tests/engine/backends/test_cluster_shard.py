"""The parts of the cluster that need none: masks, ids as they travel, shards that were sent too little, merging."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from engine.backends.cluster.mask import Mask, packed
from engine.backends.cluster.merge import merge
from engine.backends.cluster.messages import NONE, Change, Question, Reply, Rows, joined, labels_of
from engine.backends.cluster.shard import Shard
from engine.index.code_columns import Columns

KEY = ("r", "cxr")
ALL = Mask("all", False, packed(NONE), 1000)


def rows(ids: list[str], first: int = 1) -> Rows:
    """Return codes that are all 0, of a patient each, with ordinals from `first` on."""
    ordinals = np.arange(first, first + len(ids))
    return Rows(labels_of(ids), Columns(np.zeros((4, len(ids)), np.uint64), ordinals, ordinals))


def asked(shard: Shard, version: int, mask: Mask = ALL, denied: np.ndarray = NONE) -> list[str] | None:
    question = Question(KEY, version, np.zeros(4, np.uint64), 10, 64, None, denied)
    (reply,) = shard.ask([question], mask)
    return None if reply is None else reply.ids


def loaded(ids: list[str], version: int = 0) -> Shard:
    shard = Shard()
    shard.begin(KEY)
    shard.part(KEY, rows(ids))
    shard.finish(KEY, version, [])
    return shard


@pytest.mark.parametrize("ordinals", [[], [5], [7, 3, 9], list(range(4, 900, 2)), [1, 10**9], list(range(500, 0, -1))])
def test_ordinals_travel_in_the_shorter_form(ordinals: list[int]) -> None:
    sent = pickle.loads(pickle.dumps(packed(np.array(ordinals, np.int64))))
    assert sorted(sent.array().tolist()) == sorted(ordinals)
    assert sent.packed.nbytes <= min(8 * len(ordinals), (max(ordinals, default=0) // 8) + 1)


def test_ids_keep_their_letters() -> None:
    ids = ["a", "", "größer", "日本", "z" * 300]
    both = joined([rows(ids[:2]), rows(ids[2:], 3)])
    assert both.labels.take(np.arange(5)) == ids
    assert both.columns.ordinals.tolist() == [1, 2, 3, 4, 5]
    assert joined([]).n == 0


def test_a_shard_that_missed_a_change_answers_nothing() -> None:
    shard = loaded(["a", "b", "c"])
    assert asked(shard, 0) == ["a", "b", "c"]
    assert asked(shard, 1) is None
    shard.apply(Change(1, gone=np.array([2])))
    assert asked(shard, 1) == ["a", "c"]
    shard.apply(Change(3, new={KEY: rows(["d"], 4)}))  # the second never came
    assert asked(shard, 1) is None
    assert shard.version(KEY) is None


def test_a_change_that_is_in_the_load_counts_once() -> None:
    shard = loaded(["b", "c"], version=5)
    shard.apply(Change(5, new={KEY: rows(["x"], 9)}))
    assert asked(shard, 5) == ["b", "c"]
    shard.apply(Change(6, new={KEY: rows(["a"], 3)}))
    assert asked(shard, 6) == ["a", "b", "c"]
    shard.apply(Change(7, forgotten="r"))
    assert asked(shard, 0) is None


def test_what_came_after_the_mask_was_made_is_not_returned() -> None:
    shard = loaded(["b", "c"])
    shard.apply(Change(1, new={KEY: rows(["a"], 30)}))
    assert asked(shard, 0, Mask("old", False, packed(NONE), 29)) == ["b", "c"]
    assert asked(shard, 0, Mask("old too", False, packed(np.array([1])), 29)) == ["c"]
    assert asked(shard, 0, Mask("new", True, packed(np.array([1, 30])), 30)) == ["a", "b"]
    assert asked(shard, 0, ALL, denied=np.array([30])) == ["b", "c"]


def test_ties_go_to_the_smaller_id_and_a_patient_comes_once() -> None:
    def reply(*found: tuple[str, int, int]) -> Reply:
        ids, far, patients = ([one[place] for one in found] for place in range(3))
        return Reply(list(ids), np.arange(len(found)), np.array(far, np.int64), np.array(patients, np.int64))

    one, two = reply(("b", 1, 1), ("d", 2, 2)), reply(("a", 1, 3), ("c", 2, 1), ("e", 9, 4))
    hits = merge([one, two], 10)
    assert hits.patients.tolist() == [3, 1, 2, 4]
    assert hits.distances.tolist() == [1, 1, 2, 9]
    assert merge([one, two], 2).patients.tolist() == [3, 1]
    assert merge([], 5).ordinals.size == 0
