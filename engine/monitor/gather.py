"""What a run of the monitor is given: the queries since the last windows, and what they are compared with.

The database belongs to the process that has it open, so that is where this is read; the arithmetic is in a process of
its own (engine.monitor.worker). Arrays hold projected embeddings, codes and plain figures by row number, and no id of a
patient, a study or a query.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.index.hamming import words_of
from engine.model import profile
from engine.model.release import base_of
from engine.monitor.groups import group_of
from engine.monitor.rule import SIGNALS, Signal
from engine.settings import MODELS
from engine.store import alarms, observations
from engine.store.alarms import Acknowledgement, SignalWindow
from engine.store.observations import Observed
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

COLLECTION, OWN, STATED, EARLIER = "collection", "own", "stated", "earlier"
LEAST_OWN, MOST_OWN = 50, 100  # queries of a source that say what is usual for it, once that was acknowledged
MOST_USUAL = 300  # studies of a collection whose nearest say what is usual there
FAR = 0.02  # "nothing close" of queries like the collection's: close is what 99 in 100 of its own are
ACCEPTED_ONLY = frozenset({"embedding", "distance", "bits", "nothing close", "quality", "latency"})
Stream = tuple[str, str]  # modality, source


@dataclass(frozen=True)
class WindowTask:
    """One window that is to be computed.

    rows      : of the modality's arrays, or of the rated pairs. against: names of references
    own       : rows that say what is usual for the source, where it is compared with itself
    """

    modality: str
    source: str
    signal: str
    began_at: str
    ended_at: str
    rows: tuple[int, ...]
    against: tuple[str, ...]
    own: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class MonitorInputs:
    """Arrays by name, and the windows that are to be made of them."""

    release: str
    tasks: tuple[WindowTask, ...]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def gather(workspace: Workspace, release: Release) -> MonitorInputs:
    """Return what a run is given: the windows that are full and not computed yet, and all that they need."""
    database, base = workspace.database, base_of(release.name)
    done, known = alarms.windows(database, release.digest), alarms.acknowledgements(database)
    by_modality: dict[str, list[Observed]] = defaultdict(list)
    for one in observations.stream(database, base):
        if one.modality in release.modalities:
            by_modality[one.modality].append(one)
    profiled = profile.load(release.path) or profile.load(MODELS / release.base)
    tasks: list[WindowTask] = []
    arrays: dict[str, np.ndarray] = {}
    for modality, rows in sorted(by_modality.items()):
        here = _tasks(modality, rows, tuple(profiled.get(modality, {})), done, known)
        if here:
            arrays |= _arrays(workspace, release, modality, rows, here) | _usual(workspace, release, modality)
            arrays |= _profiled(modality, profiled.get(modality, {}))
        tasks += here
    rated, pairs = _rated(workspace, release, done, known)
    return MonitorInputs(release.digest, (*tasks, *rated), arrays | pairs)


def waiting(workspace: Workspace, release: Release) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return (modality, source, signal) → (queries that wait for a window, queries that a window takes)."""
    database = workspace.database
    done, known = alarms.windows(database, release.digest), alarms.acknowledgements(database)
    streams: dict[Stream, list[Observed]] = defaultdict(list)
    for one in observations.stream(database, base_of(release.name)):
        streams[one.modality, one.source].append(one)
    found = {}
    for (modality, source), rows in streams.items():
        for signal in SIGNALS.values():
            if signal.name != "ratings":
                left = _left(rows, signal, (modality, source), done, known)[1]
                found[modality, source, signal.name] = len(left), signal.size
    return found


def _tasks(
    modality: str,
    rows: Sequence[Observed],
    sets: Sequence[str],
    done: Sequence[SignalWindow],
    known: Sequence[Acknowledgement],
) -> list[WindowTask]:
    """Return the windows of every source and signal of one modality that are full."""
    place = {one.query_id: at for at, one in enumerate(rows)}
    streams: dict[str, list[Observed]] = defaultdict(list)
    for one in rows:
        streams[one.source].append(one)
    tasks = []
    for source, mine in sorted(streams.items()):
        for signal in SIGNALS.values():
            if signal.name == "ratings":
                continue
            own, left = _left(mine, signal, (modality, source), done, known)
            against = _against(signal, sets, own)
            own_rows = tuple(place[one.query_id] for one in own)
            for chunk in _chunks(left, signal.size) if against else ():
                at = tuple(place[one.query_id] for one in chunk)
                moments = chunk[0].at.isoformat(), chunk[-1].at.isoformat()
                tasks.append(WindowTask(modality, source, signal.name, *moments, at, against, own_rows))
    return tasks


def _against(signal: Signal, sets: Sequence[str], own: Sequence[Observed]) -> tuple[str, ...]:
    """Return the names of the references of a signal."""
    if own:
        return (EARLIER if signal.name == "latency" else OWN,)
    if signal.name in ("embedding", "quality", "refusals"):
        return tuple(sets)
    return () if signal.name == "latency" else (COLLECTION,)


