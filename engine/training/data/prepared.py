"""Recordings → model inputs, once: arrays per modality and one table, kept in a cache folder that git ignores.

Recordings longer than 10 s give several windows. What was taken together shares `pair`: the windows of one PPG and the
ECG lead beside it, and a film and the ECG of one visit (MIMIC-PAIR).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.adapters import collect
from engine.findings import findings
from engine.datasets.recording import Recording
from engine.errors import CasebindError, UsageError
from engine.modalities import resolve, spec_of
from engine.plain_text import csv_text, escape_protected, unescape_cell
from engine.study import Film, Trace

WINDOW_S = 10.0


@dataclass(frozen=True)
class Example:
    """One training example: a film, or a window of a trace."""

    study_id: str
    modality: str
    dataset: str
    patient_id: str
    split: str
    findings: str  # joined by ";"
    pair: str  # equal for simultaneous windows, and for a film and an ECG of one visit, else ""
    view: str
    age: str
    sex: str
    report: str

    @property
    def finding_set(self) -> frozenset[str]:
        """The findings as a set."""
        return frozenset(f for f in self.findings.split(";") if f)


@dataclass(frozen=True)
class Prepared:
    """rows[i] describes entry i of each array in inputs, for one modality."""

    rows: list[Example]
    inputs: dict[str, np.ndarray]

    def where(self, split: str) -> np.ndarray:
        """Return the entry numbers of one split."""
        return np.array([i for i, row in enumerate(self.rows) if row.split == split], int)


def windows(trace: Trace) -> list[Trace]:
    """Cut a trace into 10 s windows without overlap; a shorter one, or one just over, is its own window."""
    count = int(trace.duration_s // WINDOW_S)
    if count < 2:
        return [trace]
    return [trace.between(i * WINDOW_S, (i + 1) * WINDOW_S) for i in range(count)]


def _row(recording: Recording, facts: dict[str, Any], window: int) -> Example:
    found = ";".join(sorted(findings(recording.labels, recording.heart_rate)))
    r, pair = recording, f"{recording.pair}#{window}" if recording.pair else ""
    told = (str(facts.get(name) or "") for name in ("view", "age", "sex", "report"))
    return Example(r.study_id, r.modality, r.dataset, r.patient_id, r.split, found, pair, *told)


def examples(recording: Recording) -> Iterator[tuple[Example, dict[str, np.ndarray]]]:
    """Yield one recording's rows and inputs, as they are kept; CasebindError where it cannot be read."""
    from engine.model import cxr

    study = recording.study()
    content = study.content
    if isinstance(content, Film):
        yield _row(recording, study.facts, 0), {"x": np.round(cxr.prepare(content) * 255).astype(np.uint8)}
    elif isinstance(content, Trace):
        prepare = resolve(spec_of(recording.modality).inputs)
        for number, window in enumerate(windows(content)):
            yield _row(recording, study.facts, number), {name: _kept(a) for name, a in prepare(window).items()}


def _kept(array: Any) -> np.ndarray:
    """Return an input as the cache holds it: half precision."""
    array = np.asarray(array)
    return array.astype(np.float16) if array.dtype == np.float32 else array


def listed(folders: Sequence[Path], without: Collection[str] = ()) -> list[Recording]:
    """Return the recordings of the data sets in folders but for those that are left out by name.

    UsageError as `collect`, and where there is none of such a name.
    """
    found = collect(folders)
    for name in without:
        names = dict.fromkeys(one.dataset for one in found)
        if name not in names:
            raise UsageError(f"There is no data set {name!r} to leave out: name one of {', '.join(names)}.")
    return [one for one in found if one.dataset not in without]


def build(folders: Sequence[Path], cache: Path, without: Collection[str] = ()) -> None:
    """Prepare every recording of the data sets in `folders` into `cache`: a .npz and a .csv per modality.

    Recordings that cannot be read are left out and listed with the reason in skipped.csv. UsageError as `listed`.
    """
    recordings = listed(folders, without)
    cache.mkdir(parents=True, exist_ok=True)
    skipped: list[tuple[str, str]] = []
    for modality in ("cxr", "ecg", "ppg"):
        made = list(_made([one for one in recordings if one.modality == modality], skipped))
        names = made[0][1] if made else ()
        inputs = {name: np.stack([one[name] for _, one in made]) for name in names}
        np.savez(cache / f"{modality}.npz", **inputs)  # type: ignore[arg-type]
        _write(cache / f"{modality}.csv", [field.name for field in fields(Example)], [astuple(row) for row, _ in made])
        print(json.dumps({"modality": modality, "examples": len(made)}), flush=True)
    _write(cache / "skipped.csv", ["study_id", "reason"], skipped)
    if skipped:
        print(json.dumps({"skipped": len(skipped), "reasons": str(cache / "skipped.csv")}), flush=True)


def _made(recordings: Sequence[Recording], skipped: list[tuple[str, str]]) -> Iterator[tuple[Example, dict[str, np.ndarray]]]:
    for one in recordings:
        try:
            yield from examples(one)
        except CasebindError as error:
            skipped.append((one.study_id, str(error)))


def _write(file: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    safe = [[escape_protected(value) for value in row] for row in rows]
    file.write_text(csv_text(header, safe), encoding="utf-8", newline="")


def load(cache: Path, modality: str) -> Prepared:
    """Read one modality back from the cache."""
    with (cache / f"{modality}.csv").open(newline="", encoding="utf-8") as handle:
        rows = [Example(**{k: unescape_cell(v) for k, v in row.items()}) for row in csv.DictReader(handle)]
    with np.load(cache / f"{modality}.npz") as archive:
        return Prepared(rows, {name: archive[name] for name in archive.files})
