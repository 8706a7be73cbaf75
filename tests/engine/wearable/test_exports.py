"""Whole exports of wearables: what is found in them, read exactly, and why the others are refused."""

from __future__ import annotations

import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from helpers.damage import check_sentence
from helpers.recording_files import zipped
from helpers.wearable_exports import (
    APPLE_HEADS,
    FITBIT_HZ,
    apple_ecg,
    apple_export,
    e4_session,
    ecg,
    fitbit_ecg,
    polar_pulse,
    polar_steps,
    pulse,
    shimmer_pulse,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import IntakeError
from engine.intake import Upload, read
from engine.wearable.archive import MEMBER_LIMIT, Export
from engine.wearable.contents import recordings
from engine.wearable.rule import KeepRule
from engine.wearable.windows import Surveyed, survey

DAY = datetime(2019, 6, 11, 9, 3, 45)
ECG, COUNTS = ecg(30, 512), np.round(100 * pulse(90, 55) + 300_000).astype(int)


def surveyed(data: bytes, rule: KeepRule = KeepRule()) -> list[Surveyed]:  # noqa: B008 (frozen)
    with Export(data) as export:
        return list(survey(export, rule, b"key"))


def refused(data: bytes) -> str:
    with pytest.raises(IntakeError) as caught:
        surveyed(data)
    check_sentence(str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("language", APPLE_HEADS)
def test_an_apple_watch_is_read_exactly_in_every_language(language: str) -> None:
    (found,) = surveyed(apple_export({"ecg_2019-06-11.csv": apple_ecg(ECG, DAY, language)}))
    trace = found.windows[0].study.trace
    assert (trace.leads, trace.fs, trace.units) == (("I",), 512, "mV")
    np.testing.assert_allclose(trace.samples[0], ECG / 1000, atol=1e-6)
    assert np.corrcoef(trace.samples[0], ECG)[0, 1] > 0.999999
    assert found.recording.began == DAY
    assert found.recording.printed == APPLE_HEADS[language][-2]
    assert not any(word in repr(found.windows[0].study) for word in ("Roe", "1980", found.recording.printed))


def test_what_the_device_printed_is_no_label() -> None:
    (found,) = surveyed(apple_export({"ecg.csv": apple_ecg(ECG, DAY)}))
    assert found.recording.printed == "Sinus Rhythm"
    assert "labels" not in found.windows[0].study.facts


@pytest.mark.parametrize(
    ("name", "data", "fs", "values", "atol"),
    [
        ("polar.txt", polar_pulse(COUNTS, DAY), 55, COUNTS, 1.0),
        ("steps.csv", polar_steps(COUNTS), 55, COUNTS, 1.0),
        ("shimmer.csv", shimmer_pulse(pulse(90, 128) + 1500, DAY), 128, pulse(90, 128) + 1500, 0.01),
        ("BVP.csv", e4_session(pulse(90, 64), DAY)["BVP.csv"], 64, pulse(90, 64), 0.01),
    ],
)
def test_a_pulse_wave_is_read_exactly(name: str, data: bytes, fs: float, values: np.ndarray, atol: float) -> None:
    (found,) = surveyed(zipped({name: data}), KeepRule(best=9))
    assert (found.modality, found.judged, found.accepted, len(found.windows)) == ("ppg", 9, 9, 9)
    for window in found.windows:
        trace = window.study.trace
        assert trace.fs == pytest.approx(fs, rel=1e-4)
        first = round(window.start_s * trace.fs)
        np.testing.assert_allclose(trace.samples[0], values[first : first + trace.samples.shape[1]], atol=atol)
        if found.recording.began is not None:
            assert window.moment == DAY + timedelta(seconds=window.start_s)


def test_an_ecg_of_a_fitbit_has_its_shape_and_its_time() -> None:
    counts = np.round(ecg(30, FITBIT_HZ) * 10)
    (found,) = surveyed(zipped({"Takeout/Fitbit/ECG/afib_ecg_reading_1602141306000.csv": fitbit_ecg(counts)}))
    trace = found.windows[0].study.trace
    assert (trace.fs, trace.units, found.recording.printed) == (250, "au", "NSR")
    np.testing.assert_array_equal(trace.samples[0], counts.astype(np.float32))
    assert found.recording.began == datetime(2020, 10, 8, 7, 15, 6)


def test_sessions_that_were_packed_together_are_all_found_in_the_order_of_time() -> None:
    later, earlier = (zipped(e4_session(pulse(90, 64), DAY + timedelta(days=n))) for n in (1, 0))
    found = surveyed(zipped({"b.zip": later, "a.zip": earlier}))
    assert [one.recording.began for one in found] == [DAY, DAY + timedelta(days=1)]
    assert [len(one.windows) for one in found] == [1, 1]


def test_the_best_window_of_every_hour_is_kept_and_what_was_refused_is_counted() -> None:
    wave = pulse(5400, 64)  # from 9:03:45 on
    wave[64 * 600 : 64 * 1200] = np.random.default_rng(1).normal(0, 30, 64 * 600)
    (found,) = surveyed(zipped({"BVP.csv": e4_session(wave, DAY)["BVP.csv"]}))
    assert [window.moment.hour for window in found.windows if window.moment] == [9, 10]
    assert (found.judged, found.accepted) == (540, 480)
    assert sum(n for n, _ in found.refused.values()) == 60
    assert all(sentence.endswith(".") for _, sentence in found.refused.values())
    (day,) = surveyed(zipped({"BVP.csv": e4_session(wave, DAY)["BVP.csv"]}), KeepRule(per="day"))
    assert len(day.windows) == 1


def test_a_recording_that_is_damaged_leaves_the_others() -> None:
    broken = apple_ecg(ECG, DAY).replace(b"\n-", b"\n-1.2.3\n-", 1)
    found = surveyed(apple_export({"a.csv": broken, "b.csv": apple_ecg(ECG, DAY)}))
    assert sorted(len(one.windows) for one in found) == [0, 1]
    check_sentence(next(one.problem for one in found if one.problem))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("DI_CONNECT/DI-Connect-Wellness/sleep.json", "Garmin"),
        ("oura_2022_sleep.csv", "Oura"),
        ("raw_tracker_steps.csv", "Withings"),
        ("Takeout/Fitbit/Global Export Data/heart_rate-2020-01-01.json", "Atrial Fibrillation ECG"),
        ("Takeout/Fitbit/ECG/ecg.pdf", "a PDF holds a picture"),
        ("samsunghealth_x/com.samsung.shealth.step.csv", "Samsung"),
        ("apple_health_export/export.xml", "ECG app of an Apple Watch"),
        ("holiday.jpg", "Polar, Shimmer"),
    ],
)
def test_an_export_without_waves_says_what_it_holds_and_which_one_has_samples(name: str, says: str) -> None:
    table = b"start,value\n2020-01-01 00:00:00,12\n2020-01-01 00:01:00,14\n"
    assert says in refused(zipped({name: table, "readme.txt": b"hello"}))


