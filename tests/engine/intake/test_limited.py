"""Uploads are read in processes of their own: with the same result, within limits, whatever happens to a reader."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers.processes import children, command_of
from helpers.recording_files import as_bytes, film, signals, wfdb_uploads, zipped
from helpers.studies import same_study
from helpers.vendor_files import aecg, twelve_leads

from engine.errors import IntakeError, QuestionError, UsageError
from engine.intake import Answers, Upload, read
from engine.intake.archive import announced_bytes
from engine.intake.forked_reader import start
from engine.intake.limited import AT_ONCE, read_limited
from engine.intake.scratch import LOCK
from engine.settings import DEMO, ROOT
from engine.study import Study

KEY = b"a workspace's secret"
LONG_S = 240  # in which what a test waits for has happened on the slowest machine
TABLE = "t,PPG\n" + "".join(f"{i / 50},{np.sin(i / 8):.4f}\n" for i in range(500))
SMALL = [Upload("pulse.csv", TABLE.encode())]


@pytest.fixture(scope="module")
def bomb() -> list[Upload]:
    """A zip of 60 kB with a table of 60 MB, whose reading takes many seconds and more than a gigabyte."""
    return [Upload("a.zip", zipped({"a.csv": b"t,PPG\n" + b"0,1\n" * 15_000_000}))]


def readers() -> list[psutil.Process]:
    """Return the readers that this process has, without the process that forks them."""
    return [reader for forker in forkers() for reader in children(forker)]


def forkers() -> list[psutil.Process]:
    """Return the processes that fork readers: one, and those that were killed and not yet missed."""
    return [one for one in children(psutil.Process()) if any("reader_process" in word for word in command_of(one))]


def no_reader_is_left() -> None:
    """Wait until every reader has ended; AssertionError where one does not."""
    ends = time.monotonic() + LONG_S
    while readers():
        assert time.monotonic() < ends
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def _warm() -> None:
    """Every test begins with a warm process and no reader."""
    start()
    read_limited(SMALL)
    no_reader_is_left()


def one_reader(other_than: int = 0) -> psutil.Process:
    """Wait until a reader is there and return it."""
    ends = time.monotonic() + LONG_S
    while time.monotonic() < ends:
        for reader in readers():
            if reader.pid != other_than:
                return reader
        time.sleep(0.005)
    raise AssertionError("no reader")


@pytest.fixture(scope="module")
def slow() -> list[Upload]:
    """A table of 24 MB, whose reading takes some seconds."""
    return [Upload("a.csv", b"t,PPG\n" + b"0,1\n" * 6_000_000)]


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


def end(reading: Future[Study]) -> None:
    """Kill whatever reads until the reading has ended."""
    ends = time.monotonic() + LONG_S
    while not reading.done() and time.monotonic() < ends:
        for reader in readers():
            with suppress(psutil.NoSuchProcess):
                reader.kill()
        time.sleep(0.005)


def outcome(reading: Future[Study]) -> str:
    """Return the sentence with which a reading ends."""
    return str(reading.exception(LONG_S))


def test_a_study_is_the_one_that_read_returns(tmp_path: Path) -> None:
    values = signals()
    values[100:120, 3] = np.nan
    uploads = {
        "WFDB": wfdb_uploads(tmp_path, values=values),
        "DICOM": [Upload("film.dcm", as_bytes(film()))],
        "CSV": SMALL,
        "PNG": [Upload(path.name, path.read_bytes()) for path in sorted((DEMO / "cxr").iterdir())[:1]],
    }
    for name, one in uploads.items():
        assert same_study(read_limited(one, key=KEY), read(one, key=KEY)), name


def test_recordings_of_every_kind_are_read_the_same(recordings: Path) -> None:
    files = [path for path in sorted((recordings / "uploads").iterdir()) if path.suffix in (".scp", ".xml", ".ecg")]
    assert files
    for path in files:
        one = [Upload(path.name, path.read_bytes())]
        assert said_by(read_limited, one) == said_by(read, one), path.name


def said_by(reader: object, uploads: list[Upload]) -> tuple[str, ...]:
    try:
        study = reader(uploads, key=KEY)  # type: ignore[operator]
    except IntakeError as error:
        return type(error).__name__, str(error)
    return study.fingerprint, study.recognised, str(study.facts), str(study.patient_key)


def test_a_question_and_a_sentence_are_those_of_read() -> None:
    unnamed = [Upload("a.csv", b"1\n2\n3\n" * 300)]
    with pytest.raises(QuestionError) as asked:
        read_limited(unnamed)
    with pytest.raises(QuestionError) as expected:
        read(unnamed)
    assert str(asked.value) == str(expected.value)
    assert (asked.value.field, asked.value.choices) == ("modality", ("ecg", "ppg"))
    assert read_limited(unnamed, Answers("ppg", 100.0)).modality == "ppg"
    noise = [Upload("a", np.random.default_rng(8).bytes(5000))]
    assert said_by(read_limited, noise) == said_by(read, noise)


def test_what_there_is_to_read_is_known_before_it_is_unpacked(bomb: list[Upload]) -> None:
    assert len(bomb[0].data) < 200_000
    assert announced_bytes(bomb[0]) == 60_000_006
    assert announced_bytes(SMALL[0]) == len(TABLE)
    damaged = Upload("a.zip", bomb[0].data[:-20])
    assert announced_bytes(damaged) == len(damaged.data)


def test_what_takes_too_long_is_stopped(slow: list[Upload], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEBIND_READ_SECONDS", "1")
    with pytest.raises(IntakeError, match=r"not read within 1 s and .* its reader was stopped"):
        read_limited(slow)
    no_reader_is_left()
    assert read_limited(SMALL).modality == "ppg"


def test_what_needs_too_much_memory_is_refused(bomb: list[Upload], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEBIND_READ_MEMORY_MB", "150")
    with pytest.raises(IntakeError, match="needs more memory than one may take"):
        read_limited(bomb)
    assert read_limited(SMALL).modality == "ppg"


def test_limits_that_are_no_numbers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("soon", "-1"):
        monkeypatch.setenv("CASEBIND_READ_SECONDS", value)
        with pytest.raises(UsageError, match="CASEBIND_READ_SECONDS"):
            read_limited(SMALL)


def test_others_are_read_while_a_bomb_goes_on(bomb: list[Upload], background: ThreadPoolExecutor) -> None:
    long_one = background.submit(read_limited, bomb)
    others = [background.submit(read_limited, SMALL) for _ in range(7)]
    assert {one.result(LONG_S).modality for one in others} == {"ppg"}
    assert not long_one.done()
    end(long_one)
    assert "its reader was stopped" in outcome(long_one)


def test_many_bombs_leave_a_turn_to_others(bomb: list[Upload], background: ThreadPoolExecutor) -> None:
    long_ones = [background.submit(read_limited, bomb) for _ in range(3)]
    one_reader()
    assert read_limited(SMALL).modality == "ppg"
    assert not all(one.done() for one in long_ones)
    for one in long_ones:
        end(one)
        assert "its reader was stopped" in outcome(one)


def test_a_reader_that_is_killed_is_replaced(slow: list[Upload], background: ThreadPoolExecutor) -> None:
    reading = background.submit(read_limited, slow)
    first = one_reader()
    first.kill()
    second = one_reader(other_than=first.pid)
    ends = time.monotonic() + LONG_S
    while second.nice() != 10 and time.monotonic() < ends:  # it takes its limits when it has the upload
        time.sleep(0.005)
    assert second.nice() == 10
    second.kill()
    assert "its reader was stopped" in outcome(reading)
    assert read_limited(SMALL).modality == "ppg"


def test_a_reader_that_stands_still_is_ended(
    slow: list[Upload], background: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEBIND_READ_SECONDS", "2")  # on a busy machine, to find and suspend it takes a while
    reading = background.submit(read_limited, slow)
    reader = one_reader()
    reader.suspend()
    assert psutil.wait_procs([reader], LONG_S)[1] == []
    end(reading)
    assert "its reader was stopped" in outcome(reading)
    no_reader_is_left()


def test_the_process_that_forks_is_started_again() -> None:
    (forker,) = forkers()
    forker.kill()
    assert read_limited(SMALL).modality == "ppg"
    assert [one.pid for one in forkers()] != [forker.pid]


def test_modules_beside_the_app_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wfdb.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    for forker in forkers():
        forker.kill()
    assert read_limited(SMALL).modality == "ppg"


def test_a_reader_has_no_secret_and_no_open_file_of_the_app(
    slow: list[Upload], background: ThreadPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASEBIND_A_SECRET", "of the app")
    for forker in forkers():
        forker.kill()
    with (tmp_path / "record").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        reading = background.submit(read_limited, slow)
        reader = one_reader()
        reader.suspend()
        assert "CASEBIND_A_SECRET" not in reader.environ()
        opened = [os.readlink(path) for path in Path(f"/proc/{reader.pid}/fd").iterdir()]
        assert {path.partition(":")[0] for path in opened} <= {"/dev/null", "socket"}
        assert reader.net_connections("inet") == []
    end(reading)
    assert "its reader was stopped" in outcome(reading)


def test_temporary_files_that_the_system_cleared_are_not_missed(tmp_path: Path) -> None:
    pulse = tmp_path / "pulse.csv"
    pulse.write_bytes(SMALL[0].data)
    code = (
        "import shutil, sys, tempfile; from pathlib import Path; from engine.intake import Upload;"
        "from engine.intake.limited import read_limited; one = [Upload('a.csv', Path(sys.argv[1]).read_bytes())];"
        "read_limited(one); [shutil.rmtree(path) for path in Path(tempfile.gettempdir()).glob('casebind-*')];"
        "print(read_limited(one).modality)"
    )
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code, str(pulse)]
    said = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert (said.stdout, said.stderr) == ("ppg\n", "")
    assert list((tmp_path / "tmp").iterdir()) == []


READS = """
import sys
from engine.intake import Upload
from engine.intake.limited import read_limited
try:
    read_limited([Upload(name, open(name, "rb").read()) for name in sys.argv[1:]])
