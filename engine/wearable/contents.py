"""What an export holds: its recordings with source and time, or in one sentence why there is none to compare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from engine.errors import IntakeError
from engine.intake.formats import sniff
from engine.intake.free_text import found_in
from engine.intake.labels import read_label
from engine.intake.recognise import decode
from engine.intake.upload import Upload
from engine.intake.wearable_look import RECORDED, is_apple, is_fitbit, names_of
from engine.wearable import motion
from engine.wearable.archive import Export, Member

APPLE, E4, EMBRACE, POLAR, SHIMMER, FITBIT, OTHER = (
    *("Apple Watch", "Empatica E4", "Empatica EmbracePlus", "Polar", "Shimmer", "Fitbit"),
    "table",
)
_NAMED_AS_WAVES = (".csv", ".txt", ".tsv", ".avro")
LONG_BYTES = 200_000  # of a recording, unpacked, which is shown window by window: some minutes
_PRINTED_MOST = 60  # characters of what a device printed
_EXPORTS = "Apple Health with ECGs, Empatica E4 and EmbracePlus, Polar, Shimmer, and Fitbit's ECGs from Google Takeout"

# What has no waves, by how its files are named: (names, sentence); the first that fits is said.
_WITHOUT_WAVES = (
    (
        r"(?:^|/)di[-_]connect|garmin",
        "This export of Garmin holds heart rates, steps and activities and no pulse wave, and no export of Garmin has "
        "one: record with a sensor that exports samples, such as Polar, Empatica or Shimmer.",
    ),
    (
        r"(?:^|/|_)oura",
        "This export of Oura holds heart rates, sleep and temperature and no pulse wave, and no export of Oura has "
        "one: record with a sensor that exports samples, such as Polar, Empatica or Shimmer.",
    ),
    (
        r"withings|(?:^|/)raw_tracker_|(?:^|/)raw_hr_hr",
        "This export of Withings holds weights, heart rates and steps and no wave that is read here: share an ECG with "
        "Apple Health, and take in its export.zip.",
    ),
    (
        r"(?:^|/)takeout/|fitbit|google health",
        "This export of Fitbit or Google Takeout holds heart rates, steps and sleep and no ECG with samples: choose "
        "“Atrial Fibrillation ECG” in Google Takeout, as CSV; a PDF holds a picture alone.",
    ),
    (
        r"samsung",
        "This export of Samsung Health holds heart rates, steps and sleep and no wave that is read here: record with a "
        "sensor that exports samples, such as Polar, Empatica or Shimmer.",
    ),
    (
        r"apple_health_export|(?:^|/)export_cda\.xml$",
        "This export of Apple Health holds no ECG: record one with the ECG app of an Apple Watch, then export all "
        "health data again.",
    ),
)


@dataclass(frozen=True)
class ExportedRecording:
    """One recording of an export.

    began   : as the export says it; the wall clock of the phone (Apple, Polar), else UTC; None where it says nothing
    printed : what the device printed below its ECG; no label
    motion  : the accelerations of the wrist that were recorded beside it; None where there are none
    """

    member: Member
    source: str
    began: datetime | None
    printed: str = ""
    motion: Member | None = None


def recordings(export: Export) -> list[ExportedRecording]:
    """Return the recordings with waves, the earliest first; IntakeError where there is none, saying what to export."""
    found = list(_found(export))
    if not found:
        raise _none(export)
    return sorted(found, key=lambda one: (one.began or datetime.min, one.member.name))


def is_export(uploads: Sequence[Upload]) -> bool:
    """Say whether what was dropped is a whole export: several recordings or a long one, or a zip that a maker names.

    A zip that is damaged is none, so that it is refused as any other. Tables that no maker is known of are none
    beside each other: they are parts of one recording.
    """
    try:
        with Export(source_of(uploads)) as export:
            found = list(_found(export))
            if len(uploads) > 1:
                found = [one for one in found if one.source != OTHER]
            elif _is_named_as_export(export):
                return True
            return len(found) > 1 or any(one.member.size > LONG_BYTES for one in found)
    except IntakeError:
        return False


def source_of(uploads: Sequence[Upload]) -> bytes | Sequence[Upload]:
    """Return what was dropped as `Export` takes it: the zip, or the files beside each other."""
    return uploads[0].data if len(uploads) == 1 else uploads


def _is_named_as_export(export: Export) -> bool:
    names = [member.name.replace("\\", "/").lower() for member in export.members]
    return any(re.search(pattern, name) for name in names for pattern, _ in _WITHOUT_WAVES)


def _found(export: Export) -> Iterator[ExportedRecording]:
    motions = [member for member in export.members if member.base == motion.FILE]
    for member in export.members:
        if not member.base.endswith(_NAMED_AS_WAVES) or member.size == 0:
            continue
        head = export.head(member)
        kind = sniff(head)
        if kind == "avro":
            yield ExportedRecording(member, EMBRACE, _of_name(member.base, r"_(\d{10})\.avro$", 1.0))
        elif kind in ("e4", "wearable", "table") and (text := decode(head)) is not None:
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if (recording := _of_text(member, kind, lines)) is not None:
                beside = [one for one in motions if recording.source == E4 and one.place == member.place]
                yield replace(recording, motion=beside[0] if len(beside) == 1 else None)


def _of_text(member: Member, kind: str, lines: list[str]) -> ExportedRecording | None:
    """Return the recording of a text by its first lines; None for a table of something else, such as of steps."""
    if kind == "e4":
        return ExportedRecording(member, E4, _unix(lines[0]))
    if kind == "wearable" and is_fitbit(lines):
        began = _of_name(member.base, r"_(\d{13})\.csv$", 1e-3)
        return ExportedRecording(member, FITBIT, began, _printed(_fitbit_result(lines)))
    if kind == "wearable" and is_apple(lines[:40]):
        at = next(i for i, line in enumerate(lines) if RECORDED.match(line))
        match = RECORDED.match(lines[at])
        began = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S %z").replace(tzinfo=None) if match else None
        return ExportedRecording(member, APPLE, began, _printed(lines[at + 1].partition(",")[2]))
    if kind == "wearable":
        return ExportedRecording(member, POLAR, _first_stamp(lines[1:]))
    cells = [cell for line in lines[:5] for cell in re.split("[;,\t]", line)]
    if not any(read_label(cell).lead for cell in cells):
        return None
    joined = " ".join(cells).lower()
    source = SHIMMER if "shimmer" in joined else POLAR if "sensor timestamp" in joined else OTHER
    return ExportedRecording(member, source, _first_stamp(lines))


def _printed(words: str) -> str:
    """Return what a device printed, unless it may tell who somebody is."""
    plain = " ".join(words.strip(' "').split())
    return plain if len(plain) <= _PRINTED_MOST and plain.isprintable() and not found_in(plain) else ""


def _fitbit_result(lines: list[str]) -> str:
    names = names_of(lines[0])
    cells = lines[1].partition("[")[0].split(",")
    at = names.index("result_classification") if "result_classification" in names else len(cells)
    return cells[at] if at < len(cells) else ""


def _first_stamp(lines: list[str]) -> datetime | None:
    """Return the first moment in the first rows: a date with a time, or a unix time in s, ms, µs or ns."""
    for cell in (cell.strip(' "') for line in lines[:8] for cell in re.split("[;,\t]", line)):
        if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", cell):
            try:
                return datetime.fromisoformat(cell[:19])
            except ValueError:
                continue
        if (moment := _unix(cell)) is not None:
            return moment
    return None


def _unix(cell: str) -> datetime | None:
    """Return the moment, UTC, of a unix time from 2001 to 2096 in s, ms, µs or ns; None for other cells."""
    try:
        value = float(cell)
    except ValueError:
        return None
    for unit in (1.0, 1e-3, 1e-6, 1e-9):
        if 1e9 <= value * unit < 4e9:
            return datetime(1970, 1, 1) + timedelta(seconds=value * unit)
    return None


def _of_name(base: str, pattern: str, unit: float) -> datetime | None:
    """Return the moment, UTC, that a file's name holds as a unix time; None where it holds none."""
    match = re.search(pattern, base)
    return datetime.fromtimestamp(int(match[1]) * unit, UTC).replace(tzinfo=None) if match else None


def _none(export: Export) -> IntakeError:
    """Return why nothing of an export is compared, and which export has samples."""
    if not export.members and export.unread:
        return IntakeError(export.unread[0])
    names = [member.name.replace("\\", "/").lower() for member in export.members]
    for pattern, sentence in _WITHOUT_WAVES:
        if any(re.search(pattern, name) for name in names):
            return IntakeError(sentence)
    return IntakeError(
        f"The export holds {len(names):,} files and none of them is an ECG or a pulse wave with its samples: what is "
        f"read here is {_EXPORTS}."
    )