def _left(
    rows: Sequence[Observed],
    signal: Signal,
    stream: Stream,
    done: Sequence[SignalWindow],
    known: Sequence[Acknowledgement],
) -> tuple[list[Observed], list[Observed]]:
    """Return what says what is usual for the source itself, empty where others do, and what waits for a window.

    What is usual for itself are its queries around the moment at which somebody acknowledged that it is as it is;
    how long answers take is always compared with the first ones.
    """
    counted = [one for one in rows if _counts(one, signal)]
    asked = [one for one in known if one.stream == (*stream, signal.name)]
    last = asked[-1] if asked else None
    own: list[Observed] = []
    if last is not None and last.decision == "expected":
        before = [one for one in counted if one.at <= last.made_at][-MOST_OWN:]
        after = [one for one in counted if one.at > last.made_at]
        own = [*before, *after[: max(0, LEAST_OWN - len(before))]]
    elif signal.name == "latency":
        own = counted[:LEAST_OWN]
    if ((last is not None and last.decision == "expected") or signal.name == "latency") and len(own) < LEAST_OWN:
        return [], []
    ends = [one.ended_at for one in done if one.stream == (*stream, signal.name)]
    from_then = [*ends, *([last.made_at] if last else []), *([own[-1].at] if own else [])]
    return own, [one for one in counted if not from_then or one.at > max(from_then)]


def _counts(one: Observed, signal: Signal) -> bool:
    """Say whether an observation counts for a signal."""
    if signal.name in ACCEPTED_ONLY and not (one.accepted and one.stored):
        return False
    if signal.name == "nothing close":
        return one.nothing_close is not None
    if signal.name == "latency":
        return bool(one.latency_ms)
    return signal.name != "groups" or (one.accepted and group_of(one.modality, one.facts) >= 0)


def _chunks(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows) - size + 1, size):
        yield rows[start : start + size]


def _arrays(
    workspace: Workspace, release: Release, modality: str, rows: Sequence[Observed], tasks: Sequence[WindowTask]
) -> dict[str, np.ndarray]:
    """Return what is known of the queries of one modality, by row; embeddings of those that the windows need."""
    needed = sorted({at for task in tasks for at in (*task.rows, *task.own) if rows[at].stored})
    known = observations.vectors(workspace.database, [rows[at].query_id for at in needed])
    vectors = np.zeros((len(rows), 256), np.float32)
    for at in needed:
        vectors[at] = known.get(rows[at].query_id, vectors[at])
    found = {
        "projected": profile.project(vectors),
        "codes": words_of(release.codes(vectors, modality)),
        "scores": np.array([one.score for one in rows], np.float32),
        "accepted": np.array([one.accepted for one in rows]),
        "far": np.array([bool(one.nothing_close) for one in rows]),
        "latency": np.array([one.latency_ms or np.nan for one in rows]),
        "groups": np.array([group_of(modality, one.facts) for one in rows], np.int64),
    }
    return {f"{modality}/{name}": values for name, values in found.items()}


def _usual(workspace: Workspace, release: Release, modality: str) -> dict[str, np.ndarray]:
    """Return the codes of the collection, its patients and groups; patients who have withdrawn are not among them."""
    found = observations.collection(workspace.database, release.name, modality)
    codes = np.stack([np.asarray(found[f"w{word}"], np.uint64) for word in range(4)], axis=1)
    facts = zip(found["age"], found["sex"], found["view"], strict=True)
    groups = [group_of(modality, {"age": age, "sex": sex, "view": view}) for age, sex, view in facts]
    patients = np.asarray(found["patient"], np.int64)
    first = np.unique(patients, return_index=True)[1] if len(patients) else np.empty(0, np.int64)
    usual = np.sort(np.random.default_rng(0).permutation(first)[:MOST_USUAL])
    arrays = {"codes": codes, "patients": patients, "groups": np.array(groups, np.int64), "usual": usual}
    return {f"{modality}/{COLLECTION}/{name}": values for name, values in arrays.items()}


def _profiled(modality: str, sets: Mapping[str, profile.Known]) -> dict[str, np.ndarray]:
    out = {}
    for name, known in sets.items():
        key = f"{modality}/profile/{name.replace('/', '|')}"
        out[f"{key}/projected"], out[f"{key}/scores"] = known.projected, known.scores
        out[f"{key}/gate"] = np.array([known.judged, known.refused])
    return out


def _rated(
    workspace: Workspace, release: Release, done: Sequence[SignalWindow], known: Sequence[Acknowledgement]
) -> tuple[list[WindowTask], dict[str, np.ndarray]]:
    """Return the windows of pairs that were rated, and what was stated of each beside the mark."""
    signal = SIGNALS["ratings"]
    rows: dict[Stream, list[tuple[datetime, int]]] = defaultdict(list)
    shares: list[float] = []
    relevant: list[bool] = []
    for at, mark, modality, source, vector, code, target, bits in observations.rated(workspace.database, release.name):
        if modality not in release.modalities or target not in release.modalities:
            continue
        own = words_of(release.codes(np.asarray(vector, np.float32)[None], modality))[0]
        words = bits // 64
        far = int(np.bitwise_count(own[:words] ^ np.array(code[:words], np.uint64)).sum())
        rows[modality, source].append((at, len(shares)))
        shares.append(release.relevance(modality, target, bits, far))
        relevant.append(mark in ("relevant", "partly"))
    tasks = []
    for (modality, source), mine in sorted(rows.items()):
        ends = [one.ended_at for one in done if one.stream == (modality, source, signal.name)]
        ends += [one.made_at for one in known if one.stream == (modality, source, signal.name)]
        left = [one for one in mine if not ends or one[0] > max(ends)]
        for chunk in _chunks(left, signal.size):
            moments = chunk[0][0].isoformat(), chunk[-1][0].isoformat()
            tasks.append(WindowTask(modality, source, signal.name, *moments, tuple(at for _, at in chunk), (STATED,)))
    return tasks, {"rated/shares": np.array(shares), "rated/relevant": np.array(relevant, bool)}
