"""What takes the place of pandas and wfdb on a device reads as they do; for filters see test_filtering.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from casebind_edge.stand_ins import table_cells as device_cells
from casebind_edge.stand_ins import wfdb_signals as device_signals

from engine.errors import IntakeError
from engine.intake import table_cells, wfdb_signals
from engine.intake.table_numbers import NumberStyle
from engine.intake.wfdb_header import Header, parse_header
from engine.settings import DEMO

PLAIN = NumberStyle()
GERMAN = NumberStyle(",", ".")
ROWS = {
    "numbers": ["1,2.5,-3e-2", "4, 5,6", "+7,.8,9."],
    "words": ["1,2,x", "na,,3", "4,-,NaN"],
    "a delimiter at the end": ["1,2,3,", "4,5,6,"],
    "the last row cut off": ["1,2,3", "4,5"],
}
STAMPS = [
    ["2024-05-01 10:00:00.5", "2024-05-01 10:00:01", "2024-05-02 00:00:00.25"],
    ["2024-05-01T10:00:00Z", "2024-05-01T10:00:00.008+00:00"],
    ["2024-05-01T10:00:00+02:00", "2024-05-01T09:00:00+01:00"],
    ["0 days 00:00:00", "0 days 00:00:01.5", "1 days 02:00:00.25"],
]


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_cells_of_a_table_are_those_of_pandas(rows: list[str]) -> None:
    width, used = rows[0].count(",") + 1, [2, 0, 1]
    wanted = table_cells.plain_cells(rows, ",", width, used)
    found = device_cells.plain_cells(rows, ",", width, used)
    for i in used:
        np.testing.assert_array_equal(_values(found[i], device_cells), _values(wanted[i], table_cells), str(i))


def _values(cells: object, by: object) -> np.ndarray:
    return cells if isinstance(cells, np.ndarray) else by.numbers(cells, PLAIN)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cells", "style"),
    [
        (["1", " 2.5", "-3e2", "", "nan", "n/a", "x", "inf", "1.#QNAN"], PLAIN),
        (["1.234,5", "0,25", "-7", "#N/A", "12.000"], GERMAN),
        (["1 234.5", "2"], NumberStyle(".", " ")),
    ],
)
def test_numbers_are_those_of_pandas(cells: list[str], style: NumberStyle) -> None:
    np.testing.assert_array_equal(device_cells.numbers(cells, style), table_cells.numbers(cells, style))
    for by in (device_cells, table_cells):
        with pytest.raises(IntakeError, match="neither a number nor empty"):
            by.numbers([*cells, "1.2.3x"], style)


@pytest.mark.parametrize("stamps", STAMPS)
def test_stamps_are_those_of_pandas(stamps: list[str]) -> None:
    found, wanted = device_cells.since_first(stamps), table_cells.since_first(stamps)
    np.testing.assert_allclose(found - found[0], wanted - wanted[0], rtol=0, atol=1e-9)
    assert np.isnan(device_cells.since_first([*stamps, "soon"])).any()


@pytest.mark.parametrize("fmt", ["8", "16", "24", "32", "61", "80", "160", "212", "310", "311"])
def test_late_signals_frames_and_offsets_are_as_the_wfdb_library_has_them(fmt: str) -> None:
    data = np.random.default_rng(int(fmt)).integers(0, 256, 4800, np.uint8)
    if fmt == "311":
        data[3::4] &= 0x3F  # two bits of every word are unused; the library reads one of them
    late = "" if fmt == "8" else ":2"  # the library fails on late signals of differences
    lines = f"a.dat {fmt}x2{late}+12 200(3)/mV 12 5 7 0 0 I\na.dat {fmt}{late}+12 0/uV 12 5 9 0 0 II\n"
    _same(parse_header(f"a 2 100 390\n{lines}".encode()), {"a.dat": data.tobytes()}, -4)  # it makes up the last frames


@pytest.mark.parametrize("fmt", ["508", "516", "524"])
@pytest.mark.parametrize("per_frame", [1, 2])
def test_compressed_signals_are_as_the_wfdb_library_has_them(fmt: str, per_frame: int, tmp_path: Path) -> None:
    random, bits = np.random.default_rng(0), int(fmt) - 500
    stored = [random.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), 400 * per_frame) for _ in range(3)]
    named = {"sig_name": ["I", "II", "V1"], "units": ["mV"] * 3, "fmt": [fmt] * 3, "adc_gain": [200.0] * 3}
    shape = {"samps_per_frame": [per_frame] * 3, "baseline": [5, 0, 1]}
    wfdb.wrsamp("a", fs=100, e_d_signal=stored, write_dir=str(tmp_path), **named, **shape)
    header = parse_header((tmp_path / "a.hea").read_bytes())
    data = {"a.dat": (tmp_path / "a.dat").read_bytes()}
    _same(header, data)
    with pytest.raises((ValueError, RuntimeError)):
        device_signals.physical_signals(header, device_signals.signal_lines(header), {"a.dat": b"fLaC" + bytes(99)})


def test_a_record_of_the_demo_is_read_as_at_the_hospital() -> None:
    file = next((DEMO / "ecg").glob("*.hea"))
    header = parse_header(file.read_bytes())
    assert any(" 516 " in f" {rest} " for _, rest in header.signals)  # FLAC
    _same(header, {name: file.with_name(name).read_bytes() for name in header.files})


def _same(header: Header, data: dict[str, bytes], end: int | None = None) -> None:
    """Assert that both modules read one segment alike, as far as to `end`."""
    wanted_lines, lines = wfdb_signals.signal_lines(header), device_signals.signal_lines(header)
    for line, wanted in zip(lines, wanted_lines, strict=True):
        assert {name: getattr(line, name) for name in wanted.__dataclass_fields__} == vars(wanted)
    wanted_signals = wfdb_signals.physical_signals(header, wanted_lines, data)
    for found, signal in zip(device_signals.physical_signals(header, lines, data), wanted_signals, strict=True):
        np.testing.assert_array_equal(found[:end], signal[:end])
