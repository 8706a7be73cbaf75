"""The seam between a search and where the codes are: in this process, or at sites that each hold a share of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.index.snapshot import Hits
from engine.store.filters import Clause
from engine.study import Modality


@dataclass(frozen=True, eq=False)
class CodeQuery:
    """One question to the codes of one modality.

    query  : (4,) uint64, a packed code of which the first `bits` bits count
    k      : most neighbours, at most one per patient
    radius : bits that may differ at most; None for any number
    """

    query: np.ndarray
    k: int
    bits: int
    radius: int | None = None


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The nearest permitted studies by modality, and the sites that did not answer: theirs are not among them."""

    hits: dict[Modality, Hits]
    missing: tuple[str, ...] = ()


class Backend(Protocol):
    """What every place to search offers; safe to use from many threads."""

    def nearest(
        self, release: str, queries: Mapping[Modality, CodeQuery], clauses: Sequence[Clause], own: Clause | None = None
    ) -> SearchResult:
        """Return what consent, the clauses and the query's own patient leave nearest, all of one moment.

        Equal distances come in the order of the study ids.
        """

    def load(self, release: str, modalities: Sequence[Modality]) -> int:
        """Bring the codes to where they are searched; return the most that this process itself scans at once."""

    def close(self) -> None:
        """Let go of the codes."""
