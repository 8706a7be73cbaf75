"""What sources.toml says of each open data set: addresses, licence, size, sums."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.datasets.recording import DATASETS
from engine.errors import UsageError

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Archive:
    """One archive: its address, its name here, its SHA-256 where that is known for certain, recordings in it or 0."""

    url: str
    name: str
    sha256: str = ""
    studies: int = 0


@dataclass(frozen=True)
class FetchSource:
    """One open data set as its publisher hands it out; see sources.toml for the fields."""

    name: str
    title: str
    dataset: str
    page: str
    megabytes: int
    studies: int
    terms: str = ""
    base: str = ""
    sums: str = ""
    tables: tuple[str, ...] = ()
    study: str = ""
    archives: tuple[Archive, ...] = ()
    by_hand: tuple[str, ...] = ()

    @property
    def attribution(self) -> str:
        """Whom to acknowledge."""
        return DATASETS[self.dataset]["attribution"]

    @property
    def licence(self) -> str:
        """The licence as datasets.toml states it."""
        return DATASETS[self.dataset]["licence"]

    @property
    def label_source(self) -> str:
        """Who labelled it."""
        return DATASETS[self.dataset]["label_source"]

    def study_of(self, path: str) -> str | None:
        """Return the recording that a published file belongs to, None for a file of no recording."""
        match = re.fullmatch(self.study, path) if self.study else None
        return match[1] if match else None


@lru_cache(maxsize=1)
def sources() -> dict[str, FetchSource]:
    """Return every open data set by its name, in the order of sources.toml."""
    table = tomllib.loads((Path(__file__).parent / "sources.toml").read_text(encoding="utf-8"))
    return {name: _source(name, row) for name, row in table.items()}


def source_of(name: str) -> FetchSource:
    """Return one data set; UsageError where it has another name."""
    found = next((one for one in sources().values() if _plain(one.name) == _plain(name)), None)
    if found is None:
        raise UsageError(f"No data set of that name is fetched: choose one of {', '.join(sources())}.")
    return found


def _plain(name: str) -> str:
    """Return a name as it is compared: "PTB-XL", "ptbxl" and "ptb_xl" are one."""
    return re.sub(r"[\W_]", "", name.lower())


def _source(name: str, row: dict[str, Any]) -> FetchSource:
    fields: dict[str, Any] = {field: tuple(value) if isinstance(value, list) else value for field, value in row.items()}
    fields |= {"name": name, "archives": tuple(Archive(**one) for one in row.get("archives", ()))}
    return FetchSource(**fields)