except Exception as error:
    print(error, flush=True)
sys.stdin.read()
"""


def app_that_reads(folder: Path, uploads: list[Upload]) -> subprocess.Popen[str]:
    """Start a process that reads uploads, and says how that ends; its temporary files are below folder/tmp."""
    (folder / "tmp").mkdir()
    for upload in uploads:
        (folder / upload.name).write_bytes(upload.data)
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", READS, *(upload.name for upload in uploads)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(words, cwd=folder, env=environment, text=True, **pipes)  # type: ignore[call-overload]


def wait_until(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + LONG_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.002)


def test_nothing_is_left_of_a_reader_that_was_killed(tmp_path: Path) -> None:
    recording = aecg(twelve_leads(seconds=600))  # read through a file
    with app_that_reads(tmp_path, [Upload("ecg.xml", recording)]) as app:
        reading = ThreadPoolExecutor(1).submit(app.stdout.readline)  # type: ignore[union-attr]
        wait_until(lambda: list((tmp_path / "tmp").glob("*/*/*")))
        while not reading.done():
            for forker in children(psutil.Process(app.pid)):
                for reader in children(forker):
                    with suppress(psutil.NoSuchProcess):
                        reader.kill()
        assert "its reader was stopped" in reading.result()
        assert [one.name for one in (tmp_path / "tmp").glob("*/*")] == [LOCK]
        app.kill()
    wait_until(lambda: list((tmp_path / "tmp").iterdir()) == [])


def test_readers_end_with_the_app(slow: list[Upload], tmp_path: Path) -> None:
    with app_that_reads(tmp_path, slow) as app:
        wait_until(lambda: len(psutil.Process(app.pid).children(recursive=True)) >= 2)
        found = psutil.Process(app.pid).children(recursive=True)
        app.kill()
    assert psutil.wait_procs(found, LONG_S)[1] == []
    assert list((tmp_path / "tmp").iterdir()) == []