WHOLE = apple_export({"ecg_2019-06-11.csv": apple_ecg(ECG, DAY)})


def encrypted(data: bytes) -> bytes:
    """Return a zip whose list of files says that they are encrypted."""
    at, changed = 0, bytearray(data)
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        changed[at + 8] |= 1
        at += 4
    return bytes(changed)


def many(n: int) -> bytes:
    """Return a zip that says at its end that it has n files."""
    at = WHOLE.rfind(b"PK\x05\x06")
    wide = b"PK\x06\x06" + bytes(28) + n.to_bytes(8, "little") + (46 * n).to_bytes(8, "little") + bytes(8)
    end = WHOLE[at : at + 8] + b"\xff\xff\xff\xff" + b"\xff\xff\xff\xff" + WHOLE[at + 16 :]
    return WHOLE[:at] + wide + end


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no zip archive"),
        (b"hello", "no zip archive"),
        (WHOLE[: len(WHOLE) // 2], "download it again"),
        (zipped({"../../etc/passwd": b"x", "ecg.csv": b"1"}), "outside of itself"),
        (zipped({"C:\\windows\\a.csv": b"x"}), "outside of itself"),
        (encrypted(WHOLE), "encrypted"),
        (many(MEMBER_LIMIT + 1), "the limit is 100,000"),
        (zipped({"a.zip": zipped({"b.zip": zipped({"BVP.csv": b"1"})})}), "unpack the outer one"),
        (zipped({"a.zip": b"PK\x03\x04 cut off"}), "download it again"),
    ],
    ids=["nothing", "text", "half", "outside", "drive", "encrypted", "many", "nested", "inner"],
)
def test_hostile_and_broken_zips_end_in_one_sentence(data: bytes, says: str) -> None:
    assert says in refused(data)


def test_a_bomb_is_read_no_further_than_one_recording_may_go(tmp_path: Path) -> None:
    file = tmp_path / "bomb.zip"
    head = e4_session(pulse(30, 64), DAY)["BVP.csv"]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("BVP.csv", "w") as member:
        member.write(head)
        for _ in range(260):
            member.write(b"\n1.00" * 200_000)
    with Export(file) as export:
        (found,) = survey(export, KeepRule(), b"key")
    assert "more than 200 MB" in found.problem
    check_sentence(found.problem)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_zip_that_was_changed_anywhere_ends_in_a_sentence_or_in_recordings(data: st.DataObject) -> None:
    whole = bytearray(zipped({"BVP.csv": e4_session(pulse(5, 64), DAY)["BVP.csv"], "x/notes.txt": b"hello"}))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    whole = whole[: data.draw(st.integers(len(whole) // 2, len(whole)))]
    try:
        with Export(bytes(whole)) as export:
            for one in recordings(export):
                export.read(one.member)
    except IntakeError as error:
        check_sentence(str(error))


def test_a_single_file_of_a_wearable_is_a_query_too() -> None:
    study = read([Upload("ecg.csv", apple_ecg(ECG, DAY, "de"))])
    assert (study.recognised, study.facts) == ("Apple Watch, lead I, 512 Hz, 30 s", {"acquired_at": "2019"})
