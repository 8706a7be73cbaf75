"""The parts of the cluster that need none: masks, ids as they travel, shards that were sent too little, merging."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from engine.backends.cluster.mask import ShardMask, pack_ordinals
from engine.backends.cluster.merge import merge
from engine.backends.cluster.messages import (
    NO_ORDINALS,
    CodeRows,
    ShardChange,
    ShardQuery,
    ShardReply,
    joined,
    pack_ids,
)
from engine.backends.cluster.shard import Shard
from engine.index.code_columns import Columns

KEY = ("r", "cxr")
ALL = ShardMask("all", False, pack_ordinals(NO_ORDINALS), 1000)


def rows(ids: list[str], first: int = 1) -> CodeRows:
    """Return codes that are all 0, of a patient each, with ordinals from `first` on."""
    ordinals = np.arange(first, first + len(ids))
    return CodeRows(pack_ids(ids), Columns(np.zeros((4, len(ids)), np.uint64), ordinals, ordinals))


def asked(shard: Shard, version: int, mask: ShardMask = ALL, denied: np.ndarray = NO_ORDINALS) -> list[str] | None:
    question = ShardQuery(KEY, version, np.zeros(4, np.uint64), 10, 64, None, denied)
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
    sent = pickle.loads(pickle.dumps(pack_ordinals(np.array(ordinals, np.int64))))
    assert sorted(sent.array().tolist()) == sorted(ordinals)
    assert sent.packed.nbytes <= min(8 * len(ordinals), (max(ordinals, default=0) // 8) + 1)


def test_ids_keep_their_letters() -> None:
    ids = ["a", "", "größer", "日本", "z" * 300]
    both = joined([rows(ids[:2]), rows(ids[2:], 3)])
    assert both.ids.take(np.arange(5)) == ids
    assert both.columns.ordinals.tolist() == [1, 2, 3, 4, 5]
    assert joined([]).n == 0


def test_a_shard_that_missed_a_change_answers_nothing() -> None:
    shard = loaded(["a", "b", "c"])
    assert asked(shard, 0) == ["a", "b", "c"]
    assert asked(shard, 1) is None
    shard.apply(ShardChange(1, removed=np.array([2])))
    assert asked(shard, 1) == ["a", "c"]
    shard.apply(ShardChange(3, added={KEY: rows(["d"], 4)}))  # the second never came
    assert asked(shard, 1) is None
    assert shard.version(KEY) is None


def test_a_change_that_is_in_the_load_counts_once() -> None:
    shard = loaded(["b", "c"], version=5)
    shard.apply(ShardChange(5, added={KEY: rows(["x"], 9)}))
    assert asked(shard, 5) == ["b", "c"]
    shard.apply(ShardChange(6, added={KEY: rows(["a"], 3)}))
    assert asked(shard, 6) == ["a", "b", "c"]
    shard.apply(ShardChange(7, dropped_release="r"))
    assert asked(shard, 0) is None


def test_what_came_after_the_mask_was_made_is_not_returned() -> None:
    shard = loaded(["b", "c"])
    shard.apply(ShardChange(1, added={KEY: rows(["a"], 30)}))
    assert asked(shard, 0, ShardMask("old", False, pack_ordinals(NO_ORDINALS), 29)) == ["b", "c"]
    assert asked(shard, 0, ShardMask("old too", False, pack_ordinals(np.array([1])), 29)) == ["c"]
    assert asked(shard, 0, ShardMask("new", True, pack_ordinals(np.array([1, 30])), 30)) == ["a", "b"]
    assert asked(shard, 0, ALL, denied=np.array([30])) == ["b", "c"]


def test_ties_go_to_the_smaller_id_and_a_patient_comes_once() -> None:
    def reply(*found: tuple[str, int, int]) -> ShardReply:
        ids, far, patients = ([one[place] for one in found] for place in range(3))
        return ShardReply(list(ids), np.arange(len(found)), np.array(far, np.int64), np.array(patients, np.int64))

    one, two = reply(("b", 1, 1), ("d", 2, 2)), reply(("a", 1, 3), ("c", 2, 1), ("e", 9, 4))
    hits = merge([one, two], 10)
    assert hits.patients.tolist() == [3, 1, 2, 4]
    assert hits.distances.tolist() == [1, 1, 2, 9]
    assert merge([one, two], 2).patients.tolist() == [3, 1]
    assert merge([], 5).ordinals.size == 0
