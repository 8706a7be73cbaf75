"""Every word that Casebind says, on a page, in a print and in the shell: the only reader of assets/strings.

One file a language, assets/strings/<code>.toml, with the same keys; English is the first and stands where another file
lacks a key. The language is that of whoever asks: the pages say by `ask_for_language` where the choice of a session
is kept, and `speaking` sets it for a stretch of code. Outside of both it is English: the shell, the record, DICOM.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from engine.settings import ASSETS

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "es", "fr")
_spoken: ContextVar[str] = ContextVar("language", default="")
_sources: list[Callable[[], str]] = []  # at most one


@lru_cache(maxsize=len(LANGUAGES))
def table(code: str) -> dict[str, dict[str, str]]:
    """Return the file of a language by section and name."""
    return tomllib.loads((ASSETS / "strings" / f"{code}.toml").read_text(encoding="utf-8"))


def language() -> str:
    """Return the code of the language that is spoken here and now."""
    return _spoken.get() or (_sources[0]() if _sources else ENGLISH)


def ask_for_language(source: Callable[[], str]) -> None:
    """Let `source` say the language of whoever asks; it is called in that one's thread."""
    _sources[:] = [source]


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak a language until the block ends, whatever the session speaks."""
    before = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(before)


def _find(section: str, name: str) -> str | None:
    for code in (language(), ENGLISH):
        if (found := table(code).get(section, {}).get(name)) is not None:
            return found
    return None


def text(key: str, /, **values: object) -> str:
    """Return the string at "section.name" with `values` filled in; KeyError where it does not exist."""
    found = _find(*key.split(".", 1))
    if found is None:
        raise KeyError(key)
    return _WORDS.vformat(found, (), values) if values else found


def number(n: int) -> str:
    """Return a whole number, its thousands apart: by a comma in English, elsewhere by a narrow space.

    A comma is the decimal sign of the other languages: 1,234 would be read as little more than one.
    """
    written = f"{n:,}"
    return written if language() == ENGLISH else written.replace(",", "\u202f")


class _Words(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        """Return a value as its place in a string asks for it; {n:,} is a `number`."""
        return number(value) if format_spec == "," else str(super().format_field(value, format_spec))


_WORDS = _Words()


def section(name: str, /) -> dict[str, str]:
    """Return a whole section, for what is drawn in the browser; KeyError where it does not exist."""
    return {**table(ENGLISH)[name], **table(language()).get(name, {})}


def one_of(section: str, name: str, default: str | None = None) -> str:
    """Return section.name if the file has it, else `default`, else the name itself."""
    found = _find(section, name)
    return found if found is not None else name if default is None else default


def several(n: int, key: str, **values: object) -> str:
    """Return key_one for n = 1 and key_many otherwise, with {n} filled in."""
    return text(f"{key}_{'one' if n == 1 else 'many'}", n=n, **values)


def notice() -> str:
    """Return what stands on every page, in every picture and in every file, without a full stop."""
    return text("notice.sentence", short=text("notice.short"))


def kind(modality: str) -> str:
    """Return the word of one modality."""
    return text(f"modality_one.{modality}")


def mark(name: str) -> str:
    """Return the word of one mark: relevant, partly, irrelevant or skip."""
    return text(f"mark.{name}")
