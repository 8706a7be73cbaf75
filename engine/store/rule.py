"""What a record asks about an actor with an account: which classes of studies it sees, and what it may do.

engine.access.policies decides. A record to which nobody gave a rule shows an account nothing.
"""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from engine import counters
from engine.actor import Actor
from engine.errors import NotPermittedError

Act = Literal[
    "search",
    "rate",
    "review",
    "collect",
    "teach",
    "learn",
    "export",
    "curate",
    "fetch",
    "receive",
    "consent",
    "record",
    "people",
]
ACTS: tuple[Act, ...] = get_args(Act)


NOT_YOURS = "That is not among what your roles may do: ask your administrator, or sign in with another account."


class AccessRule(Protocol):
    """Who may see and do what; safe to use from many threads."""

    def classes(self, actor: Actor) -> tuple[int, ...] | None:
        """Return the classes of studies that the actor sees; None for all."""

    def may(self, actor: Actor, act: Act) -> bool:
        """Return whether the actor may do something."""

    def look_again(self) -> None:
        """Have the classes of studies read again: there may be others."""


def may(rule: AccessRule | None, actor: Actor, act: Act) -> bool:
    """Return whether a rule lets the actor do something; without sign-in one person does everything."""
    return not actor.signed_in or (rule is not None and rule.may(actor, act))


def require(rule: AccessRule | None, actor: Actor, act: Act) -> None:
    """Raise NotPermittedError unless a rule lets the actor do something."""
    if not may(rule, actor, act):
        counters.refused("permission")
        raise NotPermittedError(NOT_YOURS)
