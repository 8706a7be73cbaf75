"""EDF, EDF+ and BDF → Trace, through edfio."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.errors import IntakeError
from engine.intake.assemble import assemble, channel, check_announced
from engine.intake.gaps import is_gap
from engine.intake.leads import phrase
from engine.intake.pseudonyms import MAX_AGE, pseudonym
from engine.intake.upload import ReaderInput
from engine.study import IdentityRow, Study

_HEADER = 256  # bytes of the fixed header, and of each signal's part
_SAMPLE_BYTES = {"edf": 2, "bdf": 3}
_FIELDS = (
    ("EDF patient identification", "removed", "may hold code, name and date of birth; age and sex alone are read"),
    ("EDF recording identification", "removed", "may hold hospital, technician and equipment"),
    ("EDF start date and time", "removed", "a date of care; the year alone is kept"),
    ("EDF annotations", "removed", "free text may hold a name"),
)


def read_edf(given: ReaderInput) -> Study:
    """Return the study in an EDF (kind "edf") or BDF ("bdf") file."""
    import edfio

    data, kind = given.file.data, given.kind
    _check(data, kind)
    reader = edfio.read_bdf if kind == "bdf" else edfio.read_edf
    recording = reader(data, header_encoding="latin-1")
    if not _is_continuous(recording, data):
        raise IntakeError(
            "The EDF+ file is discontinuous, so times between its parts are open: export one continuous stretch."
        )
    signals: tuple[Any, ...] = recording.signals
    channels = [
        channel(
            signal.label,
            np.where(is_gap(signal.digital), np.nan, signal.data),
            signal.sampling_frequency,
            units=_units(signal),
            position=f"EDF signal {i + 1}",
        )
        for i, signal in enumerate(signals)
    ]
    result = assemble(channels, given.answers)
    rows = tuple(IdentityRow(tag, "removed", reason) for tag, _, reason in _FIELDS)
    facts, identifier = _patient(recording)
    named = phrase(kind.upper(), result.trace, result.remark)
    patient_key = pseudonym(given.key, identifier)
    return Study(result.modality, result.trace, named, rows + result.rows, facts=facts, patient_key=patient_key)


def _is_continuous(recording: Any, data: bytes) -> bool:
    """Return whether no time passes between the records; annotations without times say nothing of it."""
    try:
        return bool(recording.is_continuous)
    except (ValueError, IndexError):
        return data[192:197] not in (b"EDF+D", b"BDF+D")


def _units(signal: Any) -> str:
    """Return the unit of a signal, "" where its ranges are no two numbers each, so that its samples have no scale."""
    ranges = [_attribute(signal, name) for name in ("digital_range", "physical_range")]
    scaled = all(ends is not None and ends.min != ends.max for ends in ranges)
    return str(signal.physical_dimension) if scaled else ""


def _check(data: bytes, kind: str) -> None:
    """Raise IntakeError where the header is damaged or announces more than the file holds."""
    try:
        n_records, n_signals = int(data[236:244]), int(data[252:256])
        record_s = float(data[244:252])
        start = _HEADER + n_signals * 216
        per_record = [int(data[start + 8 * i : start + 8 * i + 8]) for i in range(n_signals)]
    except ValueError as error:
        raise IntakeError(
            "The EDF header is damaged or incomplete, so the file cannot be read: export it again."
        ) from error
    if n_signals < 1 or min(per_record) < 0 or sum(per_record) == 0 or record_s < 0:
        raise IntakeError(
            "The EDF header describes no signal with samples, so there is nothing to read: export it again."
        )
    available = (len(data) - _HEADER * (n_signals + 1)) // (sum(per_record) * _SAMPLE_BYTES[kind])
    check_announced(max(n_records, 0) * sum(per_record), 1, 0.0)
    if available < max(1, n_records):
        raise IntakeError(
            f"The EDF file ends after {max(0, available):,} of the {max(1, n_records):,} data records that its "
            "header announces: "
            "it was cut off, so copy it again."
        )


def _patient(recording: Any) -> tuple[dict[str, Any], str]:
    """Return age, sex and year, and the raw identifier that the pseudonym is made from ("" where there is none)."""
    facts: dict[str, Any] = {}
    start = _attribute(recording, "startdate")
    if start is not None and start.year != 1985:  # 1985 is where anonymised EDF+ files start
        facts["acquired_at"] = str(start.year)
    patient = _attribute(recording, "patient")
    sex = _attribute(patient, "sex")
    if sex in ("M", "F"):
        facts["sex"] = sex
    born = _attribute(patient, "birthdate")
    if born is not None and start is not None and start >= born:
        age = start.year - born.year - ((start.month, start.day) < (born.month, born.day))
        facts["age"] = min(age, MAX_AGE)
    code = _attribute(patient, "code") if sex is not None else None
    return facts, str(recording.local_patient_identification if code is None else code)


def _attribute(thing: Any, name: str) -> Any:
    """Return a parsed EDF+ field, or None where the file holds something else in its place."""
    try:
        return getattr(thing, name, None)
    except (ValueError, IndexError, TypeError):
        return None
