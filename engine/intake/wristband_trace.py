"""Empatica wristbands → Trace: the pulse wave of an E4 (BVP.csv, alone or in its zip) and of an EmbracePlus (avro)."""

from __future__ import annotations

import datetime
import io
from typing import Any

import numpy as np

from engine.errors import IntakeError
from engine.intake.assemble import Channel, assemble, check_announced
from engine.intake.leads import phrase
from engine.intake.pseudonyms import pseudonym
from engine.intake.recognise import decode
from engine.intake.upload import ReaderInput
from engine.study import PPG_LEAD, IdentityRow, Study

_START = IdentityRow("time of start", "replaced", "the year alone is kept")
_OTHER = IdentityRow("other sensors, events and serial numbers", "removed", "no pulse wave")


def read_e4(given: ReaderInput) -> Study:
    """Return the pulse wave of an E4's BVP.csv: start (unix time), rate (Hz), then one sample a line."""
    lines = (decode(given.file.data) or "").split()
    try:
        start, fs, *values = (float(line) for line in lines)
    except ValueError as error:
        raise IntakeError(
            "The BVP.csv of the wristband holds a line that is no number, so it is damaged: export it again."
        ) from error
    return _study(given, "Empatica E4", np.array(values), fs, start=start)


def read_avro(given: ReaderInput) -> Study:
    """Return the pulse wave of one avro file of an EmbracePlus (rawData.bvp), which holds up to half an hour."""
    import fastavro

    record: Any = next(iter(fastavro.reader(io.BytesIO(given.file.data))), None)
    raw = record.get("rawData") if isinstance(record, dict) else None
    wave = raw.get("bvp") if isinstance(raw, dict) else None
    if not isinstance(wave, dict) or not wave.get("values"):
        raise IntakeError(
            "The avro file holds no pulse wave (rawData.bvp of an Empatica EmbracePlus): choose a file of a time at "
            "which the wristband was worn."
        )
    enrolled = record.get("enrollment")
    person = str(enrolled.get("participantID") or "") if isinstance(enrolled, dict) else ""
    start = float(wave.get("timestampStart") or 0) / 1e6
    values = np.array(wave["values"], dtype=np.float64)
    return _study(given, "Empatica avro", values, float(wave["samplingFrequency"]), start=start, person=person)


def _study(given: ReaderInput, name: str, values: np.ndarray, fs: float, *, start: float, person: str = "") -> Study:
    """Return a study of one pulse wave; `start` in seconds since 1970, 0 where it is not stated."""
    check_announced(values.size, 1, fs)
    result = assemble([Channel(PPG_LEAD, values, fs, "", "pulse wave")], given.answers)
    year = datetime.datetime.fromtimestamp(start, datetime.UTC).year if start > 0 else None
    return Study(
        result.modality,
        result.trace,
        phrase(name, result.trace, result.remark),
        (_START, _OTHER, *result.rows),
        facts={} if year is None else {"acquired_at": str(year)},
        patient_key=pseudonym(given.key, person),
    )
