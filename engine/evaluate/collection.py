"""`casebind evaluate calibration --workspace DIR`: does what is stated of neighbours hold in this collection?

The collection's own studies ask, in five folds by patient: what is stated to one fold was counted on the four others.
With `--recordings`, recordings of a split ask as uploads do, and what is stated to them is what the workspace states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.evaluate.tables import table
from engine.index.hamming import words_of
from engine.learning.collection_calibration import to_ship
from engine.learning.counted_pairs import CountedQuery, Seen, as_bits, observe, own_queries, targets_of
from engine.metrics.classifying import calibration_error, reliability
from engine.metrics.counted import Cell, Observations, cell_for, cells_of
from engine.retrieval.calibration import RECORDED, as_cell
from engine.workspace.demo import COHORT
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

FOLDS = 5
CONFIDENT = 0.6  # a share from which a reader takes it that two studies share a finding
USUAL = ("nih-cxr14", "PTB-XL", "BIDMC PPG and Respiration", "PPG-BP (Liang 2018)")  # what the cohort is made after


@dataclass(frozen=True)
class Recorded:
    """The open recordings of one split, and where their embeddings are kept."""

    path: Path
    split: str
    cache: Path


def evaluate(workspace: Workspace, release: Release, asked: Recorded | None, bits: int = 256) -> dict[str, Any]:
    """Return stated and observed share by pair of modalities, of the collection's own studies and of recordings."""
    targets = targets_of(workspace, release)
    rows, far = [], []
    for seen in observe(own_queries(workspace, release, targets), targets):
        if seen.bits == bits:
            for (cohort, origin), observed in seen.parts.items():
                about = {"source": seen.source, "target": seen.into, "cohort": cohort, "queries": origin}
                rows.append({**about, **figures(_in_folds(observed, bits), observed)})
            far += _far(workspace, release, seen)
    if asked is not None:
        rows += _of_recordings(workspace, release, asked, bits)
        recorded = observe(recorded_queries(release, asked), targets)
        far += [row for seen in recorded if seen.bits == bits for row in _far(workspace, release, seen)]
    return {
        "release": release.name,
        "bits": bits,
        "split": None if asked is None else asked.split,
        "rows": rows,
        "nothing_close": far,
    }


def _far(workspace: Workspace, release: Release, seen: Seen) -> list[dict[str, Any]]:
    """Return how often the nearest is further than what is called close, by whose queries, within one modality."""
    counts: Mapping[str, Any] = (workspace.calibration(release.digest) or {"pairs": {}})["pairs"]
    limits = counts.get(f"{seen.source}>{seen.into}", {}).get(str(seen.bits), {}).get("close", {})
    if seen.source != seen.into:
        return []
    out = []
    for name in sorted({query.source for query, _ in seen.nearest}):
        mine = [(far, limits.get(query.origin)) for query, far in seen.nearest if query.source == name]
        beyond = [far > limit for far, limit in mine if limit is not None]
        if beyond:
            about = {"source": seen.source, "target": seen.into, "queries": name, "n": len(beyond)}
            out.append({**about, "share": round(sum(beyond) / len(beyond), 4)})
    return out


def figures(stated: np.ndarray, observed: Observations) -> dict[str, Any]:
    """Return what is stated and what holds, over the pairs of which something is stated.

    stated : (n,) float, NaN where nothing is
    """
    said = np.isfinite(stated)
    share, truth = stated[said], observed.sharing[said]
    if not said.any():
        return {"pairs": 0, "counted": len(observed), "stated": None, "observed": None, "ece": None, "confident": None}
    bins = reliability(share, truth)
    sure = share >= CONFIDENT
    return {
        "pairs": int(said.sum()),
        "counted": len(observed),
        "patients": len(set(observed.patients[said])),
        "stated": round(float(share.mean()), 4),
        "observed": round(float(truth.mean()), 4),
        "ece": round(float(calibration_error(*bins)), 4),
        "confident": {
            "pairs": int(sure.sum()),
            "observed": round(float(truth[sure].mean()), 4) if sure.any() else None,
        },
    }


