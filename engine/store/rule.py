"""What a record asks about an actor with an account: which classes of studies it sees, and what it may do.

engine.access.policies decides. A record to which nobody gave a rule shows an account nothing.
"""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from engine.actor import Actor

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


class AccessRule(Protocol):
    """Who may see and do what; safe to use from many threads."""

    def classes(self, actor: Actor) -> tuple[int, ...] | None:
        """Return the classes of studies that the actor sees; None for all."""

    def may(self, actor: Actor, act: Act) -> bool:
        """Return whether the actor may do something."""

    def look_again(self) -> None:
        """Have the classes of studies read again: there may be others."""
