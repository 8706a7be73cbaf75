"""BIDMC PPG and Respiration 1.0.0: 53 recordings of 8 min, as minutes of PPG, each with its simultaneous ECG lead II.

Read: bidmc_NN_Signals.csv, _Numerics.csv and _Fix.txt (in this folder or bidmc_csv/), or bidmcNN.hea and .dat (WFDB).
The patient is the MIMIC II record ("s01182") that the text names, since several recordings may be of one person; where
none is named, the recording is its own patient. Splits are fixed by the patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.recording import Recording
from engine.datasets.toolbox import SEXES, number, present, recording, rows
from engine.errors import IntakeError, UsageError
from engine.study import PPG_LEAD, Study, Trace

SEGMENT_S, SEGMENTS, FS_HZ, LEAD = 60, 8, 125.0, "II"


def minutes(folder: Path) -> Iterator[Recording]:
    """Yield each minute's PPG and ECG, one after the other, in the order of the recordings."""
    tables = folder / "bidmc_csv" if (folder / "bidmc_csv").is_dir() else folder
    signals = sorted(tables.glob("bidmc_[0-9][0-9]_Signals.csv"))
    for file in signals:
        name = file.name.removesuffix("_Signals.csv")
        rates = _heart_rates(tables, f"{name}_Numerics.csv")
        yield from _of_record(name, {"table": file}, _text(tables / f"{name}_Fix.txt"), rates)
    for header in [] if signals else sorted(folder.glob("bidmc[0-9][0-9].hea")):
        source = {"files": [header, header.with_suffix(".dat")]}
        yield from _of_record(f"bidmc_{header.stem[-2:]}", source, _text(header), [None] * SEGMENTS)


def _of_record(name: str, source: dict[str, Any], text: str, rates: list[float | None]) -> Iterator[Recording]:
    person = re.search(r"\bs\d{5}\b", text)
    age, sex = re.search(r"age\W+(\d+)", text, re.IGNORECASE), re.search(r"(?:gender|sex)\W+([MF])\b", text, re.I)
    ward = re.search(r"location\W+(\w+)", text, re.IGNORECASE)
    for minute, rate in zip(range(SEGMENTS), rates, strict=True):
        told = recording(
            "BIDMC PPG and Respiration",
            "ppg",
            f"{name}_{minute}",
            f"bidmc:{person.group() if person else name[-2:]}",
            {**source, "minute": minute},
            labels=(f"Critical care ({ward.group(1).upper()})",) if ward else (),
            age=number(age.group(1)) if age else None,
            sex=SEXES.get(sex.group(1).lower(), "") if sex else "",
            heart_rate=rate,
            pair=f"{name}_{minute}",
            load=_read,
        )
        yield told
        yield replace(told, study_id=f"{told.study_id}_ecg", modality="ecg", labels=())


def _text(file: Path) -> str:
    if not file.is_file():
        raise UsageError(f"The folder {file.parent.name} has no {file.name}: download it from the data set's page.")
    return file.read_text(encoding="utf-8", errors="replace")


def _heart_rates(folder: Path, name: str) -> list[float | None]:
    """Return the median of the monitor's heart rate (1 Hz, per minute) in each segment."""
    told = [(number(row["Time [s]"]), number(row["HR"])) for row in rows(folder, name, ("Time [s]", "HR"))]
    known = [(int(time // SEGMENT_S), rate) for time, rate in told if time is not None and rate]
    of_minute = [[rate for minute, rate in known if minute == number_] for number_ in range(SEGMENTS)]
    return [float(np.median(rates)) if rates else None for rates in of_minute]


def _read(entry: Recording, key: bytes) -> Study:
    """Read one minute of one channel."""
    whole = _of_table(entry) if "table" in entry.source else _of_wfdb(entry, key)
    first = entry.source["minute"] * SEGMENT_S
    return entry.of_trace(whole.between(first, first + SEGMENT_S))


def _of_table(entry: Recording) -> Trace:
    (file,) = present([entry.source["table"]])
    ppg, ecg = _signals(file)
    return Trace(ppg, (PPG_LEAD,), FS_HZ, "au") if entry.modality == "ppg" else Trace(ecg, (LEAD,), FS_HZ, "mV")


@lru_cache(maxsize=2)
def _signals(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return PPG and lead II of a table, (1, n) float32 each."""
    import pandas as pd

    try:
        table = pd.read_csv(file, skipinitialspace=True, usecols=["PLETH", LEAD], dtype=np.float32)
    except (OSError, ValueError) as error:
        raise IntakeError(f"The table {file.name} has no PLETH and II: download it again.") from error
    return table["PLETH"].to_numpy()[None], table[LEAD].to_numpy()[None]


def _of_wfdb(entry: Recording, key: bytes) -> Trace:
    from engine.intake.paths import read_paths
    from engine.intake.upload import Answers

    content = read_paths(present(entry.source["files"]), Answers(modality=entry.modality), key).content
    if not isinstance(content, Trace):
        raise IntakeError(f"The record {entry.study_id} holds no trace: download it again.")
    leads = [PPG_LEAD if entry.modality == "ppg" else LEAD]
    rows_ = [content.leads.index(lead) for lead in leads]
    return Trace(content.samples[rows_], tuple(leads), content.fs, content.units)
