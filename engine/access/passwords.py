"""Passwords: what may be chosen, and how it is kept (argon2id, RFC 9106; rules after NIST SP 800-63B-4, section 3.1.1).

At least twelve characters of any kind, nothing that people choose often, and not the name itself.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import UsageError
from engine.strings import text

SHORTEST, LONGEST = 12, 256  # characters; the longest bounds what one request has hashed
AT_ONCE = 2  # checks at a time: each takes 64 MiB
# Of lists of leaked passwords those of twelve characters and more; shorter ones are refused by length.
COMMON = """
    123456789012 1234567890123 12345678901234 123456789abc 1q2w3e4r5t6y 1qaz2wsx3edc qwertyuiop12 qwertyuiop123
    qwerty123456 qwertyuiop[] abcdefghijkl abcd12345678 passwordpassword password1234 password12345 password123456
    password2026 administrator administrator1 iloveyou1234 letmeinletmein welcome12345 welcome123456 changeme1234
    changemenow1 qazwsxedcrfv zaq12wsxcde3 asdfghjkl123 superman1234 trustno1trustno1
"""
_hasher = PasswordHasher()
_turns = threading.BoundedSemaphore(AT_ONCE)


def check_choice(password: str, name: str) -> str:
    """Return the password as it is kept (Unicode NFKC); UsageError that says what is wrong with it."""
    chosen = unicodedata.normalize("NFKC", password)
    if len(chosen) < SHORTEST:
        raise UsageError(text("choose_password.short", n=len(chosen), least=SHORTEST))
    if len(chosen) > LONGEST:
        raise UsageError(text("choose_password.long", n=len(chosen), most=LONGEST))
    plain = chosen.casefold()
    if plain in COMMON.split() or len(set(plain)) < 4 or plain.replace(name.casefold(), "").strip("0123456789") == "":
        raise UsageError(text("choose_password.common"))
    return chosen


def hashed(password: str) -> str:
    """Return the argon2id string of a password that was checked."""
    with _turns:
        return _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Return whether a password is the one that is kept; an unknown name takes as long as a wrong password."""
    try:
        with _turns:
            return _hasher.verify(kept or _of_nobody(), unicodedata.normalize("NFKC", password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _of_nobody() -> str:
    return _hasher.hash("nobody has this password")
