"""Taking studies in, by stage, beside the encoder alone on the same studies in batches of the same size.

Ingest, its stages and the encoder take turns, round after round; times are medians over rounds, ratios of one round.
The encoder alone gets studies as objects that it has not seen, so that nothing the gate has computed is used again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import CasebindError, UsageError
from engine.store.records import Cohort
from engine.study import Film, Study
from engine.workspace.ingest import ingest
from engine.workspace.manifest import StudyEntry
from engine.workspace.pipeline import BATCH
from engine.workspace.workspace import open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

COHORT = Cohort("bench", "", "", False, "")
KEY = b"bench"


def spread(entries: Sequence[StudyEntry], n: int) -> list[StudyEntry]:
    """Return n entries from all over a list, in its order; all where there are fewer."""
    places = np.unique(np.linspace(0, len(entries) - 1, min(n, len(entries))).round().astype(int))
    return [entries[place] for place in places]


def run(release: Release, entries: Sequence[StudyEntry], rounds: int) -> dict[str, Any]:
    """Return the object that `bench ingest --json` prints; UsageError where no entry can be taken in."""
    release.load()
    taken = [_round(release, entries) for _ in range(rounds + 1)][1:]
    if not taken[0]["accepted"]:
        raise UsageError("None of these studies is accepted, so there is nothing to time: name another manifest.")
    names = ("read", "quality", "encode", "store", "ingest", "encoder_only")
    seconds = {name: round(float(np.median([one[name] for one in taken])), 3) for name in names}
    ratio = float(np.median([one["ingest"] / max(one["encoder_only"], 1e-9) for one in taken]))
    accepted = int(taken[0]["accepted"])
    return {
        "release": release.name,
        "rounds": rounds,
        "batch": BATCH,
        "studies": len(entries),
        "accepted": accepted,
        "seconds": seconds,
        "studies_per_s": round(accepted / seconds["ingest"], 2),
        "encoder_only_studies_per_s": round(accepted / max(seconds["encoder_only"], 1e-9), 2),
        "ratio_vs_encoder_only": round(ratio, 3),
    }


def _round(release: Release, entries: Sequence[StudyEntry]) -> dict[str, float]:
    """Return the seconds of one ingest, of its stages on their own, and of the encoder alone."""
    found = _stages(release, entries)
    with TemporaryDirectory(prefix="casebind-bench-") as folder, open_workspace(folder, create=True) as place:
        begun = time.perf_counter()
        summary = ingest(place, release, release.digest, COHORT, entries)
        found["ingest"] = time.perf_counter() - begun
    found["accepted"] = summary.ingested
    found["store"] = max(0.0, found["ingest"] - found["read"] - found["quality"] - found["encode"])
    return found


def _stages(release: Release, entries: Sequence[StudyEntry]) -> dict[str, float]:
    """Read, judge and encode in batches as ingest does; what ingest takes beyond these is storing."""
    spent = dict.fromkeys(("read", "quality", "encode", "encoder_only"), 0.0)
    for first in range(0, len(entries), BATCH):
        studies: list[Study] = []
        for entry in entries[first : first + BATCH]:
            try:
                _taken_in(entry, studies, spent)
            except CasebindError:
                continue  # ingest skips it with the same sentence
        if studies:
            for name, batch in (("encode", studies), ("encoder_only", [unseen(one) for one in studies])):
                begun = time.perf_counter()
                release.embed(batch)
                spent[name] += time.perf_counter() - begun
    return spent


def _taken_in(entry: StudyEntry, studies: list[Study], spent: dict[str, float]) -> None:
    from engine.intake.quality.judge import choose_window, judge

    begun = time.perf_counter()
    study = entry.load(KEY)
    read = time.perf_counter()
    study = choose_window(study)
    accepted = judge(study).accepted
    spent["read"] += read - begun
    spent["quality"] += time.perf_counter() - read
    if accepted:
        studies.append(study)


def unseen(study: Study) -> Study:
    """Return a study as an object of which nothing is computed yet."""
    content = study.content
    return replace(study, content=replace(content) if isinstance(content, Film) else content)


def as_lines(result: dict[str, Any]) -> str:
    """Return the figures for a person."""
    spent = result["seconds"]
    stages = ", ".join(f"{name} {spent[name]:.2f} s" for name in ("read", "quality", "encode", "store"))
    return (
        f"{result['accepted']} of {result['studies']} studies taken in within {spent['ingest']:.2f} s "
        f"({result['studies_per_s']:.1f}/s; {stages}), {result['ratio_vs_encoder_only']:.2f} x the time of the encoder "
        f"alone ({spent['encoder_only']:.2f} s, {result['encoder_only_studies_per_s']:.1f}/s); medians of "
        f"{result['rounds']} rounds."
    )


def entries_at(path: Path) -> Sequence[StudyEntry]:
    """Return the entries of a manifest or of a folder that holds one."""
    from engine.workspace.manifest import MANIFEST_NAME, read_manifest

    return read_manifest(path / MANIFEST_NAME if path.is_dir() else path)
