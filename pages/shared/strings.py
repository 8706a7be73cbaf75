"""Every word the pages say, from one file per language (assets/strings/en.toml)."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

from engine.settings import ASSETS


@lru_cache(maxsize=4)
def _table(language: str) -> dict[str, Any]:
    return tomllib.loads((ASSETS / "strings" / f"{language}.toml").read_text(encoding="utf-8"))


def text(key: str, /, language: str = "en", **values: object) -> str:
    """Return the string at "section.name" with `values` filled in; KeyError where it does not exist."""
    found: Any = _table(language)
    for part in key.split("."):
        found = found[part]
    return found.format(**values) if values else found


def one_of(section: str, name: str, default: str | None = None) -> str:
    """Return section.name where the table has it, else `default`, else the name itself."""
    return _table("en").get(section, {}).get(name, name if default is None else default)


def several(n: int, key: str, **values: object) -> str:
    """Return key_one for n = 1 and key_many otherwise, with {n} filled in."""
    return text(f"{key}_{'one' if n == 1 else 'many'}", n=n, **values)
