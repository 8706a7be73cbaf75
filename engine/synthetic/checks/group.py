"""Studies of one modality as rows of arrays: who, which labels, and where they lie in several spaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Group:
    """n studies of one modality.

    ids, patients, encounters, datasets, splits : (n,) str; splits are "synthetic" for the cohort under test
    labels : n sets of the modality's own wording
    spaces : name → (n, …) array; "release" and "foundation" are encoder features, others shapes to compare copies by
    """

    modality: str
    ids: np.ndarray
    patients: np.ndarray
    encounters: np.ndarray
    datasets: np.ndarray
    splits: np.ndarray
    labels: tuple[frozenset[str], ...]
    spaces: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: np.ndarray) -> Group:
        """Return the rows of an index or a mask."""
        index = np.flatnonzero(index) if index.dtype == bool else index
        arrays = {n: getattr(self, n)[index] for n in ("ids", "patients", "encounters", "datasets", "splits")}
        labels = tuple(self.labels[i] for i in index)
        return replace(self, **arrays, labels=labels, spaces={n: a[index] for n, a in self.spaces.items()})

    def of_split(self, split: str, datasets: Iterable[str] = ()) -> Group:
        """Return the rows of one split, of all data sets or of those named."""
        kept, named = self.splits == split, tuple(datasets)
        return self.take(kept & np.isin(self.datasets, named) if named else kept)

    def of_dataset(self, dataset: str) -> Group:
        """Return the rows of one data set, all splits."""
        return self.take(self.datasets == dataset)

    def has_label(self, label: str) -> np.ndarray:
        """Return which rows carry a label, (n,) bool."""
        return np.array([label in held for held in self.labels], bool)


def make_group(
    modality: str, rows: Sequence[tuple[str, str, str, str, str, Iterable[str]]], spaces: dict[str, np.ndarray]
) -> Group:
    """Return a group from rows of (id, patient, encounter, data set, split, labels) and their arrays."""
    ids, patients, encounters, datasets, splits = (np.array([row[i] for row in rows], str) for i in range(5))
    labels = tuple(frozenset(row[5]) for row in rows)
    return Group(modality, ids, patients, encounters, datasets, splits, labels, spaces)
