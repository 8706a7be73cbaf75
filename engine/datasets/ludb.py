"""LUDB 1.0.1 (Lobachevsky University): 200 ECGs of 10 s at 500 Hz with cardiologists' statements in their headers.

Read: data/N.hea and N.dat, beside ludb.csv; `marks` reads where cardiologists marked the waves, data/N.LEAD.
The headers' gains scale each lead to 1 mV from peak to peak, so they are
left aside: a stored step is taken as 1 µV. Every record is another patient's; splits are fixed by the patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.datasets.recording import Recording
from engine.datasets.toolbox import SEXES, number, present, recording
from engine.errors import IntakeError
from engine.study import ECG_LEADS, Study, Trace

DATASET, STEP_MV = "LUDB 1.0.1", 1e-3
_WAVES = {"p": "P", "N": "QRS", "t": "T"}
_AXIS = "electric axis of the heart"


def ecgs(folder: Path) -> Iterator[Recording]:
    """Yield the records in the order of their numbers."""
    for header in sorted((folder / "data").glob("[0-9]*.hea"), key=lambda file: int(file.stem)):
        text = header.read_text(encoding="utf-8", errors="replace")
        facts = dict(re.findall(r"^#\s*<(\w+)>:\s*(\S*)", text, flags=re.MULTILINE))
        yield recording(
            DATASET,
            "ecg",
            f"ludb_{header.stem}",
            f"ludb:{header.stem}",
            {"files": [header, header.with_suffix(".dat")]},
            labels=_labels(text),
            age=number(facts.get("age", "").lstrip(">")),
            sex=SEXES.get(facts.get("sex", "").lower(), ""),
            load=_read,
        )


def marks(header: Path, lead: str) -> list[tuple[str, int, int]]:
    """Return the waves that are marked in one lead of a record, (wave, first sample, last sample) at 500 Hz.

    header : data/N.hea; waves are "P", "QRS" and "T". Raises IntakeError where the lead's marks are not there.
    """
    import wfdb

    try:
        found = wfdb.rdann(str(header.with_suffix("")), lead.lower())
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise IntakeError(f"The marks {header.stem}.{lead.lower()} of LUDB cannot be read: download them.") from error
    waves, start, wave = [], None, ""
    for at, symbol in zip(found.sample.tolist(), found.symbol, strict=True):
        if symbol == "(":
            start, wave = at, ""
        elif symbol in _WAVES:
            wave = _WAVES[symbol]
        elif symbol == ")" and start is not None and wave:
            waves.append((wave, start, at))
            start = None
    return waves


def _labels(text: str) -> tuple[str, ...]:
    """Return the statements below "<diagnoses>", without the heart's axis."""
    lines = text.partition("<diagnoses>")[2].splitlines()[1:]
    said = [line.lstrip("#").strip().rstrip(".").removeprefix("Rhythm:").strip() for line in lines if line[:1] == "#"]
    return tuple(dict.fromkeys(one[:1].lower() + one[1:] for one in said if one and _AXIS not in one.lower()))


def _read(entry: Recording, _: bytes) -> Study:
    """Read a record in stored steps of 1 µV."""
    import wfdb

    header, _signal = present(entry.source["files"])
    try:
        record = wfdb.rdrecord(str(header.with_suffix("")), physical=False)
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise IntakeError(f"The record {header.stem} of LUDB cannot be read: download it again.") from error
    names = {lead.lower(): lead for lead in ECG_LEADS}
    columns = {names[name.lower()]: i for i, name in enumerate(record.sig_name) if name.lower() in names}
    samples = np.stack([record.d_signal[:, columns[lead]] for lead in ECG_LEADS if lead in columns])
    leads = tuple(lead for lead in ECG_LEADS if lead in columns)
    return entry.of_trace(Trace(samples.astype(np.float32) * np.float32(STEP_MV), leads, float(record.fs), "mV"))
