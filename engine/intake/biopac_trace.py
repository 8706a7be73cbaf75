"""BIOPAC AcqKnowledge files (.acq) → Trace, through bioread; every channel has a rate of its own."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING, Any

from engine.errors import IntakeError
from engine.intake.assemble import Channel, assemble, channel, check_announced
from engine.intake.leads import lead_of, phrase, split_units
from engine.intake.upload import ReaderInput
from engine.study import IdentityRow, Study

if TYPE_CHECKING:
    from bioread.biopac import Datafile

_AMPLIFIER = re.compile(r"(?:.* - )?(ECG|PPG)(?:100[A-Z])?", re.IGNORECASE)  # "Pulse - PPG100C" names BIOPAC's module
_JOURNAL = IdentityRow("journal and event markers", "removed", "free text may hold a name")


def read_acq(given: ReaderInput) -> Study:
    """Return the study in an AcqKnowledge file; IntakeError where bioread is not installed."""
    try:
        import bioread.reader
    except ImportError as error:
        raise IntakeError(
            "BIOPAC files are read by a package of its own, which is not installed: run `pip install casebind[biopac]` "
            "and drop the file again."
        ) from error
    logging.getLogger("bioread").setLevel(logging.CRITICAL)  # it writes what it meets to standard error
    data = given.file.data
    _check(data)
    headers = bioread.reader.Reader.read_headers(io.BytesIO(data))
    if (headers.data_length or 0) + (headers.data_start_offset or 0) > len(data):
        raise IntakeError(
            "The BIOPAC file ends before the samples that its header announces: it was cut off, so copy it again."
        )
    recording = bioread.reader.Reader.read(io.BytesIO(data)).datafile
    result = assemble(_channels(recording), given.answers)
    rows = (_JOURNAL, *result.rows)
    return Study(result.modality, result.trace, phrase("BIOPAC", result.trace, result.remark), rows)


def _check(data: bytes) -> None:
    """Raise IntakeError where the header announces more than is ever read, before memory is spent on it."""
    from bioread.header_reader import GraphHeaderReader, HeaderReader
    from bioread.headers import ChannelHeader, UnknownPaddingHeader

    file: Any = io.BytesIO(data)
    graph = GraphHeaderReader.bootstrap(file)
    headers = HeaderReader(file, graph.byte_order_char, graph.file_revision, graph.encoding)
    offset = graph.effective_len_bytes
    padding = headers.multi_headers(graph.expected_padding_headers, offset, UnknownPaddingHeader)
    offset += sum(item.effective_len_bytes for item in padding)
    channels = headers.multi_headers(graph.channel_count, offset, ChannelHeader)
    for item in channels:
        fs = 1000 / graph.sample_time
        check_announced(item.point_count * item.frequency_divider, 1, fs)
    if any(item.point_count < 0 or item.frequency_divider < 1 for item in channels):
        raise IntakeError("The BIOPAC file's header is damaged, so its samples cannot be found: export it again.")


def _channels(recording: Datafile) -> list[Channel]:
    """Return the channels at their own rates; a name of an amplifier says what it measured."""
    made = []
    for i, item in enumerate(recording.channels):
        label = split_units(str(item.name))[0].strip()
        named = _AMPLIFIER.fullmatch(label)
        label = named[1] if named and lead_of(label) is None else label
        fs, position = float(item.samples_per_second), f"channel {i + 1}"
        made.append(channel(label, item.data, fs, units=str(item.units), position=position))
    return made
