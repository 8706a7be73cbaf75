"""Who asks: the one value that every reading and writing entry point of the engine takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Purpose = Literal["retrieval", "training", "teaching", "federation"]
PURPOSES: tuple[Purpose, ...] = ("retrieval", "training", "teaching", "federation")
Use = Literal["treatment", "teaching", "research", "operations", "emergency"]
USES: tuple[Use, ...] = ("treatment", "teaching", "research", "operations", "emergency")
ADMINISTRATOR = "administrator"
SINGLE_USER = "local"  # the name under which the one user of a loopback app rates and is audited


@dataclass(frozen=True)
class Actor:
    """A person or a process that acts.

    name       : as it stands in ratings and in the audit
    session    : the id of the session in which it acts; "" where there is none, as on the command line
    sign_in    : the number of the sign-in under which it acts, as the audit has it; "" where nobody signs in
    roles      : what an account may do
    attributes : (key, value) pairs that policies read, e.g. ("department", "cardiology")
    purpose    : what it acts for; studies whose patients withdrew consent to that purpose stay out of its sight
    withheld   : encounters of cases in quizzes and reader studies that are open to it: out of its sight too
    signed_in  : whether it came in by an account; without, it is the one user of the machine, who may do everything
    use        : the purpose of use that an account chose at sign-in, which policies read
    reason     : why, of an emergency
    """

    name: str
    session: str = ""
    roles: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    purpose: Purpose = "retrieval"
    withheld: tuple[str, ...] = ()
    signed_in: bool = False
    sign_in: str = ""
    use: Use = "treatment"
    reason: str = ""

    @property
    def scopes(self) -> tuple[Purpose, ...]:
        """What patients must have left open for the actor beside retrieval: the act's purpose, and the session's.

        A federation learns, so consent to training counts there too.
        """
        learning: tuple[Purpose, ...] = ("training",) if self.purpose == "federation" else ()
        session: tuple[Purpose, ...] = ("teaching",) if self.signed_in and self.use == "teaching" else ()
        return tuple(dict.fromkeys(one for one in (*learning, self.purpose, *session) if one != "retrieval"))

    @property
    def owners(self) -> tuple[str, ...]:
        """The names whose things are this actor's: the own one.

        What was made on the machine before people signed in has no account; administrators answer for it.
        """
        return (self.name, SINGLE_USER) if ADMINISTRATOR in self.roles else (self.name,)

    def may_open(self, owner: str, *, shared: bool = False) -> bool:
        """Return whether something is open to this actor: it is shared, its own, or nobody signs in.

        This is the one rule of ownership, for queries and uploads, marks, drawings, collections, quizzes and runs. What
        may not be opened is answered as if it did not exist.
        """
        return shared or not self.signed_in or owner in self.owners

    def acting_for(self, purpose: Purpose) -> Actor:
        """Return the same actor with another purpose."""
        return replace(self, purpose=purpose)

    def seeing_all(self) -> Actor:
        """Return the same actor from whom no case is withheld."""
        return replace(self, withheld=())

    def maintaining(self) -> Actor:
        """Return the actor as it acts for the collection as a whole, as a round does; what comes of it it may not see.

        Consent to its purpose counts, what its account may see does not.
        """
        return replace(self, withheld=(), signed_in=False)


def single_user() -> Actor:
    """Return the one user of an app or command line without sign-in."""
    return Actor(SINGLE_USER)
