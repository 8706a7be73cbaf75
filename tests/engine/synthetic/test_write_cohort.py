"""Writing a cohort: every study through the gate, the same for a seed, going on where it stopped, or saying why."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.simple_generators import SIMPLE, ecg, film
from PIL import Image

from engine.errors import UsageError
from engine.intake.quality.judge import judge
from engine.synthetic import cohort
from engine.synthetic.chance import RandomStreams, count_redraws
from engine.synthetic.cohort import write_cohort
from engine.synthetic.draw import draw_patients
from engine.synthetic.painted import DrawnFilm
from engine.synthetic.patients import Encounter
from engine.synthetic.rhythm import Rhythm
from engine.synthetic.write import COLUMNS, MAX_DRAWS
from engine.workspace.manifest import read_manifest

PATIENTS, SEED = 5, 4
LATER = 4  # a film of the second batch


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "cohort"
    write_cohort(folder, SIMPLE, n=PATIENTS, streams=RandomStreams(SEED))
    return folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_every_encounter_has_a_film_an_ecg_and_a_report_and_a_ppg_where_it_says_so(drawn: Path) -> None:
    rows = rows_of(drawn)
    assert set(COLUMNS) <= set(rows[0])
    for patient in draw_patients(PATIENTS, SEED, couplings="on", painted=True):
        for one in patient.encounters:
            own = {row["modality"]: row for row in rows if row["encounter_id"] == one.encounter_id}
            assert set(own) == {"cxr", "ecg", "text"} | ({"ppg"} if one.has_ppg else set())
            assert own["cxr"]["labels"].split(";") == list(one.film)
            assert own["ecg"]["labels"].split(";") == list(one.ecg)
            assert {row["acquired_at"] for row in own.values()} == {one.acquired_at}
            assert {(row["sbp"], row["hr"], row["conditions"]) for row in own.values()} == {
                (f"{one.systolic_mmhg:.0f}", f"{one.rate_bpm:.0f}", ";".join(one.conditions))
            }


def test_every_row_is_marked_and_every_study_passes_the_gate_as_written(drawn: Path) -> None:
    assert all(row["synthetic"] == "true" and row["label_source"] == "generated" for row in rows_of(drawn))
    assert all("synthetic" in row["licence"] for row in rows_of(drawn))
    assert all(b"synthetic" in Image.open(film).info["comment"] for film in (drawn / "cxr").iterdir())
    assert all("# synthetic" in header.read_text() for header in (drawn / "ecg").glob("*.hea"))
    for entry in read_manifest(drawn):
        assert entry.facts["synthetic"] is True
        assert judge(entry.load(b"")).accepted, entry.study_id


def test_the_text_file_holds_what_the_other_studies_report(drawn: Path) -> None:
    rows = rows_of(drawn)
    for row in (row for row in rows if row["modality"] == "text"):
        whole = (drawn / row["file"]).read_text(encoding="utf-8")
        for other in (one for one in rows if one["encounter_id"] == row["encounter_id"]):
            assert other["report"] in whole


def test_the_same_seed_gives_the_same_files_and_another_seed_others(drawn: Path, tmp_path: Path) -> None:
    write_cohort(tmp_path / "again", SIMPLE, n=PATIENTS, streams=RandomStreams(SEED))
    assert contents(tmp_path / "again") == contents(drawn)
    write_cohort(tmp_path / "other", SIMPLE, n=1, streams=RandomStreams(SEED + 1))
    name = "ecg/syn-0001-e1-ecg_1.dat"
    assert (tmp_path / "other" / name).read_bytes() != (drawn / name).read_bytes()


def test_studies_too_near_a_real_recording_are_drawn_anew_and_nothing_else_changes(drawn: Path, tmp_path: Path) -> None:
    near = {"share_below": 0.2, "below": 2, "which": ["syn-0002-e1-ecg", "syn-0003-e1-cxr"]}
    found = tmp_path / "checks.json"
    found.write_text(json.dumps({"ecg": {"memorisation": {"beat": near, "wave": near}}}))
    write_cohort(tmp_path / "anew", SIMPLE, n=PATIENTS, streams=RandomStreams(SEED, count_redraws([found])))
    before, after = contents(drawn), contents(tmp_path / "anew")
    changed = {name for name in before if before[name] != after[name]}
    assert {name.split(".")[0].removesuffix("_1").removesuffix("_2") for name in changed} == {
        "ecg/syn-0002-e1-ecg",
        "cxr/syn-0003-e1-cxr",
        "drawing",
    }
    again = count_redraws([tmp_path / "anew" / "drawing.json"])
    assert again == {"syn-0002-e1-ecg": 1, "syn-0003-e1-cxr": 1}
    write_cohort(tmp_path / "same", SIMPLE, n=PATIENTS, streams=RandomStreams(SEED, again))
    assert contents(tmp_path / "same") == after
    assert count_redraws([tmp_path / "anew" / "drawing.json", found])["syn-0002-e1-ecg"] == 2


def test_a_file_that_names_no_studies_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("syn-0002")
    with pytest.raises(UsageError, match="no record of a drawing"):
        count_redraws([tmp_path / "notes.txt"])


def test_a_stopped_drawing_goes_on_and_ends_as_if_it_had_not(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort, "BATCH", 2)
    calls: list[int] = []

    def once_stopped(*given: object) -> DrawnFilm:
        calls.append(1)
        if len(calls) == LATER:
            raise KeyboardInterrupt
        return film(*given)  # type: ignore[arg-type]

    make = replace(SIMPLE, film=once_stopped)
    with pytest.raises(KeyboardInterrupt):
        write_cohort(tmp_path / "cohort", make, n=PATIENTS, streams=RandomStreams(SEED))
    assert not (tmp_path / "cohort").exists()
    said: list[str] = []
    write_cohort(tmp_path / "cohort", make, n=PATIENTS, streams=RandomStreams(SEED), on_progress=said.append)
    assert len(said) == 2  # of three batches, the first was kept
    assert contents(tmp_path / "cohort") == contents(drawn)
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]


def test_other_files_of_the_folder_stay_and_old_studies_go(drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cohort"
    shutil.copytree(drawn, folder)
    (folder / "README.md").write_text("the card")
    write_cohort(folder, SIMPLE, n=1, streams=RandomStreams(SEED))
    assert (folder / "README.md").read_text() == "the card"
    assert {row["patient_id"] for row in rows_of(folder)} == {"syn-0001"}
    assert {file.name[:8] for file in (folder / "ecg").iterdir()} == {"syn-0001"}


def flat_first(attempts: int) -> Iterator[bool]:
    yield from [True] * attempts
    while True:
        yield False


def test_what_the_gate_refuses_is_drawn_again_and_counted(tmp_path: Path) -> None:
    flat = flat_first(2)

    def draw(*given: object) -> np.ndarray:
        return np.zeros((12, 5000), np.int16) if next(flat) else ecg(*given)  # type: ignore[arg-type]

    write_cohort(tmp_path / "cohort", replace(SIMPLE, ecg=draw), n=1, streams=RandomStreams(SEED))
    record = json.loads((tmp_path / "cohort" / "drawing.json").read_text())
    assert record["drawn_again"] == {"cxr": 0, "ecg": 2, "ppg": 0}
    assert sum(record["reasons"].values()) == 2


def test_an_ecg_in_which_other_waves_are_taken_for_beats_is_drawn_again(tmp_path: Path) -> None:
    doubled = flat_first(1)

    def draw(encounter: Encounter, beats: Rhythm, *rngs: np.random.Generator) -> np.ndarray:
        between = beats.r_s[:-1] + np.diff(beats.r_s) / 2
        found = np.sort(np.concatenate([beats.r_s, between])) if next(doubled) else beats.r_s
        return ecg(encounter, replace(beats, r_s=found), *rngs)

    write_cohort(tmp_path / "cohort", replace(SIMPLE, ecg=draw), n=1, streams=RandomStreams(SEED))
    record = json.loads((tmp_path / "cohort" / "drawing.json").read_text())
    assert record["drawn_again"]["ecg"] == 1
    assert any("not those it was drawn on" in reason for reason in record["reasons"])


def test_a_generator_that_never_passes_is_an_error_that_names_the_study(tmp_path: Path) -> None:
    black = replace(SIMPLE, film=lambda one, *_: DrawnFilm(one, np.zeros((224, 224), np.uint8)))
    with pytest.raises(UsageError, match=rf"refused all {MAX_DRAWS} draws of syn-0001-e1-cxr"):
        write_cohort(tmp_path / "cohort", black, n=1, streams=RandomStreams(SEED))
    assert not (tmp_path / "cohort").exists()
