"""A workspace of a few studies without models, and answers of it, for exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.answers import answer_of, ecg_query, neighbour
from helpers.studies import fill

from engine.retrieval.answer import Answer
from engine.study import Study
from engine.workspace.workspace import Workspace, open_workspace

Ask = Callable[..., Answer]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workspace]:
    """Twelve studies, three of every modality, of twelve patients."""
    with open_workspace(tmp_path / "small", create=True) as opened:
        fill(opened)
        yield opened


@pytest.fixture
def ask(place: Workspace) -> Ask:
    """Return an answer that holds every study of the workspace, ranked within its modality."""

    def made(query: Study | None = None, keep: int = 3, **changes: object) -> Answer:
        found = []
        for modality in ("cxr", "ecg", "ppg", "text"):
            rows = [row for row in place.all_rows() if row.modality == modality][:keep]
            found += [neighbour(rank, row, **changes) for rank, row in enumerate(rows, 1)]
        return answer_of(tuple(found), query or ecg_query())

    return made
