"""Recordings → model inputs, once: arrays per modality and one table, kept in a cache folder that git ignores.

Recordings longer than 10 s give several windows; windows of one PPG and the ECG lead beside it share `pair`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engine.cohorts.findings import findings
from engine.cohorts.open_recordings import Recording, recordings
from engine.study import Film, Trace

WINDOW_S = 10.0


@dataclass(frozen=True)
class Row:
    """One training example: a film, or a window of a trace."""

    study_id: str
    modality: str
    dataset: str
    patient_id: str
    split: str
    findings: str  # joined by ";"
    pair: str  # equal for simultaneous windows, else ""
    view: str
    age: str
    sex: str
    report: str

    @property
    def found(self) -> frozenset[str]:
        """The findings as a set."""
        return frozenset(f for f in self.findings.split(";") if f)


@dataclass(frozen=True)
class Prepared:
    """rows[i] describes entry i of each array in inputs, for one modality."""

    rows: list[Row]
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


def _row(recording: Recording, pair: str) -> Row:
    found = ";".join(sorted(findings(recording.labels, recording.heart_rate)))
    r = recording
    return Row(
        r.study_id, r.modality, r.dataset, r.patient_id, r.split, found, pair, r.view, str(r.age or ""), r.sex, r.report
    )


def examples(recording: Recording) -> Iterator[tuple[Row, dict[str, np.ndarray]]]:
    """Yield one recording's rows and inputs."""
    from engine.encoders import cxr, ecg, ppg

    content = recording.study().content
    if isinstance(content, Film):
        yield _row(recording, ""), {"x": np.round(cxr.prepare(content) * 255).astype(np.uint8)}
    elif isinstance(content, Trace):
        prepare = ecg.prepare if recording.modality == "ecg" else ppg.prepare
        for number, window in enumerate(windows(content)):
            yield _row(recording, f"{recording.encounter_id}#{number}"), prepare(window)


def build(path: Path, cache: Path) -> None:
    """Prepare everything under `path` into `cache` (a .npz and a .csv per modality)."""
    cache.mkdir(parents=True, exist_ok=True)
    for modality in ("cxr", "ecg", "ppg"):
        made = [example for r in recordings(path, modality=modality) for example in examples(r)]
        inputs = {name: np.stack([inputs[name] for _, inputs in made]) for name in made[0][1]}
        inputs = {name: a.astype(np.float16) if a.dtype == np.float32 else a for name, a in inputs.items()}
        np.savez(cache / f"{modality}.npz", **inputs)  # type: ignore[arg-type]
        with (cache / f"{modality}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, list(asdict(made[0][0])))
            writer.writeheader()
            writer.writerows(asdict(row) for row, _ in made)
        print(json.dumps({"modality": modality, "examples": len(made)}), flush=True)


def film_tokens(cache: Path, batch: int = 32) -> None:
    """Write each film's tokens after the frozen blocks, (n, 257, 384) float16, so that tuning starts from there."""
    import torch

    from engine.encoders.trunk import load_trunk, lower

    films = load(cache, "cxr").inputs["x"]
    tokens = np.lib.format.open_memmap(cache / "cxr-tokens.npy", "w+", np.float16, (len(films), 257, 384))
    with torch.inference_mode():
        for i in range(0, len(films), batch):
            x = torch.from_numpy(films[i : i + batch])[:, None].float() / 255
            tokens[i : i + batch] = lower(load_trunk(), x).numpy()
    tokens.flush()


def load_for_training(cache: Path, modality: str) -> Prepared:
    """Read one modality as its encoder's training sees it: films as tokens after the frozen blocks."""
    if modality != "cxr":
        return load(cache, modality)
    if not (cache / "cxr-tokens.npy").is_file():
        film_tokens(cache)
    return Prepared(load(cache, "cxr").rows, {"tokens": np.load(cache / "cxr-tokens.npy", mmap_mode="r+")})


def load(cache: Path, modality: str) -> Prepared:
    """Read one modality back from the cache."""
    with (cache / f"{modality}.csv").open(newline="", encoding="utf-8") as handle:
        rows = [Row(**row) for row in csv.DictReader(handle)]
    with np.load(cache / f"{modality}.npz") as archive:
        return Prepared(rows, {name: archive[name] for name in archive.files})


if __name__ == "__main__":
    import sys

    build(Path(sys.argv[1]), Path(sys.argv[2]))
