"""A file is written whole or not at all, whatever was to be written and wherever it stopped."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from engine.files import utc_now, write_whole


@pytest.mark.parametrize("content", [b"\xc2\xb5V", "µV", lambda out: out.write(b"\xc2\xb5V")])
@pytest.mark.parametrize("durable", [True, False])
def test_bytes_text_or_what_a_function_writes(tmp_path: Path, content: object, durable: bool) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"earlier and longer")
    write_whole(file, content, durable=durable)  # type: ignore[arg-type]
    assert file.read_bytes() == b"\xc2\xb5V"
    assert list(tmp_path.iterdir()) == [file]


def test_what_fails_half_way_leaves_the_earlier_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"earlier")

    def half(out: BinaryIO) -> None:
        out.write(b"ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(file, half)
    assert file.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"earlier")

    def onto_full(out: BinaryIO) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, out.fileno())  # what is written from here on finds no space
        os.close(full)
        out.write(b"new")

    with pytest.raises(OSError, match="No space left") as caught:
        write_whole(file, onto_full)
    assert caught.value.errno == errno.ENOSPC
    assert file.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [file]


def test_permissions_are_those_asked_for_also_in_place_of_an_open_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("{}")
    file.chmod(0o644)
    write_whole(file, "{}", mode=0o600)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "a", b"")


def test_the_time_is_utc_without_a_zone() -> None:
    assert utc_now().tzinfo is None
    assert abs((datetime.now(UTC).replace(tzinfo=None) - utc_now()).total_seconds()) < 5
