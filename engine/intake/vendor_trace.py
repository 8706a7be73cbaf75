"""ECG files of hospital devices → Trace, through ecgdatakit: HL7 aECG, SCP-ECG, Philips and GE XML, ISHNE Holter.

Samples, leads, rate, age, sex and year alone leave this module; names, numbers and statements stay in the file.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import IntakeError, brief
from engine.intake import scratch
from engine.intake.assemble import Channel, assemble, channel, check_announced
from engine.intake.formats import READABLE
from engine.intake.gaps import without_gaps
from engine.intake.leads import GENERIC_ECG, phrase
from engine.intake.pseudonyms import MAX_AGE, pseudonym
from engine.intake.recognise import decode
from engine.intake.scp_counting import counted_from_one
from engine.intake.upload import ReaderInput
from engine.intake.vendor_leads import checked, completed, without_calibration
from engine.study import IdentityRow, Study

if TYPE_CHECKING:
    from ecgdatakit.models import ECGRecord, Lead

_SOURCES = {
    "aecg": "hl7_aecg",
    "scp": "scp_ecg",
    "sierra": "sierra_xml",
    "muse": "ge_muse_xml",
    "ishne": "ishne_holter",
}
_RESTING = {"aecg", "scp", "sierra", "muse"}  # 12-lead recordings, of which some store eight leads
_IDENTITY = (
    ("patient's name, number and date of birth", "removed", "identity; age and sex alone are read"),
    ("names of staff, site and device", "removed", "may identify a person"),
    ("date and time of recording", "removed", "a date of care; the year alone is kept"),
    ("statements, comments and measurements", "removed", "free text may hold a name"),
)
_OLDEST = 130  # years; more is no age
_UNNAMED = re.compile(r"(?:Lead|Channel) \d+|Unspecified|Unknown", re.IGNORECASE)
_CUT_OFF = re.compile(r"truncated|incomplete final frame", re.IGNORECASE)
_STATED = re.compile(r"""<(?:\w+:)?(?:scale|origin|increment)\b[^>]*?\bvalue\s*=\s*["']([^"']*)["']""")
_FURTHER = re.compile(r"only the first is read|ignored in", re.IGNORECASE)


def read_vendor(given: ReaderInput) -> Study:
    """Return the study in an ECG file of a device; IntakeError where its checksum or its leads contradict it."""
    data = counted_from_one(given.file.data) if given.kind == "scp" else given.file.data
    name = READABLE[given.kind].name
    if given.kind == "aecg":
        _check_numbers(data, name)
    record, said = _parsed(data, given.kind, name)
    _check_lengths(record.leads)
    rate = float(record.raw_metadata.get("rhythm_time", {}).get("sampling_rate_exact") or 0)
    channels = [_channel(lead, i, rate or float(lead.sampling_rate)) for i, lead in enumerate(record.leads)]
    channels, remarks = _prepared(channels, given.kind)
    result = assemble(channels, given.answers)
    remarks = [result.remark, *remarks, *_remarks(record, said)]
    rows = tuple(IdentityRow(tag, "removed", reason) for tag, _, reason in _IDENTITY)
    return Study(
        result.modality,
        result.trace,
        phrase(name, result.trace, ", ".join(filter(None, remarks))),
        rows + result.rows,
        facts=_facts(record),
        patient_key=pseudonym(given.key, _number(record)),
    )


def _parsed(data: bytes, kind: str, name: str) -> tuple[ECGRecord, list[str]]:
    """Return ecgdatakit's record, in stored values, and what it warned of."""
    from ecgdatakit.exceptions import ChecksumWarning, UnsupportedFormatError
    from ecgdatakit.parsing import FileParser

    with scratch.room() as folder, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        file = folder / "recording"
        file.write_bytes(data)
        try:
            record = FileParser.parse(str(file), auto_scale=False)
        except UnsupportedFormatError as error:
            raise IntakeError(
                f"The {name} file is of a version or compression that is not read: export it as DICOM or as CSV with "
                "one row per sample."
            ) from error
    said = [str(item.message) for item in caught]
    if record.source_format != _SOURCES[kind] or not record.leads:
        raise IntakeError(f"The {name} file holds no recording that can be read: export it again.")
    if any(issubclass(item.category, ChecksumWarning) for item in caught):
        raise IntakeError(
            f"The checksum of the {name} file does not match its content, so it was damaged: export it again."
        )
    if any(_CUT_OFF.search(message) for message in said):
        raise IntakeError(f"The {name} file ends in the middle of its samples: it was cut off, so export it again.")
    return record, said


