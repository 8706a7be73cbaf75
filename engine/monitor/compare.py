"""One window held against its references: which test a signal takes, of which arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from engine.monitor import statistics
from engine.monitor.gather import COLLECTION, FAR, OWN, WindowTask
from engine.monitor.statistics import Compared

Arrays = Mapping[str, np.ndarray]


class Comparison:
    """The arrays of a run, and what is computed of a collection once."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._usual_distance = lru_cache(maxsize=None)(self._nearest_in_collection)

    def tested(self, task: WindowTask, against: str) -> Compared | None:
        """Return a window held against one reference; None where the reference has nothing to compare with."""
        rows = np.array(task.rows, np.int64)
        if task.signal == "ratings":
            return statistics.stated(self._arrays["rated/shares"][rows], self._arrays["rated/relevant"][rows])
        found: Compared | None = TESTS[task.signal](self, task, against, rows)
        return found

    def of(self, task: WindowTask, name: str, rows: np.ndarray) -> np.ndarray:
        """Return some rows of the queries' arrays."""
        return self._arrays[f"{task.modality}/{name}"][rows]

    def own(self, task: WindowTask, name: str) -> np.ndarray:
        """Return the rows that say what is usual for the source."""
        return self.of(task, name, np.array(task.own, np.int64))

    def profiled(self, task: WindowTask, against: str, name: str) -> np.ndarray:
        """Return an array of one data set of the release's profile."""
        return self._arrays[f"{task.modality}/profile/{against.replace('/', '|')}/{name}"]

    def collection(self, modality: str, name: str) -> np.ndarray:
        """Return an array of the collection."""
        return self._arrays[f"{modality}/{COLLECTION}/{name}"]

    def usual_distance(self, modality: str) -> np.ndarray:
        """Return how far studies of the collection are from the nearest of another patient there, (m,)."""
        return self._usual_distance(modality)

    def _nearest_in_collection(self, modality: str) -> np.ndarray:
        codes, patients = self.collection(modality, "codes"), self.collection(modality, "patients")
        asked = self.collection(modality, "usual")
        return statistics.nearest(codes[asked], codes, patients[asked][:, None] == patients)


def _embedding(here: Comparison, task: WindowTask, against: str, rows: np.ndarray) -> Compared:
    seen = here.of(task, "projected", rows)
    usual = here.own(task, "projected") if against == OWN else here.profiled(task, against, "projected")
    return statistics.mmd(seen, usual)


def _distance(here: Comparison, task: WindowTask, against: str, rows: np.ndarray) -> Compared | None:
    codes = here.collection(task.modality, "codes")
    if not len(codes):
        return None
    seen = statistics.nearest(here.of(task, "codes", rows), codes)
    if against == OWN:
        return statistics.shifted(seen, statistics.nearest(here.own(task, "codes"), codes), up=True)
    usual = here.usual_distance(task.modality)
    return statistics.shifted(seen, usual, up=True) if len(usual) else None


def _bits(here: Comparison, task: WindowTask, against: str, rows: np.ndarray) -> Compared | None:
    if against == OWN:
        usual = here.own(task, "codes")
    else:
        usual = here.collection(task.modality, "codes")[here.collection(task.modality, "usual")]
    return statistics.balance(_bits_of(here.of(task, "codes", rows)), _bits_of(usual)) if len(usual) else None


def _nothing_close(here: Comparison, task: WindowTask, against: str, rows: np.ndarray) -> Compared:
    usual = _rate(here.own(task, "far")) if against == OWN else FAR
    return statistics.share_above(int(here.of(task, "far", rows).sum()), len(rows), usual)


def _quality(here: Comparison, task: WindowTask, against: str, rows: np.ndarray) -> Compared:
    usual = here.own(task, "scores") if against == OWN else here.profiled(task, against, "scores")
    return statistics.shifted(here.of(task, "scores", rows), usual, up=False)


def _refusals(here: Comparison, task: WindowTask, against: str, rows: np.ndarray) -> Compared:
    if against == OWN:
        usual = _rate(~here.own(task, "accepted"))
    else:
        judged, refused = here.profiled(task, against, "gate")
        usual = (refused + 1) / (judged + 2)
    return statistics.share_above(int((~here.of(task, "accepted", rows)).sum()), len(rows), float(usual))


def _groups(here: Comparison, task: WindowTask, against: str, rows: np.ndarray) -> Compared | None:
    if against == OWN:
        usual = here.own(task, "groups")
    else:
        usual = here.collection(task.modality, "groups")[here.collection(task.modality, "usual")]
    usual = usual[usual >= 0]
    return statistics.mix(here.of(task, "groups", rows), usual) if len(usual) else None


def _latency(here: Comparison, task: WindowTask, against: str, rows: np.ndarray) -> Compared:
    seen, usual = here.of(task, "latency", rows), here.own(task, "latency")
    found = statistics.shifted(seen, usual, up=True)
    return replace(found, effect=float(np.log2(np.median(seen) / np.median(usual))))


def _rate(hits: np.ndarray) -> float:
    """Return a share that is neither 0 nor 1, since it is known of so many alone (Laplace)."""
    return float((hits.sum() + 1) / (len(hits) + 2))


def _bits_of(codes: np.ndarray) -> np.ndarray:
    return np.unpackbits(np.ascontiguousarray(codes, "<u8").view(np.uint8), axis=1, bitorder="little")


TESTS: dict[str, Callable[[Comparison, WindowTask, str, np.ndarray], Compared | None]] = {
    "embedding": _embedding,
    "distance": _distance,
    "bits": _bits,
    "nothing close": _nothing_close,
    "quality": _quality,
    "refusals": _refusals,
    "groups": _groups,
    "latency": _latency,
}
