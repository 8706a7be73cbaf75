"""From a file to a ranked list, by stage, beside the encoder alone and with each re-ranking; everything takes turns.

The encoder alone gets the study that the query's window left, as an object it has not seen, so that nothing a stage
before has computed is used again. Times are medians over rounds, in milliseconds; ratios are of one round.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.retrieval.answer import RERANKS, Options
from engine.retrieval.search import search, warm_up
from engine.store.database import FILE_NAME
from engine.study import Film, Modality, Study
from engine.workspace.manifest import MANIFEST_NAME, read_manifest
from engine.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

Source = tuple[str, Callable[[bytes], Study]]  # name, and what reads it with the workspace's key
STAGES = ("read", "quality", "encode", "search", "total")


@contextmanager
def copy_of(workspace: Workspace) -> Iterator[Workspace]:
    """Open a copy of a workspace's tables, so that timing leaves no queries and no audit in it; no study files."""
    with TemporaryDirectory(prefix="casebind-bench-") as folder:
        workspace.database.checkpoint()
        for name in (FILE_NAME, "key"):
            shutil.copyfile(workspace.path / name, Path(folder) / name)
        with open_workspace(folder) as copy:
            yield copy


def files_as_sources(files: Sequence[Path]) -> list[Source]:
    """Return files as what is timed."""
    from engine.intake.paths import read_paths

    return [(file.name, lambda key, file=file: read_paths([file], key=key)) for file in files]  # type: ignore[misc]


def examples(folder: Path) -> list[Source]:
    """Return the first study of each modality of a folder with a manifest."""
    first: dict[str, Source] = {}
    for entry in read_manifest(folder / MANIFEST_NAME):
        kind = entry.study_id.rsplit("-", 1)[-1]
        first.setdefault(kind, (entry.study_id, entry.load))
    return list(first.values())


def run(
    workspace: Workspace, release: Release, sources: Sequence[Source], *, rounds: int, bits: int, k: int
) -> dict[str, Any]:
    """Return the object that `bench e2e --json` prints: one entry per file."""
    kinds: list[Modality] = [read(workspace.key).modality for _, read in sources]
    warm_up(workspace, release, tuple(dict.fromkeys(kinds)))
    with copy_of(workspace) as copy:
        taken = [_rounds(copy, release, source, rounds=rounds, bits=bits, k=k) for source in sources]
    counts = workspace.all_counts()
    entries = [_summary(name, kind, one) for (name, _), kind, one in zip(sources, kinds, taken, strict=True)]
    return {"release": release.name, "bits": bits, "k": k, "rounds": rounds, "studies": counts, "files": entries}


def _rounds(
    workspace: Workspace, release: Release, source: Source, *, rounds: int, bits: int, k: int
) -> list[dict[str, dict[str, float]]]:
    """Return for each round the stages by re-ranking, and the encoder alone; a first round of warming is left out."""
    every = []
    for turn in range(rounds + 1):
        found, order = {}, [*RERANKS[turn % 3 :], *RERANKS[: turn % 3]]
        for rerank in order:
            found[rerank], study = _once(workspace, release, source, rerank, bits=bits, k=k)
        found["encoder"] = {"total": _alone(release, study)}
        every.append(found)
    return every[1:]


def _once(
    workspace: Workspace, release: Release, source: Source, rerank: str, *, bits: int, k: int
) -> tuple[dict[str, float], Study]:
    """Read one file and search with it; return milliseconds by stage, and the study that was searched."""
    name, read = source
    started = time.perf_counter()
    study = read(workspace.key)
    options = Options(k=k, bits=bits, rerank=rerank)
    answer = search(workspace, release, study, options, actor=Actor("bench"), started=started)
    if not answer.verdict.accepted:
        raise UsageError(f"The quality gate refuses {name}, so it cannot be timed to its neighbours: name another.")
    return answer.timing_ms, answer.study


def _alone(release: Release, study: Study) -> float:
    """Return the milliseconds of the encoder alone."""
    content = study.content
    fresh = replace(study, content=replace(content) if isinstance(content, Film) else content)
    begun = time.perf_counter()
    release.embed([fresh])
    return 1000 * (time.perf_counter() - begun)


def _summary(name: str, modality: str, taken: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    def median(values: list[float]) -> float:
        return round(float(np.median(values)), 2)

    plain = [one["none"] for one in taken]
    alone = [one["encoder"]["total"] for one in taken]
    return {
        "file": name,
        "modality": modality,
        "stages_ms": {stage: median([one[stage] for one in plain]) for stage in STAGES},
        "encoder_only_ms": median(alone),
        "ratio_vs_encoder_only": median([one["total"] / max(e, 1e-9) for one, e in zip(plain, alone, strict=True)]),
        "rerank_adds_ms": {
            method: median([one[method]["search"] - one["none"]["search"] for one in taken]) for method in RERANKS[1:]
        },
    }


def as_table(result: dict[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [
        f"From file to ranked list, ms, medians of {result['rounds']} rounds; release {result['release']}, "
        f"{result['bits']} bits, {result['k']} neighbours among {sum(result['studies'].values())} studies.",
        f"{'file':<28}" + "".join(f"{stage:>9}" for stage in STAGES) + "  encoder alone  ratio  asymmetric  embedding",
    ]
    for one in result["files"]:
        stages = "".join(f"{one['stages_ms'][stage]:>9.1f}" for stage in STAGES)
        adds = one["rerank_adds_ms"]
        lines.append(
            f"{one['file'][:27]:<28}{stages}{one['encoder_only_ms']:>15.1f}{one['ratio_vs_encoder_only']:>7.2f}"
            f"{adds['asymmetric']:>+12.1f}{adds['embedding']:>+11.1f}"
        )
    return "\n".join(lines)
