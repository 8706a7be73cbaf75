"""The open recordings as a release sees them: one table per modality and split, computed once and kept in a cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.datasets.open_recordings import Recording, recordings
from engine.evaluate.cache import cached_arrays, key
from engine.evaluate.views import encoder_digest, projected, untrained, views
from engine.files import sha256_of
from engine.findings import findings
from engine.metrics.heart_rate import window_rate
from engine.model.release import Release
from engine.settings import CHECKS
from engine.study import Study, Trace
from engine.training.data.captions import many_hot
from engine.training.data.prepared import windows

VERSION = "2"  # of what is stored; a change of windows, views or rates raises it
PART = 64  # studies read and encoded at a time


@dataclass(frozen=True)
class EvaluationTable:
    """Entries of one modality: a film, or a 10 s window of a trace.

    z (n, 256), features (n, f) and twin (n, 256) are the release's embedding, the features under its head, and an
    untrained twin's embedding; trunk, trunk_four are films' only; rate (n,) is beats per minute, NaN where unknown.
    """

    modality: str
    recordings: list[Recording]  # one per entry
    window: np.ndarray  # (n,) int, number of the window within its recording
    arrays: dict[str, np.ndarray]

    @property
    def z(self) -> np.ndarray:
        """Embeddings (n, 256)."""
        return self.arrays["z"]

    @cached_property
    def has_finding(self) -> np.ndarray:
        """Findings (n, findings) bool."""
        return many_hot(findings(r.labels, r.heart_rate) for r in self.recordings)

    @cached_property
    def patients(self) -> np.ndarray:
        """Pseudonyms (n,)."""
        return np.array([r.patient_id for r in self.recordings])

    @cached_property
    def datasets(self) -> np.ndarray:
        """Data sets (n,)."""
        return np.array([r.dataset for r in self.recordings])

    @cached_property
    def window_keys(self) -> np.ndarray:
        """Equal for simultaneous windows of two modalities (n,)."""
        return np.array([f"{r.encounter_id}#{w}" for r, w in zip(self.recordings, self.window, strict=True)])

    def take(self, index: np.ndarray) -> EvaluationTable:
        """Return some entries, by number or by a mask."""
        chosen = np.arange(len(self.recordings))[index if len(index) else []]
        arrays = {name: array[chosen] for name, array in self.arrays.items()}
        return EvaluationTable(self.modality, [self.recordings[i] for i in chosen], self.window[chosen], arrays)

    def of(self, dataset: str) -> EvaluationTable:
        """Return the entries of one data set, whose name begins so."""
        return self.take(np.array([name.startswith(dataset) for name in self.datasets], bool))


def _only(study: Study, lead: str | None) -> Study:
    """Return a study with one of its leads, the others absent."""
    if lead is None or not isinstance(study.content, Trace):
        return study
    row = study.content.leads.index(lead)
    trace = Trace(study.content.samples[row : row + 1], (lead,), study.content.fs, study.content.units)
    return replace(study, content=trace)


def _entries(listed: list[Recording], lead: str | None) -> Iterator[tuple[int, int, Study]]:
    """Yield number of the recording, number of the window, study."""
    for number, recording in enumerate(listed):
        study = _only(recording.study(), lead)
        if not isinstance(study.content, Trace):
            yield number, 0, study
            continue
        for window, trace in enumerate(windows(study.content)):
            yield number, window, replace(study, content=trace)


def _rate(study: Study) -> float:
    one = isinstance(study.content, Trace) and len(study.content.leads) == 1
    return window_rate(study.content) if one else float("nan")  # type: ignore[arg-type]


def _measured(release: Release, modality: str, listed: list[Recording], lead: str | None) -> dict[str, np.ndarray]:
    """Read and encode recordings part by part."""
    from tqdm import tqdm

    twin, parts = untrained(modality), []
    for start in tqdm(range(0, len(listed), PART), f"encode {modality}", disable=None):
        made = list(_entries(listed[start : start + PART], lead))
        studies = [study for _, _, study in made]
        found = views(release, studies, twin)
        found["recording"] = np.array([start + number for number, _, _ in made])
        found["window"] = np.array([window for _, window, _ in made])
        found["rate"] = np.array([_rate(study) for study in studies], np.float32)
        parts.append(found)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def table(
    release: Release,
    path: Path,
    modality: str,
    split: str,
    *,
    lead: str | None = None,
    dataset: str | None = None,
    cache: Path = CHECKS,
) -> EvaluationTable:
    """Return one modality of one split under `path` as the release sees it, all leads or one, all data sets or one."""
    listed = [r for r in recordings(path, split, modality) if dataset is None or r.dataset == dataset]
    named = sha256_of(path / modality / f"{modality}.csv") if modality != "ecg" else _ecg_digest(path)
    return table_of(release, modality, listed, (split, lead or "", dataset or "", named), lead=lead, cache=cache)


def table_of(
    release: Release,
    modality: str,
    listed: list[Recording],
    named: tuple[str, ...],
    *,
    lead: str | None = None,
    cache: Path = CHECKS,
) -> EvaluationTable:
    """Return recordings of one modality as the release sees them; `named` begins with the split and tells lists apart.

    Empty where nothing is listed.
    """
    if not listed:
        return EvaluationTable(modality, [], np.zeros(0, int), {"z": np.zeros((0, 256), np.float32)})
    made_of = key(VERSION, encoder_digest(release, modality), modality, *named)
    file = cache / f"embedded-{modality}-{named[0]}-{made_of}.npz"
    arrays = cached_arrays(file, lambda: _measured(release, modality, listed, lead))
    number, window = arrays.pop("recording"), arrays.pop("window")
    arrays["z"] = projected(release, modality, arrays["features"])
    return EvaluationTable(modality, [listed[i] for i in number], window, arrays)


def _ecg_digest(path: Path) -> str:
    """Digest of both tables that list ECGs: those of the ECG sets, and the leads recorded beside a PPG."""
    return sha256_of(path / "ecg" / "ecg.csv") + sha256_of(path / "ppg" / "ppg.csv")
