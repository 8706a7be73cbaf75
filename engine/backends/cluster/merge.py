"""One answer of several: nearest first, equal distances by the study id, one study per patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.backends.cluster.messages import NO_ORDINALS, ShardReply
from engine.index.snapshot import Hits


def merge(replies: Sequence[ShardReply], k: int) -> Hits:
    """Return the k nearest of different patients.

    Every reply holds the k nearest patients of its shard, each by its nearest study there. A patient among the k
    nearest of all is among the k nearest of the shard that holds its nearest study, so nothing is missed.
    """
    if not replies:
        return Hits(NO_ORDINALS, NO_ORDINALS, NO_ORDINALS)
    ids = [one for reply in replies for one in reply.ids]
    ordinals, distances, patients = (
        np.concatenate([getattr(reply, name) for reply in replies]) for name in ("ordinals", "distances", "patients")
    )
    far = distances.tolist()
    order = np.array(sorted(range(len(ids)), key=lambda place: (far[place], ids[place])), np.int64)
    firsts = np.sort(np.unique(patients[order], return_index=True)[1])[:k]
    return Hits(ordinals, distances, patients).take(order[firsts])