def _check_numbers(data: bytes, name: str) -> None:
    """Raise IntakeError where a scale, an origin or a step of time is no number: ecgdatakit would take a default."""
    for value in _STATED.findall(decode(data) or ""):
        try:
            float(value)
        except ValueError as error:
            raise IntakeError(
                f"The {name} file states the number '{brief(value)}' for its scale, origin or step of time: export "
                "it again with a decimal point."
            ) from error


def _check_lengths(leads: list[Lead]) -> None:
    """Raise IntakeError unless all leads were recorded over the same time, within the limits."""
    lengths, starts = {len(lead.samples) for lead in leads}, {lead.annotations.get("start_sample") for lead in leads}
    if len(lengths) > 1 or len(starts) > 1:
        raise IntakeError(
            "The leads of the file cover different times, and one stretch of all leads is searched: export leads that "
            "were recorded together."
        )
    check_announced(max(lengths), len(leads), float(leads[0].sampling_rate))


def _channel(lead: Lead, index: int, fs: float) -> Channel:
    """Return one lead in the unit of its file; a lead without a name is an ECG of an unknown lead."""
    samples = without_gaps(np.asarray(lead.samples, dtype=np.float64))  # in stored values, where -32768 is a sign
    label = re.sub(r"_\d+$", "", lead.label.strip()).removesuffix("-cal")  # "II_2" repeats II; "-cal": calculated
    label = GENERIC_ECG if _UNNAMED.fullmatch(label) else label
    units = lead.resolution_unit if lead.is_raw else lead.units
    if lead.is_raw and lead.resolution == 0:
        raise IntakeError(
            f"Lead {brief(lead.label)} of the file has a scale of zero, so its amplitude is lost: export it again."
        )
    if lead.is_raw and units:
        samples = samples * lead.resolution + lead.offset
    return channel(label, samples, fs, units=units, position=f"lead {index + 1} of the file")


def _prepared(channels: list[Channel], kind: str) -> tuple[list[Channel], list[str]]:
    """Return the channels of a resting ECG without calibration pulse, checked and completed, and what was done."""
    if kind not in _RESTING:
        return channels, []
    cut = without_calibration(channels)
    checked(cut)
    full, computed = completed(cut)
    remarks = ["calibration pulse left out"] if cut is not channels else []
    return full, remarks + ([f"{', '.join(computed)} computed from I and II"] if computed else [])


def _remarks(record: ECGRecord, said: list[str]) -> list[str]:
    """Return what else the user has to know about the file."""
    remarks = ["first of several recordings in the file"] if any(_FURTHER.search(text) for text in said) else []
    stated, read = (int(record.raw_metadata.get(field) or 0) for field in ("ecg_size", "samples_per_lead"))
    return remarks + (["shorter than its header says"] if 0 < read < stated else [])


def _number(record: ECGRecord) -> str:
    """Return the patient's number in the file; zeros stand for nobody."""
    number = str(record.patient.patient_id or "")
    return number if number.strip(" 0") else ""


def _facts(record: ECGRecord) -> dict[str, Any]:
    """Return age, sex and year where the file states them."""
    facts: dict[str, Any] = {}
    if record.patient.age is not None and 0 <= record.patient.age <= _OLDEST:
        facts["age"] = min(int(record.patient.age), MAX_AGE)
    if record.patient.sex in ("M", "F"):
        facts["sex"] = record.patient.sex
    if record.recording.date is not None:
        facts["acquired_at"] = str(record.recording.date.year)
    return facts
