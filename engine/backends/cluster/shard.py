"""One shard: the same snapshots, kernels and permits as the local search, of the codes that were sent here.

A shard runs in a process of its own at its site. It does one thing after the other, so a question sees every change
that was sent before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.backends.cluster.mask import Mask
from engine.backends.cluster.messages import Change, Key, Labels, Question, Reply, Rows, joined
from engine.index.packed import pieces
from engine.index.segment import Base
from engine.index.snapshot import Fresh, Hits, Permit, View, whole

PERMITS_KEPT = 32


@dataclass(frozen=True, eq=False)
class Held:
    """The codes of one release and modality: their snapshot, the ids of its base, and the version they are at."""

    view: View
    labels: Labels
    version: int

    def names(self, ordinals: np.ndarray) -> dict[int, str]:
        """Return ordinal → study id of studies that are here."""
        fresh = self.view.fresh
        came = dict(zip(np.asarray(fresh.columns.ordinals).tolist(), fresh.ids.tolist(), strict=True))
        old = np.array([one for one in ordinals.tolist() if one not in came], np.int64)
        return {**came, **dict(zip(old.tolist(), self.labels.take(self.view.base.places(old)), strict=True))}

    def after(self, change: Change, key: Key) -> Held:
        """Return what is held after a change; one that is in it already changes nothing."""
        if change.version <= self.version:
            return self
        view = self.view.without(change.gone) if change.gone.size else self.view
        new = change.new.get(key)
        if new is not None and new.n:
            ids = np.array(new.labels.take(np.arange(new.n)), object)
            view = view.plus(Fresh(ids, new.columns))
        return Held(view, self.labels, change.version)


class Shard:
    """The codes of one shard at one site, by release and modality."""

    def __init__(self) -> None:
        self._held: dict[Key, Held] = {}
        self._parts: dict[Key, list[Rows]] = {}
        self._permits: dict[tuple[str, Key], tuple[View, Permit]] = {}

    def version(self, key: Key) -> int | None:
        """Return the version of the codes, or None where they are not here; also shows that the shard is alive."""
        held = self._held.get(key)
        return None if held is None else held.version

    def begin(self, key: Key) -> None:
        """Forget what an earlier, broken off loading has left."""
        self._parts[key] = []

    def part(self, key: Key, rows: Rows) -> None:
        """Take in some of the codes, behind those that came before."""
        self._parts[key].append(rows)

    def finish(self, key: Key, version: int, repeats: Sequence[Change]) -> int:
        """Put the parts, which are of `version`, in the place of what was held; return how many codes there are.

        repeats : what changed while they were on their way
        """
        rows = joined(self._parts.pop(key))
        held = Held(whole(Base(rows.columns)), rows.labels, version)
        for change in repeats:
            held = held.after(change, key)
        _rehearse(held.view)
        self._held[key] = held
        return held.view.n

    def apply(self, change: Change) -> None:
        """Follow one change of the record; where one was missed, drop the codes rather than answer wrongly."""
        for key, held in list(self._held.items()):
            if key[0] == change.forgotten or change.version > held.version + 1:
                del self._held[key]
            else:
                self._held[key] = held.after(change, key)

    def ask(self, questions: Sequence[Question], *masks: Mask) -> list[Reply | None]:
        """Return a reply for every question under its mask; None where the codes are missing or behind."""
        return [self._answer(one, mask) for one, mask in zip(questions, masks, strict=True)]

    def _answer(self, asked: Question, mask: Mask) -> Reply | None:
        held = self._held.get(asked.key)
        if held is None or held.version < asked.version:
            return None
        permit = held.view.narrowed(self._permit(held.view, asked.key, mask), asked.denied)
        hits = held.view.nearest(asked.query, asked.k, asked.bits, permit, held.names, asked.radius)
        return _reply(hits, held)

    def _permit(self, view: View, key: Key, mask: Mask) -> Permit:
        """Return the mask as bits of the snapshot, the last ones where neither has changed."""
        known = self._permits.get((mask.name, key))
        if known is not None and known[0] is view:
            return known[1]
        named = mask.ordinals.array()
        permit = view.permit(ordinals=named) if mask.only else view.permit(denied=named)
        permit = view.narrowed(permit, _newer(view, mask.last))
        while len(self._permits) >= PERMITS_KEPT:
            del self._permits[next(iter(self._permits))]
        self._permits[mask.name, key] = (view, permit)
        return permit


def _rehearse(view: View) -> None:
    """Load kernels and look-ups now, so that the first question is answered as fast as the next ones."""
    permit = view.permit(denied=np.asarray(view.base.columns.ordinals[:1], np.int64))
    view.base.nearest(np.zeros(4, np.uint64), 1, 64, permit.base, permit.count)


def _newer(view: View, last: int) -> np.ndarray:
    """Return the ordinals, (m,) int64, of the studies that came after the one of ordinal `last`."""
    both = (view.base.columns.ordinals, view.fresh.columns.ordinals)
    return np.concatenate([np.empty(0, np.int64), *(part[part > last] for one in both for part in pieces(one))])


def _reply(hits: Hits, held: Held) -> Reply:
    names = held.names(hits.ordinals)
    return Reply([names[one] for one in hits.ordinals.tolist()], hits.ordinals, hits.distances, hits.patients)
