"""Every word that Casebind says, on a page, in a print and in the shell: assets/strings/en.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

from engine.settings import ASSETS


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """Return the whole file by section."""
    return tomllib.loads((ASSETS / "strings" / "en.toml").read_text(encoding="utf-8"))


def text(key: str, /, **values: object) -> str:
    """Return the string at "section.name" with `values` filled in; KeyError where it does not exist."""
    found: Any = table()
    for part in key.split("."):
        found = found[part]
    return found.format(**values) if values else found


def several(n: int, key: str, **values: object) -> str:
    """Return key_one for n = 1 and key_many otherwise, with {n} filled in."""
    return text(f"{key}_{'one' if n == 1 else 'many'}", n=n, **values)


def notice() -> str:
    """Return the sentence that stands on every page, in every picture and in every object."""
    return text("report.notice")


def kind(modality: str) -> str:
    """Return the word of one modality."""
    return text(f"modality_one.{modality}")


def mark(name: str) -> str:
    """Return the word of one mark."""
    return text(f"mark.{name}")
