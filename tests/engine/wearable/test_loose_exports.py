"""Exports that lie unpacked or were packed anew by macOS, an EmbracePlus within one, and motion beside a pulse wave."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from helpers.damage import check_sentence
from helpers.recording_files import zipped
from helpers.wearable_exports import apple_ecg, e4_session, ecg, pulse
from helpers.wearable_files import START, avro

from engine.cli import run
from engine.errors import IntakeError
from engine.intake import Upload
from engine.wearable.archive import Export
from engine.wearable.contents import is_export
from engine.wearable.motion import read_motion
from engine.wearable.rule import KeepRule
from engine.wearable.windows import Surveyed, survey

DAY = datetime(2019, 6, 11, 9, 3, 45)
ECGS = {
    f"apple_health_export/electrocardiograms/ecg_2019-06-1{n}.csv": apple_ecg(ecg(30, 512, n), DAY.replace(day=10 + n))
    for n in (1, 2)
}
OTHERS = {"apple_health_export/export.xml": b"<HealthData/>"}
JUNK = {  # what macOS adds to a folder, and to a zip that its Finder packs
    "apple_health_export/.DS_Store": b"\0\0\0\1Bud1",
    "__MACOSX/apple_health_export/electrocardiograms/._ecg_2019-06-11.csv": b"\0\5\26\7\0\2\0\0Mac OS X",
    "apple_health_export/electrocardiograms/._ecg_2019-06-11.csv": b"\0\5\26\7\0\2\0\0Mac OS X",
}
ACC_HZ = 32


def unpacked(files: Mapping[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def surveyed(source: bytes | Path | Sequence[Upload], rule: KeepRule = KeepRule()) -> list[Surveyed]:  # noqa: B008
    with Export(source) as export:
        return list(survey(export, rule, b"key"))


def facts(found: Sequence[Surveyed]) -> list[object]:
    """What is the same of a recording however it was packed."""
    return [(one.ident, one.modality, one.recording.began, one.accepted, one.problem) for one in found]


def test_a_folder_holds_what_its_zip_holds_and_so_does_one_that_macos_packed_anew(tmp_path: Path) -> None:
    plain = facts(surveyed(zipped({**ECGS, **OTHERS})))
    assert len(plain) == 2
    folder = unpacked({**ECGS, **OTHERS, **JUNK}, tmp_path / "apple")
    (tmp_path / "elsewhere.csv").write_bytes(apple_ecg(ecg(30, 512, 9), DAY))
    (folder / "linked.csv").symlink_to(tmp_path / "elsewhere.csv")
    os.mkfifo(folder / "pipe.csv")
    assert facts(surveyed(folder)) == facts(surveyed(zipped({**ECGS, **OTHERS, **JUNK}))) == plain
    assert facts(surveyed(folder / "apple_health_export")) == plain


def test_the_command_takes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = unpacked({**ECGS, **OTHERS, **JUNK}, tmp_path / "apple")
    assert run(["wearable", str(folder), "--list", "--json"]) == 0
    assert [one["source"] for one in json.loads(capsys.readouterr().out)["recordings"]] == ["Apple Watch"] * 2
    assert run(["wearable", str(tmp_path / "nowhere"), "--list"]) == 2
    check_sentence(capsys.readouterr().err.strip())
    (tmp_path / "empty").mkdir()
    assert run(["wearable", str(tmp_path / "empty"), "--list"]) == 2
    assert "holds 0 files" in capsys.readouterr().err


def test_files_of_an_export_that_are_dropped_together_are_one_and_parts_of_a_recording_are_not() -> None:
    ecgs = [Upload(name.rpartition("/")[2], data) for name, data in ECGS.items()]
    assert is_export(ecgs) and facts(surveyed(ecgs)) == facts(surveyed(zipped(ECGS)))
    session = [Upload(name, data) for name, data in e4_session(pulse(900, 64), DAY).items()]
    assert is_export(session)
    leads = [Upload(f"{lead}.csv", f"{lead}\n0.1\n0.2\n".encode() * 99) for lead in ("I", "II")]
    assert not is_export(leads) and not is_export(ecgs[:1])
    sessions = [Upload(f"{n}.zip", zipped(e4_session(pulse(90, 64), DAY.replace(day=n)))) for n in (11, 12)]
    assert is_export(sessions) and len(surveyed(sessions)) == 2


@pytest.mark.parametrize("as_folder", [True, False], ids=["folder", "zip"])
def test_an_embrace_plus_within_an_export_is_found_by_its_avro_files(tmp_path: Path, as_folder: bool) -> None:
    home = "participant_data/2019-06-11/P7-3YK"
    files = {f"{home}/raw_data/v6/1-1-P7_{START + 1800 * n}.avro": avro(pulse(120, 64, seed=n), 64.0) for n in range(2)}
    files[f"{home}/digital_biomarkers/aggregated_per_minute/1-1-P7_pulse-rate.csv"] = b"timestamp_unix,pulse_rate_bpm\n"
    found = surveyed(unpacked(files, tmp_path) if as_folder else zipped(files), KeepRule(best=3))
    assert [(one.recording.source, one.seconds, len(one.windows)) for one in found] == [
        ("Empatica EmbracePlus", pytest.approx(120, abs=0.1), 3)
    ] * 2
    assert [one.recording.began and one.recording.began.minute for one in found] == [3, 33]


def accelerations(moving: np.ndarray, began: datetime) -> bytes:
    """Return an ACC.csv of an E4 whose wrist moves in some seconds, (n,) bool; it is worn askew, and not calibrated."""
    start = (began - datetime(1970, 1, 1)).total_seconds()
    rng, seconds = np.random.default_rng(3), np.repeat(moving, ACC_HZ)
    rest = np.array([-20, 31, 55]) + rng.normal(0, 0.4, (seconds.size, 3))
    rows = np.round(rest + seconds[:, None] * rng.normal(0, 14, (seconds.size, 3))).astype(int)
    heads = [", ".join([f"{start:.6f}"] * 3), ", ".join([f"{ACC_HZ:.6f}"] * 3)]
    return "\n".join([*heads, *(",".join(map(str, row)) for row in rows)]).encode()


def test_of_an_hour_a_window_in_which_the_wrist_moved_is_kept_only_where_there_is_no_other(tmp_path: Path) -> None:
    wave = pulse(600, 64)
    (alone,) = surveyed(zipped(e4_session(wave, DAY)))
    best = alone.windows[0].start_s  # what would be chosen, in which the wrist moves now
    moving = np.zeros(600, bool)
    moving[int(best) : int(best) + 10] = True
    with_motion = {**e4_session(wave, DAY), "ACC.csv": accelerations(moving, DAY)}
    (found,) = surveyed(unpacked(with_motion, tmp_path))
    assert alone.moved is None and not alone.windows[0].moved
    assert (found.accepted, found.moved) == (alone.accepted, 1)
    assert [window.start_s == best for window in found.windows] == [False] and not found.windows[0].moved
    everywhere = {**with_motion, "ACC.csv": accelerations(np.arange(600) % 10 < 5, DAY)}
    (found,) = surveyed(zipped(everywhere))
    assert found.moved == found.accepted and found.windows[0].start_s == best


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1560243825,1,1\n32,32,32",
        b"x\n32\n1,2,3",
        b"1560243825\n0\n1,2,3",
        b"1560243825\n32\n1,2\n3,4",
        b"\xff\n1\n1",
    ],
)
def test_damaged_accelerations_leave_the_pulse_wave(data: bytes) -> None:
    with pytest.raises(IntakeError) as caught:
        read_motion(data)
    check_sentence(str(caught.value))
    files = {**e4_session(pulse(90, 64), DAY), "ACC.csv": data or b" "}
    (found,) = surveyed(zipped(files))
    assert (found.accepted, found.moved, found.remark) == (9, None, str(caught.value))


def test_motion_is_that_of_its_own_session() -> None:
    files: dict[str, bytes] = {}
    for hour, moving in ((9, np.zeros(90, bool)), (14, np.arange(90) % 3 > 0)):
        began = DAY.replace(hour=hour)
        session = {**e4_session(pulse(90, 64), began), "ACC.csv": accelerations(moving, began)}
        files |= {f"{hour}/{name}": data for name, data in session.items()}
    still, walking = surveyed(zipped(files))
    assert (still.moved, still.accepted, walking.moved) == (0, 9, 9)
