"""What cannot be taken in: one clear sentence each, from any kind of damage, and nothing else ever comes out."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers.recording_files import as_bytes, film, zipped
from helpers.vendor_files import aecg, twelve_leads

from engine.errors import IntakeError
from engine.intake import Answers, Upload, read, read_paths, read_text
from engine.settings import UPLOAD_LIMIT_MB

NOISE = np.random.default_rng(8).integers(0, 256, 5000, dtype=np.uint8).tobytes()


def one_sentence(uploads: list[Upload], answers: Answers = Answers()) -> str:  # noqa: B008 (frozen)
    """Return the message of the IntakeError that reading must raise, after checking its form."""
    with pytest.raises(IntakeError) as caught:
        read(uploads, answers)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert message[0].isupper()
    assert 40 < len(message) < 300
    return message


SMALL_MB = 2  # limits for the bombs, so that they are quick to build


def bomb() -> bytes:
    """Return a small zip of zeros that unpack to more than allowed, in members that are each within the limit."""
    return zipped({f"{i}.dat": bytes(SMALL_MB * 900_000) for i in range(4)})


def lying_bomb() -> bytes:
    """Return a zip whose directory understates the size of its one member."""
    data = bytearray(zipped({"a.csv": bytes(20 * SMALL_MB * 1_000_000)}))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(zipped({"a.csv": b"t,PPG\n0,1\n"}))
    data[6] |= 1
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


def deflated_bomb() -> bytes:
    ds = film()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    head = as_bytes(ds)
    return head[: 144 + int.from_bytes(head[140:144], "little")] + deflated_zeros()


def deflated_bomb_without_length() -> bytes:
    """Return a bomb that does not say how long its meta information is, and whose syntax stands far behind."""
    long = b"\x02\x00\x01\x00OB\x00\x00" + struct.pack("<I", 5000) + bytes(5000)
    return bytes(128) + b"DICM" + long + b"\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99" + deflated_zeros()


def deflated_zeros() -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(bytes(4 * SMALL_MB * 1_000_000)) + deflate.flush()


BOMBS = {
    "members": (bomb, "unpacks to more"),
    "lying size": (lying_bomb, "unpack"),
    "deflated": (deflated_bomb, "more than"),
    "deflated, without a length": (deflated_bomb_without_length, "more than"),
}


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_are_refused_at_the_limit(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.intake.archive.UNPACKED_LIMIT_MB", 3 * SMALL_MB)
    monkeypatch.setattr("engine.intake.archive.UPLOAD_LIMIT_MB", SMALL_MB)
    monkeypatch.setattr("engine.intake.dicom.UNPACKED_LIMIT_MB", 3 * SMALL_MB)
    make, word = BOMBS[case]
    data = make()
    assert len(data) < 100_000
    assert word in one_sentence([Upload("a.zip", data)])


FILES = {
    "empty": (b"", "empty"),
    "pdf": (b"%PDF-1.7\n" + NOISE, "PDF"),
    "text named dcm": (b"This is just a letter about a patient.\nNothing else.\n", "plain text"),
    "one word": (b"hello", "plain text"),
    "html": (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "xml": (b'<?xml version="1.0"?><CardiologyXML/>', "XML"),
    "json": (b'{"signal": "x", "leads": ["I", "II"]}', "plain text"),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NOISE, "Office"),
    "excel": (zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), "Office"),
    "video": (b"\x00\x00\x00\x18ftypmp42" + NOISE, "video"),
    "matroska": (b"\x1aE\xdf\xa3" + NOISE, "video"),
    "scp": (bytes(16) + b"SCPECG" + NOISE, "SCP-ECG"),
    "random bytes": (NOISE, "of no kind"),
    "zeros": (bytes(5000), "of no kind"),
    "gzip": (b"\x1f\x8b\x08\x00" + NOISE, "not opened"),
    "matlab": (b"MATLAB 5.0 MAT-file" + NOISE, "MATLAB"),
    "encrypted zip": (encrypted, "encrypted"),
    "cut zip": (lambda: zipped({"a.csv": NOISE})[:-40], "damaged"),
    "zip of nothing readable": (zipped({"a.txt": b"hello there", "b.bin": NOISE}), "none of them"),
    "zip of one pdf": (zipped({"a.pdf": b"%PDF-1.4"}), "PDF"),
    "empty zip": (zipped({}), "no files"),
    "nested zip": (zipped({"a.zip": zipped({"a.csv": b"t,PPG\n"})}), "another archive"),
    "dicom head only": (lambda: as_bytes(film())[:400], "cut off|damaged"),
    "dicom without its end": (lambda: as_bytes(film())[:-500], "cut off"),
    "dicom preamble only": (bytes(128) + b"DICM", "damaged"),
    "png head only": (b"\x89PNG\r\n\x1a\n" + bytes(30), "damaged"),
    "jpeg head only": (b"\xff\xd8\xff\xe0" + bytes(30), "damaged"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_are_not_read(case: str) -> None:
    content, word = FILES[case]
    data = content() if callable(content) else content
    message = one_sentence([Upload("film.dcm", data)])
    assert any(part in message for part in word.split("|")), message


GOOD = np.arange(2400, dtype="<i2").tobytes()
LINE = "a.dat 16 200/mV 16 0 0 0 0 II\n"
HEADERS = {
    "path outside": ("a 1 100 1200\n../../etc/passwd 16 200/mV 16 0 0 0 0 II\n", "missing"),
    "absolute path": ("a 1 100 1200\n/etc/passwd 16 200/mV 16 0 0 0 0 II\n", "missing"),
    "rate 0": ("a 1 0 1200\n" + LINE, "positive"),
    "rate too high": ("a 1 99999 1200\n" + LINE, "99999 Hz"),
    "a billion samples": ("a 1 100 1000000000\n" + LINE, "limit"),
    "a million signals": ("a 1000000 100 1200\n" + LINE, "1,000,000"),
    "negative length": ("a 1 100 -5\n" + LINE, "limit"),
    "no signal lines": ("a 12 500 5000\n", "describes none"),
    "no signals": ("a 0 500 5000\n", "describes none"),
    "samples per frame": ("a 1 100 1200\na.dat 16x900000 200/mV 16 0 0 0 0 II\n", "absurd"),
    "longer than its file": ("a 1 100 5000\n" + LINE, "cut off"),
    "a later line is damaged": ("a 2 100 600\n" + LINE + "what is this\n", "Line 3"),
    "missing segment": ("a/2 1 100 1200\nx 600\ny 600\n", "segment"),
    "segments of itself": ("a/2 1 100 1200\na 600\na 600\n", "missing"),
    "too short": ("a 1 1000 1200\n" + LINE, "at least 2.5 s"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_wfdb_headers_that_are_not_read(case: str) -> None:
    text, word = HEADERS[case]
    message = one_sentence([Upload("a.hea", text.encode()), Upload("a.dat", GOOD)])
    assert word in message


@pytest.mark.parametrize("name", ["a.dat", "a.mat", "A.MAT"])
def test_a_signal_file_without_its_header(name: str) -> None:
    assert ".hea" in one_sentence(
        [Upload(name, np.random.default_rng(0).integers(-900, 900, 5000).astype("<i2").tobytes())]
    )


def test_a_header_without_its_signal_file() -> None:
    assert "missing" in one_sentence([Upload("a.hea", ("a 1 100 1200\n" + LINE).encode())])


def test_a_recording_of_missing_values_only() -> None:
    data = np.full(1200, -32768, "<i2").tobytes()
    header = ("a 1 100 1200\n" + LINE).encode()
    assert "only missing" in one_sentence([Upload("a.hea", header), Upload("a.dat", data)])


def test_several_studies_and_no_file_at_all() -> None:
    assert "2 recordings or films" in one_sentence([Upload("a", as_bytes(film())), Upload("b", as_bytes(film()))])
    assert "No file" in one_sentence([])
    assert "200 MB" in one_sentence([Upload("a", bytes(UPLOAD_LIMIT_MB * 1_000_000 + 1))])


def test_two_gigabytes_on_disk_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)  # sparse: takes no room
    with pytest.raises(IntakeError, match="2,000 MB"):
        read_paths([path])


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="no file"):
        read_paths([tmp_path / "absent.dcm"])
    with pytest.raises(IntakeError, match="folder"):
        read_paths([tmp_path])
    (tmp_path / "alone.dat").write_bytes(NOISE)
    with pytest.raises(IntakeError, match="header"):
        read_paths([tmp_path / "alone.dat"])


def test_typed_text_is_a_note_within_limits() -> None:
    study = read_text("  right-sided pleural effusion \x00")
    assert (study.modality, study.content.text) == ("text", "right-sided pleural effusion")
    for text in ("", " \n\t ", "x" * 30_000):
        with pytest.raises(IntakeError):
            read_text(text)


def test_importing_intake_loads_no_format_library() -> None:
    libraries = ("pydicom", "wfdb", "edfio", "PIL", "pandas", "scipy", "dicognito")
    code = f"import sys, engine.intake; print([m for m in {libraries} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    recording = aecg(twelve_leads())  # read through a file
    read([Upload("ecg.xml", recording)])
    one_sentence([Upload("ecg.xml", recording[: len(recording) // 2])])
    assert list(scratch.iterdir()) == []
