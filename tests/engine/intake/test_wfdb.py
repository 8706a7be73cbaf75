"""WFDB records in every storage format, however their files arrive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.recording_files import LEADS, signals, wfdb_uploads, zipped

from engine.errors import IntakeError, QuestionError
from engine.intake import Answers, Upload, read, read_paths

# Half a step of the converter in mV, with room for rounding: formats of 12 bits or fewer are coarse.
WRITTEN = {"80": 0.02, "212": 0.002, "16": 1e-4, "24": 1e-4, "32": 1e-4, "508": 0.02, "516": 1e-4, "524": 1e-4}


@pytest.mark.parametrize("fmt", WRITTEN)
def test_every_format_that_wfdb_writes_gives_the_same_millivolts(tmp_path: Path, fmt: str) -> None:
    values = signals(2)
    study = read(wfdb_uploads(tmp_path, values=values, fmt=[fmt] * 2))
    assert study.modality == "ecg"
    assert (study.content.leads, study.content.fs, study.content.units) == (("I", "II"), 100, "mV")
    np.testing.assert_allclose(study.content.samples, values.T, atol=WRITTEN[fmt])


def pack_310(flat: np.ndarray) -> bytes:
    """Pack 10-bit samples as signal(5) describes format 310: two in the low bits of two words, the third above them."""
    a, b, c = (flat & 0x3FF).reshape(-1, 3).astype(np.uint16).T
    return np.stack([(a << 1) | ((c & 0x1F) << 11), (b << 1) | ((c >> 5) << 11)], axis=1).astype("<u2").tobytes()


def pack_311(flat: np.ndarray) -> bytes:
    """Pack 10-bit samples as signal(5) describes format 311: three in one word of 32 bits."""
    a, b, c = (flat & 0x3FF).reshape(-1, 3).astype(np.uint32).T
    return (a | (b << 10) | (c << 20)).astype("<u4").tobytes()


PACKED = {
    "61": lambda flat: flat.astype(">i2").tobytes(),
    "160": lambda flat: (flat + 32768).astype("<u2").tobytes(),
    "310": pack_310,
    "311": pack_311,
}


@pytest.mark.parametrize("fmt", PACKED)
def test_formats_that_wfdb_only_reads(fmt: str) -> None:
    stored = np.rint(signals(2, seconds=9) * 200).astype(np.int32)
    header = f"a 2 100 900\na.dat {fmt} 200/mV 10 0 0 0 0 I\na.dat {fmt} 200/mV 10 0 0 0 0 II\n"
    study = read([Upload("a.hea", header.encode()), Upload("a.dat", PACKED[fmt](stored.reshape(-1)))])
    np.testing.assert_allclose(study.content.samples, stored.T / 200, atol=1e-6)


def test_mat_file_with_24_byte_offset_reads_like_the_challenge_records(tmp_path: Path) -> None:
    stored = np.rint(signals(2) * 1000).astype("<i2")
    header = "A1 2 100 1000\nA1.mat 16x1+24 1000.0(0)/mV 16 0 0 0 0 II\nA1.mat 16x1+24 1000.0(0)/mV 16 0 0 0 0 I\n"
    study = read([Upload("A1.hea", header.encode()), Upload("A1.mat", b"\1" * 24 + stored.tobytes())])
    assert study.content.leads == ("I", "II")
    np.testing.assert_allclose(study.content.samples, stored[:, ::-1].T / 1000, atol=1e-6)


def test_leads_are_ordered_by_name_and_others_dropped_and_shown(tmp_path: Path) -> None:
    values = signals(4)
    study = read(wfdb_uploads(tmp_path, values=values, sig_name=["V2", "RESP", "AVR", "MLII"]))
    assert study.content.leads == ("II", "aVR", "V2")
    np.testing.assert_allclose(study.content.samples, values[:, [3, 2, 0]].T, atol=1e-3)
    assert ("WFDB signal 2", "removed") in [(row.tag, row.action) for row in study.identity]


@pytest.mark.parametrize(("units", "factor"), [("uV", 1e-3), ("mV", 1.0), ("V", 1e3), ("nV", 1e-6)])
def test_units_become_millivolts(tmp_path: Path, units: str, factor: float) -> None:
    values = signals(1) / factor
    study = read(wfdb_uploads(tmp_path, values=values, units=[units]))
    np.testing.assert_allclose(study.content.samples, values.T * factor, atol=1e-3)


def test_unknown_units_are_asked_for_and_the_answer_is_used(tmp_path: Path) -> None:
    uploads = wfdb_uploads(tmp_path, values=signals(1), units=["NU"])
    with pytest.raises(QuestionError, match="unit") as caught:
        read(uploads)
    assert (caught.value.field, "uV" in caught.value.choices) == ("units", True)
    assert read(uploads, Answers(units="sd")).content.units == "sd"
    assert np.nanmax(read(uploads, Answers(units="uV")).content.samples) < 1e-3


def test_an_uncalibrated_signal_is_asked_for() -> None:
    data = np.zeros(1000, "<i2").tobytes()
    with pytest.raises(QuestionError):
        read([Upload("a.hea", b"a 1 100 1000\na.dat 16 0 16 0 0 0 0 II\n"), Upload("a.dat", data)])


def test_a_missing_rate_is_asked_for() -> None:
    files = [
        Upload("a.hea", b"a 1\na.dat 16 200/mV 16 0 0 0 0 II\n"),
        Upload("a.dat", np.arange(2000, dtype="<i2").tobytes()),
    ]
    with pytest.raises(QuestionError) as caught:
        read(files)
    assert caught.value.field == "fs"
    assert read(files, Answers(fs=250)).content.duration_s == 8


def test_signals_of_different_rates_meet_at_the_fastest() -> None:
    t2, t1 = np.arange(4000) / 400, np.arange(2000) / 200
    fast, slow = np.sin(2 * np.pi * 3 * t2), np.sin(2 * np.pi * 3 * t1)
    frames = np.concatenate([fast.reshape(-1, 2), slow.reshape(-1, 1)], axis=1)
    header = b"m 2 200 2000\nm.dat 16x2 1000/mV 16 0 0 0 0 V1\nm.dat 16 1000/mV 16 0 0 0 0 II\n"
    study = read([Upload("m.hea", header), Upload("m.dat", np.rint(frames * 1000).astype("<i2").tobytes())])
    assert (study.content.fs, study.content.leads) == (400, ("II", "V1"))
    np.testing.assert_allclose(study.content.samples[0, 40:-40], study.content.samples[1, 40:-40], atol=0.01)


def segments(tmp_path: Path) -> list[Upload]:
    """Return two written segments of two leads, 6 s each."""
    return wfdb_uploads(tmp_path, "seg1", values=signals(2, seconds=6)) + wfdb_uploads(
        tmp_path, "seg2", values=signals(2, seconds=6, seed=5)
    )


def test_fixed_layout_multi_segment_record_is_joined(tmp_path: Path) -> None:
    study = read([Upload("m.hea", b"m/2 2 100 1200\nseg1 600\nseg2 600\n"), *segments(tmp_path)])
    assert study.recognised == "WFDB, 2 segments, 2 leads, 100 Hz, 12 s"
    expected = np.concatenate([signals(2, seconds=6), signals(2, seconds=6, seed=5)]).T
    np.testing.assert_allclose(study.content.samples, expected, atol=1e-3)


def test_variable_layout_leaves_gaps_and_drops_leads_that_are_mostly_absent(tmp_path: Path) -> None:
    first = wfdb_uploads(tmp_path, "s1", values=signals(2, seconds=6))
    second = wfdb_uploads(tmp_path, "s2", values=signals(1, seconds=6), sig_name=["II"])
    layout = b"lay 2 100 0\n~ 0 200/mV 16 0 0 0 0 I\n~ 0 200/mV 16 0 0 0 0 II\n"
    master = b"m/4 2 100 1300\nlay 0\ns1 600\n~ 100\ns2 600\n"
    study = read([Upload("m.hea", master), Upload("lay.hea", layout), *first, *second])
    assert study.content.leads == ("II",)
    assert study.content.samples.shape == (1, 1300)
    assert np.isnan(study.content.samples[0, 600:700]).all()
    assert not np.isnan(study.content.samples[0, :600]).any()


def test_the_same_record_as_zip_as_files_and_from_disk_is_the_same_study(tmp_path: Path) -> None:
    uploads = wfdb_uploads(tmp_path, values=signals())
    (tmp_path / "rec.hea").rename(tmp_path / "REC.HEA")
    archive = zipped(
        {f"folder/{u.name}": u.data for u in uploads} | {"__MACOSX/._rec.hea": b"x", "folder/notes.pdf": b"%PDF-1.4"}
    )
    ways = [
        read(uploads),
        read(uploads[::-1]),
        read([Upload("x", archive)]),
        read_paths([tmp_path / "REC.HEA"]),
        read_paths([tmp_path / "rec"]),
        read_paths([tmp_path / "rec.dat"]),
        read_paths(sorted(tmp_path.iterdir())),
    ]
    assert {study.fingerprint for study in ways} == {ways[0].fingerprint}
    assert len(ways[0].fingerprint) == 64


def test_a_record_renamed_with_its_header_is_still_found(tmp_path: Path) -> None:
    for upload in wfdb_uploads(tmp_path / ".", values=signals(2)):
        (tmp_path / upload.name.replace("rec", "renamed")).write_bytes(upload.data)
        (tmp_path / upload.name).unlink()
    assert read_paths([tmp_path / "renamed.hea"]).content.leads == ("I", "II")


def test_multi_segment_record_on_disk_brings_its_segments(tmp_path: Path) -> None:
    segments(tmp_path)
    (tmp_path / "m.hea").write_bytes(b"m/2 2 100 1200\nseg1 600\nseg2 600\n")
    assert read_paths([tmp_path / "m"]).content.duration_s == 12


def test_two_records_at_once_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="2 recordings"):
        read(wfdb_uploads(tmp_path, "a") + wfdb_uploads(tmp_path, "b"))


def test_both_an_ecg_and_a_pulse_wave_is_a_question(tmp_path: Path) -> None:
    uploads = wfdb_uploads(tmp_path, values=signals(2), sig_name=["II", "PLETH"], units=["mV", "NU"])
    with pytest.raises(QuestionError) as caught:
        read(uploads)
    assert (caught.value.field, caught.value.choices) == ("modality", ("ecg", "ppg"))
    ppg = read(uploads, Answers(modality="ppg"))
    assert (ppg.modality, ppg.content.leads, ppg.content.units) == ("ppg", ("PPG",), "au")


def test_comments_give_age_sex_and_codes_and_nothing_else(tmp_path: Path) -> None:
    study = read(
        wfdb_uploads(tmp_path, comments=["Age: 94", "Sex: Female", "Dx: 426177001,164889003", "Name: Jane Roe"])
    )
    assert study.facts == {"age": 90, "sex": "F", "dx_codes": "426177001;164889003"}
    assert "Roe" not in repr(study)


@pytest.mark.parametrize(
    ("name", "fs", "seconds"),
    [("00001_lr", 100, 10), ("00008_hr", 500, 10), ("1009874", 100, 12), ("E07500", 500, 10), ("JS20000", 500, 10)],
)
def test_the_open_records_read_as_published(recordings: Path, name: str, fs: int, seconds: int) -> None:
    folder = recordings / "uploads"
    study = read_paths([folder / f"{name}.hea"])
    assert study.recognised == f"WFDB, 12 leads, {fs} Hz, {seconds} s"
    assert study.content.leads == LEADS
    assert study.content.samples.shape == (12, fs * seconds)
    # Einthoven's law holds for every standard recording: II = I + III
    i, ii, iii = study.content.samples[:3]
    np.testing.assert_allclose(ii, i + iii, atol=0.02)
    assert study.fingerprint == read_paths([folder / name]).fingerprint
