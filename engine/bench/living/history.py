"""What a serial search would have found at any time: every study with when it came and went, and plain sorting.

A version is the number of changes that were made before. A search that ran while the changes `low` … `high` were under
way is right where its answer is that of one version between them, the same one for all modalities that it asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

FOREVER = 2**62
Answer = dict[str, list[tuple[int, str]]]  # modality → (distance, study id), nearest first


@dataclass
class Life:
    """One code of one study from the change that brought it to the one that took it away."""

    study_id: str
    patient: str
    modality: str
    sex: str
    words: tuple[int, ...]
    born: int
    died: int = FOREVER


@dataclass(frozen=True, eq=False)
class RecordedSearch:
    """A search and what it found.

    query    : (4,) uint64; radii: modality → most bits that may differ
    own      : the patient who asks; sex: a filter, or None
    low,high : the versions between which it ran
    """

    query: np.ndarray
    k: int
    bits: int
    radii: dict[str, int]
    own: str
    sex: str | None
    answer: Answer
    low: int
    high: int


@dataclass
class History:
    """Everything that happened, in order; `begun` and `done` count changes."""

    lives: list[Life] = field(default_factory=list)
    living: dict[str, Life] = field(default_factory=dict)
    withdrawals: dict[str, list[list[int]]] = field(default_factory=dict)  # patient → [since, until) of each withdrawal
    begun: int = 0
    done: int = 0

    def on_added(self, life: Life) -> None:
        """Note a code that the present change brings, in the place of the study's former one."""
        if life.study_id in self.living:
            self.on_removed(life.study_id)
        life.born = self.begun
        self.lives.append(life)
        self.living[life.study_id] = life

    def on_removed(self, study_id: str) -> None:
        """Note a study that the present change takes away."""
        self.living.pop(study_id).died = self.begun

    def on_consent(self, patient: str, granted: bool) -> None:
        """Note a decision on consent that the present change makes; one that changes nothing is no news."""
        spells = self.withdrawals.setdefault(patient, [])
        out = bool(spells) and spells[-1][1] == FOREVER
        if granted and out:
            spells[-1][1] = self.begun
        elif not granted and not out:
            spells.append([self.begun, FOREVER])

    def withdrawn(self, patient: str, version: int) -> bool:
        """Say whether a patient had withdrawn at a version."""
        return any(since <= version < until for since, until in self.withdrawals.get(patient, ()))


class SerialOracle:
    """Compares answers with the history, which has ended."""

    def __init__(self, history: History) -> None:
        self.history = history
        lives = sorted(history.lives, key=lambda life: life.study_id)
        self.lives = np.array(lives, dtype=object)
        self.words = np.array([life.words for life in lives], np.uint64).reshape(-1, 4)
        self.born, self.died = (np.array([getattr(life, name) for life in lives]) for name in ("born", "died"))
        self.modality = np.array([life.modality for life in lives])

    def right(self, search: RecordedSearch) -> bool:
        """Say whether one version explains the whole answer."""
        near = {modality: self._in_order(search, modality) for modality in search.answer}
        for version in range(search.low, search.high + 1):
            if all(
                self._serial(search, near[modality], modality, version) == search.answer[modality] for modality in near
            ):
                return True
        return False

    def _in_order(self, search: RecordedSearch, modality: str) -> list[tuple[int, Life]]:
        """Return (distance, life) of all that lived in the window, by (distance, study id)."""
        there = (self.born <= search.high) & (self.died > search.low) & (self.modality == modality)
        here = np.flatnonzero(there)
        length = search.bits // 64
        far = np.bitwise_count(self.words[here, :length] ^ search.query[:length]).sum(axis=1).astype(int)
        order = np.argsort(far, kind="stable")  # lives are in the order of their ids
        return list(zip(far[order].tolist(), self.lives[here[order]].tolist(), strict=True))

    def _serial(
        self, search: RecordedSearch, near: list[tuple[int, Life]], modality: str, version: int
    ) -> list[tuple[int, str]]:
        """Return what a search alone would have found at a version: one study per patient, the k nearest."""
        found: dict[str, tuple[int, str]] = {}
        for far, life in self._permitted(search, near, version):
            if far > search.radii[modality] or len(found) == search.k:
                break
            found.setdefault(life.patient, (far, life.study_id))
        return list(found.values())

    def _permitted(
        self, search: RecordedSearch, near: list[tuple[int, Life]], version: int
    ) -> Iterator[tuple[int, Life]]:
        for far, life in near:
            alive = life.born <= version < life.died and life.patient != search.own
            if alive and search.sex in (None, life.sex) and not self.history.withdrawn(life.patient, version):
                yield far, life