def _mean(values: np.ndarray) -> float | None:
    return round(float(values.mean()), 4) if values.size else None


def state(cells: Sequence[Cell], observed: Observations) -> np.ndarray:
    """Return what the cells state of each pair, (n,) float, NaN where nothing may be claimed."""
    found = [cell_for(cells, int(v), int(d)) for v, d in zip(observed.agreeing, observed.distance, strict=True)]
    return np.array([cell.share if cell is not None and cell.claimed else np.nan for cell in found])


def _in_folds(observed: Observations, bits: int) -> np.ndarray:
    """Return what is stated of each pair when its query's patient was not counted, (n,) float."""
    names = np.unique(observed.patients)
    fold_of = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % FOLDS, strict=True))
    fold, stated = np.array([fold_of[name] for name in observed.patients]), np.full(len(observed), np.nan)
    for number in range(FOLDS):
        out = fold == number
        if out.any():
            stated[out] = state(cells_of(observed.take(~out), bits), observed.take(out))
    return stated


def _of_recordings(workspace: Workspace, release: Release, asked: Recorded, bits: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each data set that has enough to say."""
    counts: Mapping[str, Any] = (workspace.calibration(release.digest) or {"pairs": {}})["pairs"]
    for seen in observe(recorded_queries(release, asked), targets_of(workspace, release)):
        for (cohort, _), observed in seen.parts.items() if seen.bits == bits else ():
            stored = counts.get(f"{seen.source}>{seen.into}", {}).get(str(bits), {}).get("cells", {})
            cells = [as_cell(row) for row in stored.get(cohort, {}).get(RECORDED, [])]
            for name in np.unique(observed.sources):
                part = observed.take(observed.sources == name)
                about = {"source": seen.source, "target": seen.into, "cohort": cohort, "queries": str(name)}
                yield {**about, **figures(state(cells, part), part)}


def recorded_queries(release: Release, asked: Recorded) -> list[CountedQuery]:
    """Return the labelled recordings of one split as queries, one window each."""
    out = []
    for modality in ("cxr", "ecg", "ppg"):
        whole = table(release, asked.path, modality, asked.split, cache=asked.cache)
        whole = whole.take(whole.window == 0)
        words = words_of(release.codes(whole.z, modality))
        for recording, code in zip(whole.recordings, words, strict=True):
            if recording.labels:
                about = recording.patient_id, recording.dataset, RECORDED
                out.append(CountedQuery(modality, code, frozenset(), as_bits(recording.labels), *about))
    return out


def shipped(workspace: Workspace, release: Release, asked: Recorded) -> dict[str, Any]:
    """Return what is to be shipped beside the demonstration cohort: recordings of one split as queries to it."""
    queries = recorded_queries(release, asked)
    found = to_ship(queries, targets_of(workspace, release), release, COHORT.name, USUAL)
    counts = {name: sum(query.source == name for query in queries) for name in sorted({q.source for q in queries})}
    return {"split": asked.split, "recordings": counts, **found}


def as_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the figures as a table."""
    lines = [
        f"{'pair':<12}{'queries':<34}{'pairs':>7}{'stated':>8}{'observed':>10}{'ECE':>7}{'≥ 60 % said':>13}{'holds':>7}"
    ]
    for row in found["rows"]:
        head = f"{row['source']}→{row['target']:<8}"[:12].ljust(12) + f"{row['queries'][:32]:<34}{row['pairs']:>7}"
        if not row["pairs"]:
            lines.append(f"{head}  nothing is stated ({row['counted']} pairs)")
            continue
        sure = row["confident"]
        holds = "" if sure["observed"] is None else f"{sure['observed']:.2f}"
        lines.append(
            f"{head}{row['stated']:>8.2f}{row['observed']:>10.2f}{row['ece']:>7.3f}{sure['pairs']:>13}{holds:>7}"
        )
    lines.append("\nqueries of which even the nearest of their own modality is not called close")
    lines += [
        f"{row['source']:<12}{row['queries'][:32]:<34}{row['n']:>7}{row['share']:>8.0%}"
        for row in found["nothing_close"]
    ]
    return lines
