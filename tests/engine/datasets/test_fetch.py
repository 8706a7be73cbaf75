"""casebind fetch, against a server of this machine that serves the published layouts."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.file_server import FileServer, serve
from helpers.published_layouts import film, ptbxl
from helpers.recording_files import zipped

from engine.cli import run
from engine.datasets.adapters import adapter_of, find_datasets
from engine.datasets.fetch.download import MIRROR_VARIABLE
from engine.datasets.fetch.sources import sources
from engine.datasets.recording import DATASETS
from engine.workspace.workspace import open_workspace

PTBXL = "physionet.org/files/ptb-xl/1.0.3"
FIRST = f"{PTBXL}/records500/00000/00001_hr.dat"
BOOK = "figshare.com/ndownloader/files/9441097"
NIH = "nihcc.box.com/shared/static"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A mirror that serves PTB-XL as PhysioNet does."""
    published = ptbxl(tmp_path / "mirror" / PTBXL, fast=True)
    write_sums(published)
    with serve(tmp_path / "mirror") as running:
        monkeypatch.setenv(MIRROR_VARIABLE, running.base)
        yield running


def write_sums(published: Path) -> None:
    """Write the publisher's list of sums of everything in a folder."""
    files = sorted(file for file in published.rglob("*") if file.is_file())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.relative_to(published)}" for file in files]
    (published / "SHA256SUMS.txt").write_text("\n".join(lines) + "\n")


