"""The synthetic hospital in MIMIC's layout: marked as such, written again alike, its outcomes as they were drawn."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.once import Once
from PIL import Image

from engine.cli import run
from engine.datasets.adapters import collect
from engine.datasets.admissions import admissions
from engine.datasets.toolbox import label_maps
from engine.errors import UsageError
from engine.files import sha256_of
from engine.settings import DEMO
from engine.synthetic.admissions.courses import draw_courses, shown_weights
from engine.synthetic.admissions.drawn import drawn_visits
from engine.synthetic.admissions.write import write_hospital
from engine.synthetic.write import SYNTHETIC_NOTE

PATIENTS = 300


@pytest.fixture(scope="module")
def hospital(once: Once) -> Path:
    """Admissions drawn with the shipped cohort's films and ECGs."""
    return once.made("admissions", lambda place: write_hospital(DEMO, place, 26, lambda done, of: None))


def test_the_loader_of_mimic_reads_what_was_drawn(hospital: Path) -> None:
    courses = {10_000_000 + one.visit.number: one for one in draw_courses(drawn_visits(DEMO), 26)}
    listed = [one for one in admissions([hospital]) if one.films]
    assert len(listed) == len(courses) == PATIENTS
    for one in listed:
        course = courses[int(one.patient_id.partition(":")[2])]
        assert (one.died, one.age, one.sex, one.split) == (
            course.died,
            course.visit.age,
            course.visit.sex,
            course.split,
        )
        assert one.readmitted == (None if course.died else course.readmitted)
        assert len(one.films) == len(one.ecgs) == 1
        assert set(one.films[0].labels) == set(course.visit.film) & set(label_maps()["chexpert"])
    assert {one.split for one in listed} == {"train", "valid", "test"}


def test_its_recordings_are_those_of_the_cohort(hospital: Path) -> None:
    visit = drawn_visits(DEMO)[0]
    read = {one.study_id: one for one in collect([hospital])}
    ecg = read[f"mimic-ecg-{40_000_000 + visit.number}"].study().trace
    from engine.intake.paths import read_paths

    drawn = read_paths([visit.ecg_file]).trace
    np.testing.assert_array_equal(ecg.samples, drawn.samples)
    film = next(one for one in read.values() if one.modality == "cxr" and one.patient_id.endswith(str(visit.number)))
    assert sha256_of(film.source["files"][0]) == sha256_of(visit.film_file)


def test_everything_says_that_it_is_synthetic(hospital: Path) -> None:
    assert SYNTHETIC_NOTE in (hospital / "README.txt").read_text(encoding="utf-8")
    for report in sorted(hospital.rglob("s*.txt"))[:5]:
        assert SYNTHETIC_NOTE in report.read_text(encoding="utf-8")
    for header in sorted(hospital.rglob("*.hea"))[:5]:
        assert SYNTHETIC_NOTE in header.read_text(encoding="ascii")
    with Image.open(next(hospital.rglob("*.jpg"))) as film:
        assert film.info["comment"] == SYNTHETIC_NOTE.encode()
    for name in ("mimic-cxr-2.0.0-metadata.csv.gz", "discharge.csv.gz"):
        with gzip.open(next(hospital.rglob(name)), "rt", encoding="utf-8") as lines:
            text = lines.read()
        assert text.count(SYNTHETIC_NOTE) >= PATIENTS


def test_film_and_ecg_tell_of_the_outcome_what_the_words_do_not() -> None:
    courses = draw_courses(drawn_visits(DEMO), 26)
    shown = np.array([shown_weights(one.visit) for one in courses])
    words = np.array([one.odds for one in courses]) - shown
    assert (np.abs([np.corrcoef(shown[:, task], words[:, task])[0, 1] for task in (0, 1)]) < 0.15).all()
    died = np.array([one.died for one in courses])
    assert shown[died, 0].mean() > shown[~died, 0].mean() + 1 and words[died, 0].mean() > words[~died, 0].mean() + 0.3


def test_a_stopped_writing_ends_with_the_same_files(hospital: Path, tmp_path: Path) -> None:
    place = tmp_path / "again"
    shutil.copytree(hospital, place)
    for file in [*sorted(place.rglob("*.hea"))[:3], *sorted(place.rglob("*.jpg"))[:3], *place.rglob("*.csv*")]:
        file.unlink()
    write_hospital(DEMO, place, 26, lambda done, of: None)
    files = [file.relative_to(hospital) for file in hospital.rglob("*") if file.is_file()]
    assert [sha256_of(place / file) for file in files] == [sha256_of(hospital / file) for file in files]
    with pytest.raises(UsageError, match="were drawn otherwise: name a new folder, or remove it"):
        write_hospital(DEMO, place, 27, lambda done, of: None)


def test_a_folder_without_a_cohort_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "admissions", "--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "holds no synthetic cohort that can be read" in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()
