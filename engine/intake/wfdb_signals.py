"""Signals of one WFDB segment by the wfdb library, which reads a neutral copy of its files.

What reads records takes them from here alone, so that a device without that library can put another in its place
(`edge/src/casebind_edge/stand_ins/wfdb_signals.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.intake import scratch
from engine.intake.wfdb_header import Header, SignalLine, neutral

_NAME = "r0"


def signal_lines(header: Header) -> list[SignalLine]:
    """Return what a header says of its signals, in its order."""
    import wfdb
    from wfdb.io._signal import BYTES_PER_SAMPLE

    with scratch.room() as folder:
        (folder / f"{_NAME}.hea").write_text(_neutral(header), encoding="ascii", errors="replace")
        said = wfdb.rdheader(str(folder / _NAME))
    return [
        SignalLine(
            str(said.sig_name[i] or ""),
            said.units[i],
            said.samps_per_frame[i] or 1,
            BYTES_PER_SAMPLE.get(said.fmt[i], 0),
            said.byte_offset[i] or 0,
            said.adc_gain[i],
            said.baseline[i],
        )
        for i in range(len(header.signals))
    ]


def physical_signals(header: Header, lines: Sequence[SignalLine], data: Mapping[str, bytes]) -> list[np.ndarray]:
    """Return each signal in its unit, (frames · per_frame,) float64, NaN where its format says that there is no sample.

    data : the content of every file that the header names
    Raises ValueError, IndexError or RuntimeError where a file is damaged or ends early.
    """
    import wfdb

    with scratch.room() as folder:
        for i, file in enumerate(header.files):
            (folder / f"s{i}.dat").write_bytes(data[file])
        (folder / f"{_NAME}.hea").write_text(_neutral(header), encoding="ascii", errors="replace")
        record = wfdb.rdrecord(str(folder / _NAME), smooth_frames=False, return_res=64)
    return list(record.e_p_signal)


def _neutral(header: Header) -> str:
    return neutral(header, _NAME, header.files)
