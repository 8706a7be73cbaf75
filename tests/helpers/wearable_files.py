"""Files of wristbands and of BIOPAC's AcqKnowledge; every signal is made up."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from helpers.recording_files import zipped

START = 1560279825  # 11 June 2019, unix time


def pulse(fs: float, seconds: float = 20, rate_hz: float = 1.1) -> np.ndarray:
    """Return (n,) a pulse wave with a second, smaller wave, in units of its own."""
    t = np.arange(round(fs * seconds)) / fs
    phase = 2 * np.pi * rate_hz * t
    return np.round(40 * np.sin(phase) + 12 * np.sin(2 * phase + 0.7), 2)


def e4_files(wave: np.ndarray) -> dict[str, bytes]:
    """Return the files of an E4's zip: the pulse wave, slower sensors, beat intervals, events and a note."""

    def sensor(rate: int, rows: list[str], columns: int = 1) -> bytes:
        return "\n".join([", ".join([f"{START}.00"] * columns), ", ".join([f"{rate:.6f}"] * columns), *rows]).encode()

    return {
        "BVP.csv": sensor(64, [f"{value:.2f}" for value in wave]),
        "EDA.csv": sensor(4, ["0.25"] * 80),
        "TEMP.csv": sensor(4, ["33.1"] * 80),
        "HR.csv": sensor(1, ["66.0"] * 20),
        "ACC.csv": sensor(32, ["-3,5,62"] * 640, columns=3),
        "IBI.csv": f"{START}.000000, IBI\n83.503822,0.609403\n99.973326,0.843789\n".encode(),
        "tags.csv": f"{START + 5}.12\n{START + 9}.40\n".encode(),
        "info.txt": b"This archive was exported for Jane Roe.\n",
    }


def e4_zip(wave: np.ndarray) -> bytes:
    """Return the zip that Empatica's site hands out."""
    return zipped(e4_files(wave))


def avro(wave: np.ndarray, fs: float = 64, **changes: Any) -> bytes:
    """Return an avro file of an EmbracePlus; `changes` replace fields of its pulse wave."""
    import fastavro

    bvp = {"timestampStart": START * 1_000_000, "samplingFrequency": fs, "values": wave.tolist()} | changes
    fields = [
        ("timestampStart", "long"),
        ("samplingFrequency", "float"),
        ("values", {"type": "array", "items": "float"}),
    ]
    schema = _record(
        "record",
        [
            ("enrollment", _record("enrollment", [("participantID", "string")])),
            ("deviceSn", "string"),
            ("rawData", _record("raw", [("bvp", _record("wave", fields))])),
        ],
    )
    file = io.BytesIO()
    content = {"enrollment": {"participantID": "MRN-77"}, "deviceSn": "3YK-77", "rawData": {"bvp": bvp}}
    fastavro.writer(file, fastavro.parse_schema(schema), [content])
    return file.getvalue()


def _record(name: str, fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in fields]}


def acq(channels: list[tuple[str, str, np.ndarray, int]], fs: float = 1000, revision: int = 41) -> bytes:
    """Return an uncompressed AcqKnowledge 3.8 file of (name, unit, values, divider of the rate) channels."""
    from bioread import headers as bh

    def filled(header: type, **fields: Any) -> bytes:
        made = header.for_revision(revision, "<")  # type: ignore[attr-defined]
        item = made._struct_class()
        for name, value in fields.items():
            setattr(item, name, value)
        return bytes(item)

    graph_size = bh.GraphHeader.for_revision(revision, "<").struct_length
    size = bh.ChannelHeader.for_revision(revision, "<").struct_length
    graph = filled(
        bh.GraphHeader, lVersion=revision, lExtItemHeaderLen=graph_size, nChannels=len(channels), dSampleTime=1000 / fs
    )
    head = b"".join(
        filled(
            bh.ChannelHeader,
            lChanHeaderLen=size,
            szCommentText=name.encode(),
            szUnitsText=unit.encode(),
            lBufLength=values.size,
            dAmplScale=1.0,
            nVarSampleDivider=divider,
        )
        for name, unit, values, divider in channels
    )
    foreign = filled(bh.ForeignHeader, nLength=4, nType=0)
    types = b"".join(filled(bh.ChannelDTypeHeader, nSize=8, nType=1) for _ in channels)
    return graph + head + foreign + types + _interleaved(channels) + bytes(64)


def _interleaved(channels: list[tuple[str, str, np.ndarray, int]]) -> bytes:
    """Return the samples in the order of time; a channel with a divider of 4 has every fourth."""
    ticks = max(values.size * divider for _, _, values, divider in channels)
    order = [
        values[tick // divider]
        for tick in range(ticks)
        for _, _, values, divider in channels
        if tick % divider == 0 and tick // divider < values.size
    ]
    return np.array(order, "<f8").tobytes()