def write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def fetch(name: str, to: Path, *options: str) -> int:
    return run(["fetch", name, "--to", str(to), "--no-ingest", *options])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence on standard error, without the progress bar."""
    lines = [line for line in re.split(r"[\r\n]", capsys.readouterr().err) if line.strip()]
    return next((line for line in reversed(lines) if line.endswith(".")), "")


def test_every_source_is_complete_and_has_an_adapter() -> None:
    for source in sources().values():
        assert source.dataset in DATASETS
        assert source.licence
        assert source.label_source
        assert source.page.startswith("https://")
        assert source.megabytes > 0 < source.studies
        assert bool(source.base) != bool(source.archives)
        for archive in source.archives:
            assert archive.url.startswith("https://")
            assert re.fullmatch(r"([0-9a-f]{64})?", archive.sha256)


def test_a_data_set_is_fetched_into_a_cohort(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--to", str(tmp_path / "to"), "--workspace", str(tmp_path / "w"), "--limit", "2"]
    assert run(["fetch", "PTB-XL", *options]) == 0
    assert "2 ingested, 0 already there, 0 skipped" in capsys.readouterr().out
    with open_workspace(tmp_path / "w") as place:
        rows = place.all_rows(["ptbxl_00001", "ptbxl_00002"])
    assert {row.cohort for row in rows} == {"PTB-XL"}
    assert {row.licence for row in rows} == {"CC BY 4.0"}
    assert run(["fetch", "ptbxl", *options]) == 0
    assert "0 ingested, 2 already there" in capsys.readouterr().out


def test_the_whole_set_and_a_second_fetch_that_only_checks(server: FileServer, tmp_path: Path) -> None:
    assert fetch("ptb-xl", tmp_path / "to") == 0
    adapter = adapter_of(tmp_path / "to")
    assert adapter is not None
    assert adapter.name == "ptb-xl"
    published = {file.relative_to(server.folder / PTBXL) for file in (server.folder / PTBXL).rglob("*.*")}
    got = {file.relative_to(tmp_path / "to") for file in (tmp_path / "to").rglob("*.*")}
    assert published - got == {Path("SHA256SUMS.txt")}
    server.asked.clear()
    assert fetch("ptb-xl", tmp_path / "to") == 0
    assert [name for name, _ in server.asked] == [f"{PTBXL}/SHA256SUMS.txt"]


def test_a_connection_that_breaks_off_goes_on_where_it_broke(server: FileServer, tmp_path: Path) -> None:
    server.break_after = 80_000
    assert fetch("ptb-xl", tmp_path / "to") == 0
    first, again = [start for name, start in server.asked if name == FIRST]
    assert first == 0 < again <= 80_000
    assert (tmp_path / "to" / "records500/00000/00001_hr.dat").read_bytes() == (server.folder / FIRST).read_bytes()
    assert not list((tmp_path / "to").rglob("*.part*"))


def test_a_stopped_fetch_goes_on(server: FileServer, tmp_path: Path) -> None:
    part = tmp_path / "to" / "records500/00000/00001_hr.dat.part"
    write(part, (server.folder / FIRST).read_bytes()[:7000])
    assert fetch("ptb-xl", tmp_path / "to") == 0
    assert [start for name, start in server.asked if name == FIRST] == [7000]
    assert part.with_suffix("").read_bytes() == (server.folder / FIRST).read_bytes()


def test_a_part_that_is_whole_or_too_long_ends_well(server: FileServer, tmp_path: Path) -> None:
    data = (server.folder / FIRST).read_bytes()
    for start in (data, data + b"more"):
        folder = tmp_path / str(len(start))
        write(folder / "records500/00000/00001_hr.dat.part", start)
        assert fetch("ptb-xl", folder) == 0
        assert (folder / "records500/00000/00001_hr.dat").read_bytes() == data


def test_a_file_that_changed_at_the_publisher_is_refused(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (server.folder / FIRST).write_bytes(b"another")
    assert fetch("ptb-xl", tmp_path / "to") == 2
    assert "came with another checksum than the publisher states" in said(capsys)
    assert not list((tmp_path / "to").rglob("00001_hr.dat*"))


def test_a_file_that_changed_here_is_refused(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch("ptb-xl", tmp_path / "to") == 0
    (tmp_path / "to" / "scp_statements.csv").write_text("changed")
    assert fetch("ptb-xl", tmp_path / "to") == 2
    assert "scp_statements.csv in to differs from the published one: move it away" in said(capsys)


@pytest.mark.parametrize("line", [f"{'0' * 64} ../outside.csv", f"{'0' * 64} /etc/outside.csv"])
def test_a_list_that_names_files_outside_is_refused(
    line: str, server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (server.folder / PTBXL / "SHA256SUMS.txt").open("a") as sums:
        sums.write(line + "\n")
    assert fetch("ptb-xl", tmp_path / "to") == 2
    assert "outside of its folder" in said(capsys)


def test_what_the_server_says_instead_is_one_sentence(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.status[FIRST] = 403
    assert fetch("ptb-xl", tmp_path / "a") == 2
    assert "answered 403" in said(capsys)
    server.status.clear()
    server.kind = "text/html; charset=utf-8"
    assert fetch("ptb-xl", tmp_path / "b") == 2
    assert "A web page came instead" in said(capsys)
    monkeypatch.setenv(MIRROR_VARIABLE, "http://127.0.0.1:1")
    assert fetch("ptb-xl", tmp_path / "c") == 2
    assert "cannot be reached" in said(capsys)


def test_room_is_looked_at_first(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 9 * 10**8, 10**8))
    assert fetch("ptb-xl", tmp_path / "to") == 2
    assert "takes about 2.8 GB more and 0.1 GB are free" in said(capsys)
    assert not server.asked
    assert fetch("ptb-xl", tmp_path / "to", "--limit", "2") == 0


def test_archives_are_unpacked_once_and_noted(server: FileServer, tmp_path: Path) -> None:
    write(
        server.folder / BOOK, zipped({"Data File/0_subject/2_1.txt": b"1\t2\t3", "Data File/PPG-BP dataset.xlsx": b"x"})
    )
    assert fetch("ppg-bp", tmp_path / "to") == 0
    assert (tmp_path / "to" / "Data File/0_subject/2_1.txt").read_bytes() == b"1\t2\t3"
    assert [adapter.name for adapter, _ in find_datasets(tmp_path / "to")] == ["ppg-bp"]
    assert not list((tmp_path / "to").glob("*.zip*"))
    server.asked.clear()
    assert fetch("ppg-bp", tmp_path / "to") == 0
    assert not server.asked


def test_an_archive_without_a_published_sum_that_changed_meanwhile_starts_again(
    server: FileServer, tmp_path: Path
) -> None:
    first, second = (zipped({"Data File/0_subject/2_1.txt": text * 3000}) for text in (b"old ", b"new "))
    write(tmp_path / "to" / "PPG-BP Database.zip.part", first[:100])
    write(tmp_path / "to" / "PPG-BP Database.zip.part.etag", b'"of the first"')
    write(server.folder / BOOK, second)
    assert fetch("ppg-bp", tmp_path / "to") == 0
    assert (tmp_path / "to" / "Data File/0_subject/2_1.txt").read_bytes() == b"new " * 3000


def test_a_known_sum_holds_for_an_archive_too(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(server.folder / sources()["kermany"].archives[0].url.removeprefix("https://"), zipped({"a": b"b"}))
    assert fetch("kermany", tmp_path / "to", "--limit", "1") == 2
    assert "another checksum" in said(capsys)


def test_a_damaged_archive_is_one_sentence(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(server.folder / BOOK, b"no archive")
    assert fetch("ppg-bp", tmp_path / "to") == 2
    assert "cannot be unpacked" in said(capsys)


def test_terms_are_asked_for_and_what_is_handed_out_by_hand_is_said(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = film(tmp_path / "film.png").read_bytes()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        member = tarfile.TarInfo("images/00000001_000.png")
        member.size = len(picture)
        tar.addfile(member, io.BytesIO(picture))
    write(server.folder / NIH / "vfk49d74nhbxq3nqjg0900w5nvkorp5c.gz", archive.getvalue())
    assert fetch("nih-cxr14", tmp_path / "to", "--limit", "10") == 2
    assert "pass --accept-terms if you agree" in said(capsys)
    assert not server.asked
    assert fetch("nih-cxr14", tmp_path / "to", "--limit", "10", "--accept-terms") == 2
    assert "Data_Entry_2017_v2020.csv, train_val_list.txt, test_list.txt" in said(capsys)
    assert (tmp_path / "to" / "images" / "00000001_000.png").is_file()
    for name in sources()["nih-cxr14"].by_hand:
        (tmp_path / "to" / name).write_text("")
    assert fetch("nih-cxr14", tmp_path / "to", "--limit", "10", "--accept-terms") == 0


def test_names_are_listed_and_an_unknown_one_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fetch"]) == 0
    assert all(name in capsys.readouterr().out.split() for name in ("ptb-xl",))
    assert run(["fetch", "mimic"]) == 2
    assert "choose one of ptb-xl, bidmc" in said(capsys)
