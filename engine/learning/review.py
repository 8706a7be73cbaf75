"""A rater at a queue: which pair is next, which mark was last, how far it is. All of it is read from what is stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.actor import Actor
from engine.learning.queue import Offer, QueueSpec, check, may_be_shown, queue
from engine.store import permission, ratings, review_queues
from engine.store.records import Rating
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release


@dataclass(frozen=True)
class Review:
    """offers : of the queue, in their order, without those that may no longer be shown

    given : the rater's own marks and skips on them that count, by pair; dropped : offers that may no longer be shown
    """

    queue: review_queues.Queue
    offers: tuple[Offer, ...]
    given: dict[tuple[str, str], Rating]
    dropped: int

    @property
    def who(self) -> str:
        """The rater."""
        return self.queue.who

    @property
    def done(self) -> int:
        """How many offers are rated or skipped."""
        return len(self.given)

    @property
    def total(self) -> int:
        """How many offers there are."""
        return len(self.offers)

    @property
    def next(self) -> Offer | None:
        """The first offer that is neither rated nor skipped, or None at the end."""
        return next((one for one in self.offers if one.pair not in self.given), None)

    @property
    def last(self) -> Rating | None:
        """The mark that was given last, or None at the beginning."""
        return max(self.given.values(), key=lambda one: one.rating_id, default=None)

    @property
    def counts(self) -> Counter[str]:
        """Mark → how often it was given."""
        return Counter(one.mark for one in self.given.values())

    def position(self, pair: tuple[str, str]) -> int:
        """Return the number of a pair in the queue, from 1."""
        return 1 + [one.pair for one in self.offers].index(pair)


def begin(workspace: Workspace, release: Release, actor: Actor, spec: QueueSpec) -> Review:
    """Return the review of this rater, strategy, size and seed, begun where there is none; what is offered is audited.

    Raises UsageError where a name, strategy or size cannot stand.
    """
    permission.require(workspace.database, actor, "review")
    actor = replace(actor, name=ratings.rater_name(actor.name))
    check(spec)

    known = find(workspace, actor, spec)
    if known is not None:
        return known

    def make_offers() -> tuple[str, list[review_queues.OfferedPair]]:
        offers = queue(workspace, release, actor, spec)
        ids = sorted({one for offer in offers for one in offer.pair})
        about = f"queue {spec.strategy}, {spec.n} pairs, seed {spec.seed}"
        workspace.audit("review", actor=actor, returned=tuple(ids), release=release.name, filters=about)
        return release.name, [(*one.pair, one.score, one.random_share) for one in offers]

    asked = (actor.name, spec.strategy, spec.n, spec.seed)
    return as_found(workspace, actor, review_queues.begin(workspace.database, *asked, make=make_offers))


def find(workspace: Workspace, actor: Actor, spec: QueueSpec) -> Review | None:
    """Return the review of this rater, strategy, size and seed, or None where it was never begun."""
    stored = review_queues.find(workspace.database, actor.name, spec.strategy, spec.n, spec.seed)
    return None if stored is None else as_found(workspace, actor, stored)


def open_reviews(workspace: Workspace, actor: Actor) -> list[Review]:
    """Return the rater's newest reviews that are not at their end, newest first."""
    found = [as_found(workspace, actor, one) for one in review_queues.queues_of(workspace.database, actor.name)]
    return [one for one in found if one.next is not None]


def as_found(workspace: Workspace, actor: Actor, stored: review_queues.Queue) -> Review:
    """Return a stored queue as the rater finds it now."""
    offers = [Offer(q, s, stored.strategy, score, at_random) for q, s, score, at_random in stored.pairs]
    ids = {one for offer in offers for one in offer.pair}
    permitted = may_be_shown(workspace, actor, ids)
    shown = tuple(one for one in offers if permitted.issuperset(one.pair))
    pairs = {one.pair for one in shown}
    given = {one.pair: one for one in workspace.ratings(actor=actor, skips=True) if one.pair in pairs}
    return Review(stored, shown, given, len(offers) - len(shown))
