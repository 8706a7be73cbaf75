"""Who asks: the one value that every reading and writing entry point of the engine takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Purpose = Literal["retrieval", "training", "teaching"]
PURPOSES: tuple[Purpose, ...] = ("retrieval", "training", "teaching")
SINGLE_USER = "local"  # the name under which the one user of a loopback app rates and is audited


@dataclass(frozen=True)
class Actor:
    """A person or a process that acts.

    name       : as it stands in ratings and in the audit
    session    : the id of the session in which it acts; "" where there is none, as on the command line
    roles      : what it may do
    attributes : (key, value) pairs that policies read, e.g. ("department", "cardiology")
    purpose    : what it acts for; studies whose patients withdrew consent to that purpose stay out of its sight
    withheld   : encounters of cases in quizzes that are open to it and that it has not answered: out of its sight too
    """

    name: str
    session: str = ""
    roles: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    purpose: Purpose = "retrieval"
    withheld: tuple[str, ...] = ()

    def acting_for(self, purpose: Purpose) -> Actor:
        """Return the same actor with another purpose."""
        return replace(self, purpose=purpose)

    def seeing_all(self) -> Actor:
        """Return the same actor from whom nothing is withheld, for what concerns the collection and not the person."""
        return replace(self, withheld=())


def single_user() -> Actor:
    """Return the one user of an app or command line without sign-in."""
    return Actor(SINGLE_USER)
