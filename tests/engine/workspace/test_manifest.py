"""manifest.csv is read as it stands; a row with a mistake carries its reason and harms no other row."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import IntakeError, UsageError
from engine.study import Note
from engine.workspace.manifest import StudyEntry, read_manifest

HEADER = "file,modality,study_id,patient_id,age,sex,labels,report,fs,units,consent,ward\n"


def read(folder: Path, *rows: str, header: str = HEADER) -> list[StudyEntry]:
    (folder / "manifest.csv").write_text("\ufeff" + header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
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
        "consent": {"retrieval": False, "training": False},
    }
    assert entry.extra == {"ward": "7 B"}


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
        ("a.csv,ecg,s,,old,,,,,,,", "age is 'old'"),
        ("a.csv,ecg,s,,-4,,,,,,,", "age is -4"),
        ("a.csv,ecg,s,,nan,,,,,,,", "age is nan"),
        ("a.csv,ecg,s,,,,,,,volt,,", "units are 'volt'"),
        ("a.csv,ecg,s,,,,,,,,maybe,", "consent is 'maybe'"),
        ("a.csv,ecg,s,,,,,,,,,x,surplus", "more fields than the header"),
    ],
)
def test_a_bad_row_says_why(tmp_path: Path, row: str, reason: str) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    bad, good = read(tmp_path / "inside", row, ",text,t1,,,,,fine,,,,")
    assert reason in bad.problem
    with pytest.raises(IntakeError):
        bad.load(b"")
    assert good.load(b"").content == Note("fine")


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
        ('file,modality\n"a.csv,ecg\n', "cannot be read"),
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
