"""manifest.csv is read as it stands; a row with a mistake carries its reason and harms no other row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import IntakeError, UsageError
from engine.study import Note
from engine.workspace.manifest import StudyEntry, consent_of, read_manifest

HEADER = "file,modality,study_id,patient_id,age,sex,labels,report,fs,units,consent,ward\n"


def read(folder: Path, *rows: str, header: str = HEADER) -> list[StudyEntry]:
    text = "\ufeff" + header + "".join(f"{row}\n" for row in rows)
    (folder / "manifest.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    return read_manifest(folder)


def test_facts_are_typed_and_further_columns_kept(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, 'a.csv,ecg,s1,p1,"63,5",female,Edema; Effusion,,500,mV,no,7 B')
    assert (entry.number, entry.study_id, entry.problem) == (1, "s1", "")
    assert entry.facts == {
        "modality": "ecg",
        "patient_id": "p1",
        "age": 63.5,
        "sex": "F",
        "labels": ["Edema", "Effusion"],
        "fs": 500.0,
        "units": "mV",
        "consent": {"retrieval": False, "training": False, "teaching": False, "federation": False},
    }
    assert entry.extra == {"ward": "7 B"}


def test_a_film_is_measured_by_the_spacing_of_its_row_where_its_file_has_none(tmp_path: Path) -> None:
    Image.fromarray(np.arange(10_000, dtype=np.uint8).reshape(100, 100)).save(tmp_path / "a.png")
    header = "file,modality,study_id,spacing_mm\n"
    rows = ("a.png,cxr,both,0.7", "a.png,cxr,each,0.7;0.6 mm", "a.png,cxr,other,7 inch", "a.png,cxr,none,")
    both, each, other, none = read(tmp_path, *rows, header=header)
    assert [one.load(b"").film.spacing_mm for one in (both, each, other, none)] == [(0.7, 0.7), (0.7, 0.6), None, None]
    assert other.remarks == ("the spacing_mm '7 inch' is no distance in mm, so it is left out",)
    assert both.load(b"").fingerprint == none.load(b"").fingerprint


def test_reference_findings_stay_as_they_are_or_are_named_and_left_out(tmp_path: Path) -> None:
    header = "file;modality;study_id;reference_findings\n"
    cell = """[{"label":"Edema","polygons":[[[0,0],[0.5,0],[0.5,1]]]}]"""
    quoted = cell.replace('"', '""')
    good, bad = read(tmp_path, f'a.png;cxr;s1;"{quoted}"', "a.png;cxr;s2;left lung", header=header)
    assert (good.extra, good.remarks) == ({"reference_findings": cell}, ())
    assert (bad.extra, bad.problem) == ({}, "")
    assert bad.remarks == ("the cell reference_findings is left out: it is no JSON list of findings",)


def test_text_comes_from_the_report_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "b.txt").write_text("größeres Herz", encoding="utf-8")
    first, second = read(tmp_path, ",text,t1,,,,,left effusion,,,,", "notes/b.txt,text,t2,,,,,,,,,")
    assert first.load(b"").content == Note("left effusion")
    assert second.load(b"").content == Note("größeres Herz")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.csv,mri,s,,,,,,,,,", "modality is 'mri'"),
        (",ecg,s,,,,,,,,,", "names no file"),
        (",text,s,,,,,,,,,", "names no file"),
        ("../a.csv,ecg,s,,,,,,,,,", "outside the manifest's folder"),
        ("/etc/passwd,ecg,s,,,,,,,,,", "outside the manifest's folder"),
        ("ok/../../a.csv,ecg,s,,,,,,,,,", "outside the manifest's folder"),
        ("link/a.csv,ecg,s,,,,,,,,,", "outside the manifest's folder"),
        ("a.csv\0,ecg,s,,,,,,,,,", "its file holds a NUL"),
        ("a.csv,ecg,s,,4\0,,,,,,,", "its age holds a NUL"),
        ("a.csv,ecg,s\0,,,,,,,,,", "its study_id holds a NUL"),
        ("a.csv,ecg,s,,,,,,,,,\udcff", "its ward holds bytes that are no UTF-8"),
        ("loop,ecg,s,,,,,,,,,", "leads nowhere"),
        (f"{'x' * 300}.csv,ecg,s,,,,,,,,,", "cannot be opened|leads nowhere"),
        ("a.csv,ecg,s,,,,,,,,maybe,", "consent is 'maybe'"),
        ("a.csv,ecg,s,,,,,,,,,x,surplus", "more fields than the header"),
        ('a.csv,ecg,"s"1,,,,,,,,,', "a quote is out of place in line 2"),
        (f"a.csv,ecg,s,,,,,{'x' * 140_000},,,,", "line 2 holds a cell of more than 131,072 characters"),
        ('a.csv,ecg,"s\n1",,,,,,,,,', "its study_id holds a line break"),
        ("a.csv,ecg,s,p\x1b[31m,,,,,,,,", "its patient_id holds a line break or an invisible character"),
        (f"a.csv,ecg,{'s' * 201},,,,,,,,,", "more than 200 characters"),
    ],
)
def test_a_bad_row_says_why(tmp_path: Path, row: str, reason: str) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    (tmp_path / "inside" / "loop").symlink_to("loop")
    bad, good = read(tmp_path / "inside", row, ",text,t1,,,,,fine,,,,")
    with pytest.raises(IntakeError, match=reason):
        bad.load(b"")
    assert good.load(b"").content == Note("fine")


@pytest.mark.parametrize(
    ("cells", "fact", "value", "said"),
    [
        ({"age": "45"}, "age", 45.0, ""),
        ({"age": "045Y"}, "age", 45.0, ""),
        ({"age": "006M"}, "age", 0.5, ""),
        ({"age": "6 months"}, "age", 0.5, ""),
        ({"age": "1 y 6 mo"}, "age", 1.5, ""),
        ({"age": "3 Wochen"}, "age", 0.0575, ""),
        ({"age": "90+"}, "age", 90.0, "the age '90+' is at least 90"),
        ({"age": ">89"}, "age", 89.0, "at least 89"),
        ({"age": "1-5"}, "age", 3.0, "the age '1-5' is a range, read as its middle, 3"),
        ({"age": "old"}, "age", None, "the age 'old' is no number of years, so it is left out"),
        ({"age": "-4"}, "age", None, "left out"),
        ({"age": "nan"}, "age", None, "left out"),
        ({"age": "400"}, "age", None, "the age '400' cannot be, so it is left out"),
        ({"sex": "weiblich"}, "sex", "F", ""),
        ({"sex": "unknown"}, "sex", None, "the sex 'unknown' is none of F, M and O"),
        ({"view": "PA"}, "view", "PA", ""),
        ({"view": "P" * 41}, "view", None, "is no view"),
        ({"acquired_at": "2024-04-14T13:29"}, "acquired_at", "2024-04-14T13:29", ""),
        ({"acquired_at": "2024"}, "acquired_at", "2024", ""),
        ({"acquired_at": "14.04.2024"}, "acquired_at", "2024-04-14", ""),
        ({"acquired_at": "13/04/2024"}, "acquired_at", "2024-04-13", ""),
        ({"acquired_at": "03/04/2024"}, "acquired_at", None, "is no date of one meaning"),
        ({"acquired_at": "2024-02-30"}, "acquired_at", None, "is no date"),
        ({"fs": "0.5 kHz"}, "fs", 500.0, ""),
        ({"fs": "500.0"}, "fs", 500.0, ""),
        ({"fs": '"1,000"'}, "fs", None, "the fs '1,000' has two meanings"),
        ({"fs": "fast"}, "fs", None, "the fs 'fast' is no rate in Hz"),
        ({"units": "µV"}, "units", "uV", ""),
        ({"units": "volt"}, "units", None, "the units 'volt' are none of mV, uV, au, sd, so they are left out"),
        ({"synthetic": "perhaps"}, "synthetic", None, "neither yes nor no"),
    ],
)
def test_an_optional_cell_is_read_or_left_out_and_said(
    tmp_path: Path, cells: dict[str, str], fact: str, value: object, said: str
) -> None:
    header = ",".join(["modality", "file", "report", *cells]) + "\n"
    (entry,) = read(tmp_path, ",".join(["text", "", "fine", *cells.values()]), header=header)
    assert entry.problem == ""
    assert entry.load(b"").content == Note("fine")
    assert entry.facts.get(fact) == value
    assert len(entry.remarks) == bool(said)
    assert said in "".join(entry.remarks)


def test_the_second_of_two_equal_ids_is_refused(tmp_path: Path) -> None:
    first, second = read(tmp_path, ",text,t1,,,,,one,,,,", ",text,t1,,,,,two,,,,")
    assert first.problem == ""
    assert "occurs twice" in second.problem


def test_row_keys_are_stable_and_differ_by_cohort_and_row(tmp_path: Path) -> None:
    rows = (",text,t1,,,,,one,,,,", ",text,,,,,,two,,,,", ",text,,,,,,three,,,,")
    once, again = read(tmp_path, *rows), read(tmp_path, *reversed(rows))
    assert {entry.row_key("a") for entry in once} == {entry.row_key("a") for entry in again}
    assert len({entry.row_key(cohort) for entry in once for cohort in "ab"}) == 6


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file,kind\na.csv,ecg\n", "no column modality"),
        ("", "no column"),
        ("file,modality\n", "no rows"),
        ('file,modality\n"a.csv,ecg\n', "cannot be read: the quote that opens in line 2 is not closed"),
        ('file,modality\na.csv,"ecg\n' + "b.csv,ecg\n" * 20_000, "the quote that opens in line 2"),
        ("file,modality,age,age\na.csv,ecg,4,90\n", "has the column age twice"),
        ('"file" ,modality\na.csv,ecg\n', "is no header of a CSV file"),
    ],
)
def test_a_manifest_that_is_none_is_one_sentence(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(UsageError, match=reason):
        read_manifest(tmp_path / "manifest.csv")


def test_binary_and_missing_manifests_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no manifest"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.csv").write_bytes(b"\xff\xfe\x00PNG" * 20)
    with pytest.raises(UsageError, match="UTF-8"):
        read_manifest(tmp_path)


SHEET = "file,modality,study_id,age\nnotes\\b.txt,text,s1,4\n"


@pytest.mark.parametrize(
    "data",
    [
        SHEET.encode(),
        SHEET.replace(",", ";").encode(),
        SHEET.replace(",", "\t").encode(),
        ("sep=;\r\n" + SHEET.replace(",", ";").replace("\n", "\r\n")).encode(),
        SHEET.encode("utf-16"),
        ("\ufeff\ufeff" + SHEET).encode(),
        SHEET.replace("file,modality,study_id,age", "File, Modality,STUDY_ID,Age").encode(),
        SHEET.replace("\n", ",,\n").encode(),
        SHEET.replace("s1,4\n", "s1,4,\n").encode(),
        SHEET.replace("\n", "\r").encode(),
        SHEET.replace("\\", "/").encode(),
    ],
)
def test_a_manifest_as_spreadsheets_and_windows_write_it(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "b.txt").write_text("fine")
    (tmp_path / "manifest.csv").write_bytes(data)
    (entry,) = read_manifest(tmp_path)
    assert entry.load(b"").content == Note("fine")
    assert (entry.study_id, entry.facts["age"], entry.extra) == ("s1", 4.0, {})


def test_bad_rows_among_ten_thousand_are_the_only_ones_skipped(tmp_path: Path) -> None:
    good = [f",text,s{i},,,,,fine,,,," for i in range(10_000)]
    bad = (',text,"x"1,,,,,fine,,,,', ",text,x,,,,,fi\0ne,,,,", ",text,x,,,,,fine,,,,,surplus", "\udcff,text,x")
    entries = read(tmp_path, *good[:5000], *bad, *good[5000:])
    assert [entry.number for entry in entries if entry.problem] == [5001, 5002, 5003, 5004]


@pytest.mark.parametrize(
    ("cell", "decided"),
    [
        ("retrieval;training", {"retrieval": True, "training": True}),
        ("retrieval;no-federation", {"retrieval": True, "training": False, "federation": False}),
        ("training;federation", {"retrieval": False, "training": True, "federation": True}),
    ],
)
def test_a_list_decides_on_federation_where_it_speaks_of_it(cell: str, decided: dict[str, bool]) -> None:
    assert consent_of(cell) == decided
