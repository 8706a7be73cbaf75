"""Is a neighbour the query itself? The same content in another file, or nearly: re-encoded, resampled, cut shorter.

Equal content is known by its fingerprint. What is nearly equal lies within a few bits, and is then compared itself: two
films as small pictures, two traces by their correlation where they overlap best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.actor import Actor
from engine.errors import CasebindError
from engine.retrieval.answer import Neighbour
from engine.signals import at_rate, fill_gaps
from engine.store import studies
from engine.store.records import StoredQuery, StudyRow
from engine.study import Film, Study, Trace
from engine.workspace.workspace import Workspace

NEAR_SHARE = 0.15  # of the bits: further than that, no copy of the studies here lay when it was re-encoded
SIDE = 48  # of the small pictures
FILM_ALIKE, TRACE_ALIKE = 0.985, 0.97  # correlations that no two patients of the shipped collection reach
COMPARED_HZ = 100.0
MOST_COMPARED = 10_000  # pairs of contents whose comparison is remembered
_compared: dict[tuple[str, str], bool] = {}  # fingerprints of query and study → whether they seem to be the same


def equal_content(workspace: Workspace, stored: StoredQuery, *, actor: Actor) -> tuple[str, ...]:
    """Return the studies whose content is that of the query, without the query itself; equal words are no identity."""
    if not _is_recording(stored.study):
        return ()
    same = studies.with_fingerprint(workspace.database, actor, stored.study.fingerprint)
    return tuple(study_id for study_id in same if study_id != stored.query_id)


def marked(
    workspace: Workspace, stored: StoredQuery, neighbours: Sequence[Neighbour], *, actor: Actor
) -> tuple[Neighbour, ...]:
    """Return the neighbours, those marked that seem to be the query's own recording or film."""
    if not _is_recording(stored.study):
        return tuple(neighbours)
    near = [one.study_id for one in neighbours if _is_near(stored.study, one)]
    rows = workspace.rows(near, actor=actor) if near else []
    copies = {row.study_id for row in rows if _is_copy(workspace, stored.study, row)}
    return tuple(replace(one, same_recording=True) if one.study_id in copies else one for one in neighbours)


def _is_recording(study: Study) -> bool:
    """Say whether a study is a whole recording or film."""
    return study.modality != "text" and not study.facts.get("like") and not study.facts.get("part_of")


def _is_near(study: Study, neighbour: Neighbour) -> bool:
    return neighbour.modality == study.modality and neighbour.hamming <= NEAR_SHARE * neighbour.bits


def _is_copy(workspace: Workspace, study: Study, row: StudyRow) -> bool:
    """Say whether a study seems to be a query's recording; the same pair is asked for at every change of a setting."""
    pair = study.fingerprint, row.fingerprint
    if pair in _compared and all(pair):
        return _compared[pair]
    try:
        same = seems_same(study, workspace.study_of(row))
    except CasebindError:  # deleted meanwhile, or its file is damaged: nothing is said of it
        return False
    if len(_compared) >= MOST_COMPARED:
        _compared.clear()
    _compared[pair] = same
    return same


def seems_same(one: Study, other: Study) -> bool:
    """Say whether two studies of one modality seem to be the same recording or film."""
    if one.modality != other.modality:
        return False
    if isinstance(one.content, Film) and isinstance(other.content, Film):
        return _correlation(_small(one.content), _small(other.content)) >= FILM_ALIKE
    if isinstance(one.content, Trace) and isinstance(other.content, Trace):
        return trace_likeness(one.content, other.content) >= TRACE_ALIKE
    return False


def trace_likeness(one: Trace, other: Trace) -> float:
    """Return the median over common leads of the largest correlation at any lag, −1..1; −1 without a common lead."""
    from scipy.signal import correlate

    found = []
    for lead in [lead for lead in one.leads if lead in other.leads][:3]:
        long, short = sorted((_at_rate(one, lead), _at_rate(other, lead)), key=len, reverse=True)
        if len(short) < COMPARED_HZ:
            continue
        short = short - short.mean()
        products = correlate(long, short, mode="valid", method="fft")
        width = len(short)
        sums, squares = (np.concatenate([[0.0], np.cumsum(values)]) for values in (long, long**2))
        total, energy = sums[width:] - sums[:-width], squares[width:] - squares[:-width]
        spread = np.sqrt(np.maximum(energy - total**2 / width, 0) * (short**2).sum())
        found.append(float(np.max(np.divide(products, spread, out=np.full(len(products), -1.0), where=spread > 0))))
    return float(np.median(found)) if found else -1.0


def _at_rate(trace: Trace, lead: str) -> np.ndarray:
    """Return one lead at 100 Hz, (n,)."""
    row = trace.samples[trace.leads.index(lead)].astype(np.float64)
    return np.asarray(at_rate(fill_gaps(row[None]), trace.fs, COMPARED_HZ)[0])


def _small(film: Film) -> np.ndarray:
    """Return a film as SIDE × SIDE means of its greys."""
    pixels = film.pixels.astype(np.float64)
    for axis in (0, 1):
        edges = np.linspace(0, pixels.shape[axis], SIDE + 1).astype(int)[:-1]
        counts = np.diff(np.append(edges, pixels.shape[axis]))
        shape = (-1, 1) if axis == 0 else (1, -1)
        pixels = np.add.reduceat(pixels, edges, axis=axis) / counts.reshape(shape)
    return pixels


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
