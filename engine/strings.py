"""Every word that Casebind says, on a page, in a print and in the shell: the only reader of assets/strings/en.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any

from engine.settings import ASSETS


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    """Return the whole file by section."""
    return tomllib.loads((ASSETS / "strings" / "en.toml").read_text(encoding="utf-8"))


def text(key: str, /, **values: object) -> str:
    """Return the string at "section.name" with `values` filled in; KeyError where it does not exist."""
    found: Any = _table()
    for part in key.split("."):
        found = found[part]
    return found.format(**values) if values else found


def one_of(section: str, name: str, default: str | None = None) -> str:
    """Return section.name if the file has it, else `default`, else the name itself."""
    found: str = _table().get(section, {}).get(name, name if default is None else default)
    return found


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
