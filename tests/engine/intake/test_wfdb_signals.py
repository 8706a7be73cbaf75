"""Our reader of WFDB signals reads every storage format as the wfdb library does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from helpers import wfdb_library

from engine.intake.wfdb_header import Header, parse_header
from engine.intake.wfdb_signals import physical_signals, signal_lines
from engine.settings import DEMO


@pytest.mark.parametrize("fmt", ["8", "16", "24", "32", "61", "80", "160", "212", "310", "311"])
def test_late_signals_frames_and_offsets_are_as_the_wfdb_library_has_them(fmt: str, tmp_path: Path) -> None:
    data = np.random.default_rng(int(fmt)).integers(0, 256, 4800, np.uint8)
    if fmt == "311":
        data[3::4] &= 0x3F  # two bits of every word are unused; the library reads one of them
    late = "" if fmt == "8" else ":2"  # the library fails on late signals of differences
    lines = f"a.dat {fmt}x2{late}+12 200(3)/mV 12 5 7 0 0 I\na.dat {fmt}{late}+12 0/uV 12 5 9 0 0 II\n"
    header = parse_header(f"a 2 100 390\n{lines}".encode())
    _same(header, {"a.dat": data.tobytes()}, tmp_path, -4)  # the library makes up the last frames


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
    (tmp_path / "by").mkdir()
    _same(header, data, tmp_path / "by")
    with pytest.raises((ValueError, RuntimeError)):
        physical_signals(header, signal_lines(header), {"a.dat": b"fLaC" + bytes(99)})


def test_a_record_of_the_demo_is_read_as_by_the_wfdb_library(tmp_path: Path) -> None:
    file = next((DEMO / "ecg").glob("*.hea"))
    header = parse_header(file.read_bytes())
    assert any(" 516 " in f" {rest} " for _, rest in header.signals)  # FLAC
    _same(header, {name: file.with_name(name).read_bytes() for name in header.files}, tmp_path)


def _same(header: Header, data: dict[str, bytes], folder: Path, end: int | None = None) -> None:
    """Assert that one segment is read as by the library, as far as to `end`."""
    lines = signal_lines(header)
    for line, wanted in zip(lines, wfdb_library.signal_lines(header, folder), strict=True):
        assert {name: getattr(line, name) for name in wanted.__dataclass_fields__} == vars(wanted)
    wanted_signals = wfdb_library.physical_signals(header, data, folder)
    for found, signal in zip(physical_signals(header, lines, data), wanted_signals, strict=True):
        np.testing.assert_array_equal(found[:end], signal[:end])
