"""Signing in, and the sessions that come of it. They are kept here, not in the cookie, so that one can be ended.

A session ends 15 minutes after its last click, 8 hours after it began (1 hour for an emergency), when it signs out,
when its account is closed, and when its password is set anew. A cookie that was copied is worth nothing afterwards.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import time
from dataclasses import dataclass, replace

from engine import counters
from engine.access import mode, passwords
from engine.access.accounts import digest
from engine.access.policies.emergency_use import opens_more
from engine.actor import USES, Actor, Use
from engine.errors import UsageError
from engine.store import attempts
from engine.store.acts import Act
from engine.store.people import People, StoredSession
from engine.strings import text

FREE_FAILURES = 5  # of one account from one address, or by one known browser, before each further attempt waits
FREE_OF_ADDRESS = 20  # many people of a department come from the address of one proxy
FREE_OF_ACCOUNT = 50  # from everywhere: whoever fails on purpose does not soon keep its owner out
WAIT_S = 60.0
WINDOW_S = 15 * 60.0
_HIDING = secrets.token_bytes(32)  # of this process alone: nobody can try out afterwards what was typed
UNKNOWN = Actor("unknown")  # a name without an account is not kept: it may be a password in the wrong field
EMERGENCY_S = 3600.0  # a session for an emergency lasts no longer
SHORTEST_REASON, LONGEST_REASON = 10, 200  # letters
IDLE, WHOLE = "nothing was pressed for too long", "it had lasted as long as a session may"  # why one ended by itself
NOTED_EVERY_S = 1.0  # clicks that follow sooner than this are not written once more


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in.

    number  : names the session in the record; not secret
    ends_in : seconds until it ends without a further click
    """

    number: str
    name: str
    roles: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    ends_in: float
    use: Use = "treatment"
    reason: str = ""

    def actor(self) -> Actor:
        """Return the actor that this session stands for."""
        return Actor(
            self.name,
            session=self.number,
            roles=self.roles,
            attributes=self.attributes,
            signed_in=True,
            use=self.use,
            reason=self.reason,
        )


class TooManyAttemptsError(UsageError):
    """Too many failed sign-ins; the sentence says how long to wait. The caller puts it on record, with `who` tried."""

    def __init__(self, sentence: str, who: Actor) -> None:
        super().__init__(sentence)
        self.who = who


def begin(
    people: People,
    name: str,
    password: str,
    address: str,
    *,
    use: str = "treatment",
    reason: str = "",
    browser: str = "",
) -> str:
    """Return the cookie of a new session; UsageError where name and password do not fit or it is too soon to try.

    use     : the purpose of use, of engine.actor.USES; an emergency needs a reason, which stands in the audit
    browser : the number of a browser by which this account was signed in before (engine.access.browsers), "" for none
    The sentence does not tell whether the account exists.
    """
    purpose, reason = check_purpose(use, reason)
    account = people.account(name)
    actor = Actor(name, roles=account.roles) if account is not None else UNKNOWN
    limits = _limits(name if account is not None else _hidden(name), _network(address), browser)
    attempt = attempts.reserve(people, limits, time.time(), window_s=WINDOW_S, wait_s=WAIT_S)
    if attempt.wait_s > 0:
        counters.refused("sign-in")
        raise TooManyAttemptsError(text("sign_in.too_many", seconds=attempt.wait_s), actor)
    kept = account.password if account is not None and account.closed_at is None else None
    if not passwords.matches(kept, password[: passwords.LONGEST + 1]):
        raise _refused(people, actor, text("sign_in.no_fit"), address)
    attempts.forget(people, attempt, [next(iter(limits))])
    token, number = secrets.token_urlsafe(32), secrets.token_hex(8)
    known = account.attributes if account is not None else ()
    signed_in = replace(actor, session=number, attributes=known, signed_in=True, use=purpose, reason=reason)
    if purpose == "emergency" and not opens_more(people.path.parent, signed_in):
        raise _refused(people, actor, text("purpose.nothing_more"), address)
    people.begin(number, digest(token), time.time(), actor=signed_in)
    return token


def _refused(people: People, who: Actor, sentence: str, address: str) -> UsageError:
    """Put a sign-in that is refused on record; return the error that says so."""
    counters.refused("sign-in")
    people.audit.append(who, Act("sign-in refused", refused=sentence, about={"address": address}))
    return UsageError(sentence)


def check_purpose(use: str, reason: str) -> tuple[Use, str]:
    """Return a purpose of use and the reason for it, which an emergency alone has; UsageError where it cannot stand."""
    words = " ".join(reason.split())[:LONGEST_REASON]
    for known in USES:
        if known == use:
            if known == "emergency" and len(words) < SHORTEST_REASON:
                raise UsageError(text("purpose.no_reason", least=SHORTEST_REASON))
            return known, words if known == "emergency" else ""
    raise UsageError(text("purpose.unknown"))


def live(people: People, token: str | None) -> Session | None:
    """Return the session of a cookie; None where there is none, or it has ended. Does not count as a click.

    One whose time is over is ended, with a row in the audit.
    """
    stored = people.by_token(digest(token)) if token else None
    return _standing(people, stored) if stored is not None else None


def end_expired(people: People) -> None:
    """End the sessions whose time is over and that nobody has asked about since."""
    for stored in people.sessions():
        _standing(people, stored)


def _standing(people: People, stored: StoredSession) -> Session | None:
    """Return a session where its time is not over; end it where it is."""
    session = of_stored(stored)
    if session.ends_in > 0:
        return session
    is_idle = stored.used_at + mode.idle_seconds() <= time.time()
    people.expire(stored, time.time(), why=IDLE if is_idle else WHOLE)
    return None


def of_stored(stored: StoredSession) -> Session:
    """Return a session as it stands now; it has expired where nothing is left of it."""
    left = _left(stored)
    return Session(stored.session, stored.name, stored.roles, stored.attributes, left, stored.use, stored.reason)


def use(people: People, session: Session) -> None:
    """Note a click: the idle time begins anew."""
    if mode.idle_seconds() - session.ends_in > NOTED_EVERY_S:
        people.use(session.number, time.time())


def end_by(people: People, number: str, actor: Actor) -> None:
    """End a session of somebody, by an administrator; one that has ended stays as it is."""
    people.end(number, time.time(), actor=actor)


def end(people: People, session: Session) -> None:
    """Sign out."""
    people.end(session.number, time.time(), actor=session.actor())


def _left(stored: StoredSession) -> float:
    """Return the seconds until a session ends by itself; a clock that went back ends none early."""
    now = time.time()
    whole = min(mode.session_seconds(), EMERGENCY_S) if stored.use == "emergency" else mode.session_seconds()
    return min(stored.used_at + mode.idle_seconds() - now, stored.began_at + whole - now)


def _limits(who: str, network: str, browser: str) -> dict[str, int]:
    """Return what an attempt counts for, and how many may fail; the first is forgotten by a success.

    A known browser counts for itself alone, so that nobody else's failures keep it out.
    """
    if browser:
        return {f"browser {browser} {who}": FREE_FAILURES}
    return {
        f"account {who} from {network}": FREE_FAILURES,
        f"account {who}": FREE_OF_ACCOUNT,
        f"address {network}": FREE_OF_ADDRESS,
    }


def _hidden(name: str) -> str:
    """Return what stands for a name without an account, which may be a password in the wrong field."""
    return hmac.digest(_HIDING, name.encode(), "sha256").hex()


def _network(address: str) -> str:
    """Return what attempts are counted by: an address, of IPv6 the /64 that one subscriber has (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
