"""What encryption at rest costs a query whose cases are shown: the same on a plain and on an encrypted copy, in turn.

A query is a file that is read, judged, encoded, searched with and stored; its cases are shown once the content of each
and its report were read and decoded. Drawing is left out, since it is the same for both. Each ratio is of one query on
both copies in one round, so what else the machine does meanwhile falls on both.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import single_user
from engine.bench.end_to_end import Source
from engine.errors import UsageError
from engine.retrieval.answer import Options
from engine.retrieval.search import search, warm_up
from engine.store.database import FILE_NAME
from engine.store.key_source import make_key_file
from engine.study import Modality
from engine.workspace import encrypting
from engine.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

BAR = 1.1  # a query may take so many times as long
COPIED = ("studies", "key", FILE_NAME)
PARTS = ("query", "search", "content", "processor")


@dataclass(frozen=True)
class Turn:
    """Milliseconds of one query on one copy.

    search : to the ranked list; content : of all cases, read and decoded; processor : of both, of the whole process
    """

    search: float
    content: float
    processor: float

    @property
    def query(self) -> float:
        """The whole."""
        return self.search + self.content


def run(workspace: Workspace, release: Release, sources: Sequence[Source], *, rounds: int, k: int) -> dict[str, Any]:
    """Return medians in milliseconds and of the ratios; a first round of warming is left out.

    Raises UsageError where the workspace is encrypted itself.
    """
    if workspace.files.is_encrypting:
        raise UsageError("This workspace is encrypted, so there is nothing plain to compare with: name another one.")
    kinds: list[Modality] = [read(workspace.key).modality for _, read in sources]
    warm_up(workspace, release, tuple(dict.fromkeys(kinds)))
    with _two_copies(workspace) as (plain, encrypted):
        pairs = [
            _in_turn(plain, encrypted, release, source, k=k, encrypted_first=bool(n % 2))
            for turn in range(rounds + 1)
            for n, source in enumerate(sources, start=turn)
        ][len(sources) :]
    found: dict[str, Any] = {
        "studies": sum(workspace.all_counts().values()),
        "files": [name for name, _ in sources],
        "k": k,
        "rounds": rounds,
        **{part: _compared([(getattr(a, part), getattr(b, part)) for a, b in pairs]) for part in PARTS},
    }
    return {**found, "bar": BAR, "within": found["query"]["ratio"] <= BAR}


def as_lines(found: dict[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [
        f"{len(found['files'])} files in {found['rounds']} rounds, {found['k']} cases of each modality among"
        f" {found['studies']:,} studies; medians, and the middle half of the ratios"
    ]
    names = ("query, cases shown", "to the ranked list", "content of the cases", "query, processor")
    for part, words in zip(PARTS, names, strict=True):
        one = found[part]
        lines.append(
            f"{words:<21} {one['plain_ms']:8.1f} ms plain {one['encrypted_ms']:8.1f} ms encrypted"
            f"   ratio {one['ratio']:.3f} ({one['ratio_p25']:.3f} to {one['ratio_p75']:.3f})"
        )
    return "\n".join([*lines, f"The whole is {'within' if found['within'] else 'NOT within'} {BAR} times."])


@contextmanager
def _two_copies(workspace: Workspace) -> Iterator[tuple[Workspace, Workspace]]:
    """Give a plain and an encrypted copy of a workspace, opened; both are thrown away."""
    with TemporaryDirectory(prefix="casebind-bench-") as folder:
        workspace.database.checkpoint()
        places = [Path(folder, name) for name in ("plain", "encrypted")]
        for place in places:
            place.mkdir()
            for name in COPIED:
                source = workspace.path / name
                (shutil.copytree if source.is_dir() else shutil.copyfile)(source, place / name)
        with open_workspace(places[0]) as plain, open_workspace(places[1]) as encrypted:
            key = f"file:{Path(folder, 'workspace.key')}"
            make_key_file(key)
            encrypting.begin(encrypted, key, actor=single_user())
            assert not encrypting.encrypt_plain(encrypted).left
            yield plain, encrypted


def _in_turn(
    plain: Workspace, encrypted: Workspace, release: Release, source: Source, *, k: int, encrypted_first: bool
) -> tuple[Turn, Turn]:
    """Ask both once; return what it took of the plain one and of the encrypted one."""
    order = (encrypted, plain) if encrypted_first else (plain, encrypted)
    taken = [_ask(place, release, source, k) for place in order]
    return (taken[1], taken[0]) if encrypted_first else (taken[0], taken[1])


def _ask(place: Workspace, release: Release, source: Source, k: int) -> Turn:
    name, read = source
    started, busy = time.perf_counter(), time.process_time()
    answer = search(place, release, read(place.key), Options(k=k), actor=single_user(), started=started)
    if not answer.verdict.accepted:
        raise UsageError(f"The quality gate refuses {name}, so it cannot be timed: name another file.")
    searched = time.perf_counter()
    for one in answer.neighbours:
        place.study(one.study_id, actor=single_user())
    shown = time.perf_counter()
    busy = time.process_time() - busy
    return Turn(1000 * (searched - started), 1000 * (shown - searched), 1000 * busy)


def _compared(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return medians of (plain, encrypted) pairs and of their ratios."""
    plain, encrypted = np.array(pairs).T
    low, middle, high = np.percentile(encrypted / plain, [25, 50, 75])
    return {
        "plain_ms": round(float(np.median(plain)), 2),
        "encrypted_ms": round(float(np.median(encrypted)), 2),
        "ratio": round(float(middle), 4),
        "ratio_p25": round(float(low), 4),
        "ratio_p75": round(float(high), 4),
    }
