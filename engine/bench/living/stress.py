"""Many threads that search, insert, replace, delete and withdraw at once, every answer compared with a serial oracle.

A thread holds the workspace's own lock around a change and its note in the history, so that changes have one order;
searches hold nothing. What writers do without that lock is for the killed process (engine.bench.living.kill).
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import single_user
from engine.bench.living import studies
from engine.bench.living.history import Answer, History, Life, RecordedSearch, SerialOracle
from engine.index.hamming import words_of
from engine.retrieval.answer import BITS, OPERATING_POINTS, Options
from engine.retrieval.neighbours import neighbours_of
from engine.store.filters import Filters, exclude_own_patient
from engine.store.records import StoredQuery
from engine.study import Note, Study
from engine.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.model.release import Release

SHARES = {"search": 0.80, "insert": 0.06, "delete": 0.05, "replace": 0.04, "consent": 0.04, "compact": 0.01}
KS = (1, 5, 10, 20, 200)
BATCH = 4  # patients that come in one batch, with two studies each; studies that go at once
MIN_STUDIES = 40  # studies that a deletion leaves


@dataclass
class StressTest:
    """Threads over one workspace, what they did, and what went wrong."""

    workspace: Workspace
    release: Release
    history: History = field(default_factory=History)
    searches: list[RecordedSearch] = field(default_factory=list)
    taken_s: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    _number: int = 0

    def fill(self, patients: int, rng: np.random.Generator) -> None:
        """Put the first patients in, as one change."""
        self._change(lambda: self._insert(rng, patients))

    def run(self, threads: int, seconds: float, seed: int) -> None:
        """Let the threads loose for so long."""
        until = time.monotonic() + seconds
        each = [
            threading.Thread(target=self._loop, args=(until, np.random.default_rng([seed, number])))
            for number in range(threads)
        ]
        for thread in each:
            thread.start()
        for thread in each:
            thread.join()

    def _loop(self, until: float, rng: np.random.Generator) -> None:
        names, shares = list(SHARES), list(SHARES.values())
        while time.monotonic() < until:
            kind = str(rng.choice(names, p=shares))
            try:
                if kind == "search":
                    self._search(rng)
                elif kind == "compact":
                    self.workspace.snapshots.compact((self.release.name, studies.KINDS[int(rng.integers(2))]))
                else:
                    self._change(lambda kind=kind: getattr(self, f"_{kind}")(rng))  # type: ignore[misc]
                self.counts[kind] += 1
            except Exception:
                self.errors.append(f"{kind}: {traceback.format_exc().strip().splitlines()[-1]}")

    def _search(self, rng: np.random.Generator) -> None:
        """Ask as a query does, of a patient who is there."""
        stored, own = self._query(rng)
        bits, at = int(rng.choice(BITS)), (None, *OPERATING_POINTS)[int(rng.integers(4))]
        sex = ("F", "M", None, None)[int(rng.integers(4))]
        options = Options(
            targets=studies.KINDS, k=int(rng.choice(KS)), bits=bits, operating_point=at, filters=Filters(sex=sex)
        )
        low, begun = self.history.done, time.perf_counter()
        without = exclude_own_patient(stored.study, own)
        near, *_ = neighbours_of(self.workspace, self.release, stored, without, options, actor=single_user())
        self.taken_s.append(time.perf_counter() - begun)
        found: Answer = {kind: [] for kind in studies.KINDS}
        for one in near:
            found[one.modality].append((one.hamming, one.study_id))
        radii: dict[str, int] = {
            kind: bits if at is None else self.release.radius(stored.study.modality, kind, bits, at)
            for kind in studies.KINDS
        }
        words = words_of(stored.code[None])[0]
        self.searches.append(RecordedSearch(words, options.k, bits, radii, own, sex, found, low, self.history.begun))

    def _query(self, rng: np.random.Generator) -> tuple[StoredQuery, str]:
        """Return a query in words with a random code, and the patient who asks it."""
        study = Study("text", Note("drawn at random"), "text", fingerprint="")
        code = studies.packed(studies.random_code(rng))
        own = f"p{int(rng.integers(max(1, self._number))):07d}"
        return StoredQuery("q", "bench", study, {}, self.release.name, code, studies.random_embedding(rng)), own

    def _change(self, change: Callable[[], Callable[[], None]]) -> None:
        """Make one change and note it; whatever is asked meanwhile may or may not have seen it."""
        with self.workspace.database.exclusive():
            self.history.begun += 1
            note = change()
            note()
            self.history.done = self.history.begun

    def _insert(self, rng: np.random.Generator, patients: int = BATCH) -> Callable[[], None]:
        names = [f"p{self._number + number:07d}" for number in range(patients)]
        self._number += patients
        batch = studies.new_patients(rng, names)
        self.workspace.add(studies.COHORT, self.release.name, self.release.digest, batch)
        self.counts["studies inserted"] += len(batch)
        return lambda: self._noted(self.history.on_added, [(studies.life_of(new),) for new in batch])

    def _delete(self, rng: np.random.Generator) -> Callable[[], None]:
        gone = self._some(rng) if len(self.history.living) > MIN_STUDIES else []
        self.workspace.remove(gone)
        self.counts["studies deleted"] += len(gone)
        return lambda: self._noted(self.history.on_removed, [(study_id,) for study_id in gone])

    def _replace(self, rng: np.random.Generator) -> Callable[[], None]:
        ids = self._some(rng)
        codes = {study_id: studies.random_code(rng) for study_id in ids}
        self.workspace.add_codes(
            self.release.name,
            self.release.digest,
            ids,
            np.stack([studies.random_embedding(rng) for _ in ids]),
            np.stack([studies.packed(codes[study_id]) for study_id in ids]),
            replace=True,
        )
        was = [self.history.living[study_id] for study_id in ids]
        lives = [Life(a.study_id, a.patient, a.modality, a.sex, codes[a.study_id], 0) for a in was]
        return lambda: self._noted(self.history.on_added, [(life,) for life in lives])

    def _consent(self, rng: np.random.Generator) -> Callable[[], None]:
        patients = sorted({self.history.living[study_id].patient for study_id in self._some(rng)})
        granted = bool(rng.random() < 0.5)
        self.workspace.set_consents(patients, granted, actor=single_user())
        return lambda: self._noted(self.history.on_consent, [(patient, granted) for patient in patients])

    @staticmethod
    def _noted(note: Callable[..., None], each: list[tuple[Any, ...]]) -> None:
        for one in each:
            note(*one)

    def _some(self, rng: np.random.Generator) -> list[str]:
        """Return some of the studies that are there; half of the time what somebody has just found."""
        recent = [name for near in self.searches[-1].answer.values() for _, name in near] if self.searches else []
        known = [name for name in recent if name in self.history.living][:BATCH]
        if known and rng.random() < 0.5:
            return known
        names = list(self.history.living)
        return [names[place] for place in rng.choice(len(names), BATCH, replace=False)]


def measure(
    folder: Path, release: Release, *, threads: int, seconds: float, patients: int, seed: int
) -> dict[str, Any]:
    """Return the figures of one run in a workspace of its own at `folder`."""
    with open_workspace(folder, create=True) as place:
        stress = StressTest(place, release)
        place.durable = False
        stress.fill(patients, np.random.default_rng(seed))
        place.durable = True
        place.snapshots.background.delay_s = 0.0
        begun = time.monotonic()
        stress.run(threads, seconds, seed)
        return figures(stress, threads, time.monotonic() - begun)


def figures(stress: StressTest, threads: int, lasted: float) -> dict[str, Any]:
    """Judge every answer; return counts, errors and times (milliseconds)."""
    judge = SerialOracle(stress.history)
    wrong = [asked for asked in stress.searches if not judge.right(asked)]
    windows = [asked.high - asked.low + 1 for asked in stress.searches] or [0]
    taken = 1000 * np.array(stress.taken_s or [0.0])
    return {
        "threads": threads,
        "seconds": round(lasted, 1),
        "searches": len(stress.searches),
        "changes": stress.history.done,
        **{
            kind.replace(" ", "_"): stress.counts[kind]
            for kind in (*SHARES, "studies inserted", "studies deleted")
            if kind != "search"
        },
        "wrong": len(wrong),
        "errors": len(stress.errors),
        "first_error": stress.errors[0] if stress.errors else "",
        "studies_at_the_end": len(stress.history.living),
        "search_ms": {"median": round(float(np.median(taken)), 2), "p95": round(float(np.quantile(taken, 0.95)), 2)},
        "versions_an_answer_may_be_of": {"median": int(np.median(windows)), "most": int(max(windows))},
    }
