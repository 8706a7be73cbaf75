"""CheXpert, NIH ChestX-ray14, RSNA, COVID-19 Radiography and Open-I in their published layouts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.published_layouts import FINDINGS, film, table
from openpyxl import Workbook

from engine.datasets.adapters import adapter_of, collect
from engine.datasets.recording import Recording
from engine.errors import IntakeError, UsageError
from engine.findings import findings
from engine.study import Film


def by_id(listed: list[Recording]) -> dict[str, Recording]:
    return {one.study_id: one for one in listed}


def chexpert_row(name: str, patient: int, observed: dict[str, str], view: str = "Frontal", study: int = 1) -> list[str]:
    path = f"CheXpert-v1.0-small/{name}/patient{patient:05d}/study{study}/view1_{view.lower()}.jpg"
    return [path, "Female", "68", view, "AP" if view == "Frontal" else "", *(observed.get(one, "") for one in FINDINGS)]


def chexpert(folder: Path, train: list[list[str]], valid: list[list[str]]) -> Path:
    header = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *FINDINGS)
    for name, rows in (("train", train), ("valid", valid)):
        table(folder / f"{name}.csv", header, rows)
        film(folder / rows[0][0].partition("/")[2])
    return folder


def test_chexpert_takes_frontal_films_and_leaves_uncertain_labels_open(tmp_path: Path) -> None:
    lone = {"Edema": "1.0", "Pleural Effusion": "0.0"}
    mixed = {"Edema": "1.0", "Cardiomegaly": "-1.0", "Support Devices": "1.0"}
    train = [
        chexpert_row("train", 1, lone),
        chexpert_row("train", 1, {"No Finding": "1.0"}, study=2),
        chexpert_row("train", 2, mixed),
        chexpert_row("train", 3, mixed, "Lateral"),
    ]
    chexpert(tmp_path, train, [chexpert_row("valid", 64541, {"Pneumonia": "1.0"})])
    films = by_id(collect([tmp_path]))
    assert {name: (one.split, one.labels) for name, one in films.items()} == {
        "chexpert-00001-study1-view1": ("test", ("Edema",)),  # of CheXpert5x200 …
        "chexpert-00001-study2-view1": ("test", ("No Finding",)),  # … and all films of its patients
        "chexpert-00002-study1-view1": ("train", ("Edema", "Support Devices")),
        "chexpert-64541-study1-view1": ("valid", ("Pneumonia",)),
    }
    assert films["chexpert-00001-study1-view1"].extra == {"subset": "CheXpert5x200"}
    assert films["chexpert-00002-study1-view1"].extra == {"uncertain": "Cardiomegaly"}
    first = films["chexpert-00001-study1-view1"]
    assert (first.age, first.sex, first.view, first.patient_id) == (68.0, "F", "AP", "chexpert:00001")
    assert isinstance(first.study().content, Film)


def test_chexpert5x200_is_two_hundred_of_each_and_the_same_again(tmp_path: Path) -> None:
    five = ("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Pleural Effusion")
    rows = [chexpert_row("train", 1000 * n + i, {name: "1.0"}) for n, name in enumerate(five) for i in range(210)]
    chexpert(tmp_path, rows, [chexpert_row("valid", 64541, {})])
    chosen = [one for one in collect([tmp_path]) if "subset" in one.extra]
    assert {name: sum(one.labels == (name,) for one in chosen) for name in five} == dict.fromkeys(five, 200)
    table(tmp_path / "train.csv", ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *FINDINGS), rows[::-1])
    again = {one.study_id for one in collect([tmp_path]) if "subset" in one.extra}
    assert again == {one.study_id for one in chosen}


NIH = (
    ("00000001_000.png", "Cardiomegaly|Effusion", 0, 1, 57, "M", "PA"),
    ("00000001_001.png", "No Finding", 1, 1, 58, "M", "PA"),
    ("00000002_000.png", "Mass|Nodule|Hernia", 0, 2, 411, "F", "AP"),
)


def nih(folder: Path, test: tuple[str, ...] = ("00000002_000.png",)) -> Path:
    header = (
        "Image Index",
        "Finding Labels",
        "Follow-up #",
        "Patient ID",
        "Patient Age",
        "Patient Gender",
        "View Position",
        "OriginalImage[Width",
        "Height]",
        "OriginalImagePixelSpacing[x",
        "y]",
        "",
    )
    table(folder / "Data_Entry_2017.csv", header, [(*row, 2682, 2749, 0.143, 0.143, "") for row in NIH])
    (folder / "test_list.txt").write_text("\n".join(test))
    (folder / "train_val_list.txt").write_text("\n".join(row[0] for row in NIH if row[0] not in test))
    film(folder / "images_001" / "images" / NIH[0][0])
    return folder


def test_nih_films_have_the_official_test_list_and_chexperts_words(tmp_path: Path) -> None:
    films = by_id(collect([nih(tmp_path)]))
    first, third = films["nih-00000001_000"], films["nih-00000002_000"]
    assert first.labels == ("Cardiomegaly", "Pleural Effusion")
    assert third.labels == ("Lung Lesion", "Hernia")
    assert (first.split in ("train", "valid"), first.split, third.split) == (
        True,
        films["nih-00000001_001"].split,
        "test",
    )
    assert (first.age, third.age, first.patient_id) == (57.0, None, "nih-00001")
    assert isinstance(first.study().content, Film)
    with pytest.raises(IntakeError, match=r"00000002_000\.png is not in images"):
        third.study()


def test_a_list_that_leaks_and_a_list_that_lacks_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"1 patient is in more .* such as nih-00001 in test and (train|valid)"):
        collect([nih(tmp_path, ("00000001_001.png",))])
    (tmp_path / "test_list.txt").unlink()
    with pytest.raises(UsageError, match=r"has no test_list\.txt"):
        collect([tmp_path])


def rsna(folder: Path) -> Path:
    table(
        folder / "stage_2_train_labels.csv",
        ("patientId", "x", "y", "width", "height", "Target"),
        [
            ("0004cfab", "", "", "", "", 0),
            ("00436515", 264, 152, 213, 379, 1),
            ("00436515", 562, 152, 256, 453, 1),
            ("00704310", "", "", "", "", 0),
        ],
    )
    table(
        folder / "stage_2_detailed_class_info.csv",
        ("patientId", "class"),
        [
            ("0004cfab", "No Lung Opacity / Not Normal"),
            ("00436515", "Lung Opacity"),
            ("00436515", "Lung Opacity"),
            ("00704310", "Normal"),
        ],
    )
    return folder


def test_rsna_lists_each_film_once_with_its_class(tmp_path: Path) -> None:
    films = by_id(collect([rsna(tmp_path)]))
    assert {name: one.labels for name, one in films.items()} == {
        "rsna-0004cfab": (),
        "rsna-00436515": ("Lung Opacity", "Pneumonia"),
        "rsna-00704310": ("No Finding",),
    }
    assert findings(films["rsna-00436515"].labels) == {"lung_opacity", "pneumonia"}
    assert len({one.patient_id for one in films.values()}) == 3


def test_rsna_films_of_one_nih_patient_share_a_split_where_the_mapping_is_there(tmp_path: Path) -> None:
    mapping = [
        {"subset_img_id": name, "img_id": f"00000007_{i:03d}.png"}
        for i, name in enumerate(("0004cfab", "00436515", "00704310"))
    ]
    file = rsna(tmp_path) / "pneumonia-challenge-dataset-mappings_2018.json"
    file.write_text(json.dumps(mapping))
    films = collect([tmp_path])
    assert {one.patient_id for one in films} == {"nih-00007"}
    assert len({one.split for one in films}) == 1
    file.write_text("{")
    with pytest.raises(UsageError, match=r"mapping .* cannot be read"):
        collect([tmp_path])


def test_covid_classes_are_folders_with_the_source_from_the_sheet(tmp_path: Path) -> None:
    for name, file in (
        ("COVID", "COVID-1"),
        ("Lung_Opacity", "Lung_Opacity-1"),
        ("Normal", "Normal-1"),
        ("Viral Pneumonia", "Viral Pneumonia-1"),
    ):
        film(tmp_path / name / "images" / f"{file}.png")
        film(tmp_path / name / "masks" / f"{file}.png")
    book = Workbook()
    book.active.append(["FILE NAME", "FORMAT", "SIZE", "URL"])
    book.active.append(["NORMAL-1", "PNG", "256*256", "https://example.org/rsna"])
    book.save(tmp_path / "Normal.metadata.xlsx")
    films = by_id(collect([tmp_path]))
    assert {name: findings(one.labels) for name, one in films.items()} == {
        "covid-COVID-1": {"pneumonia"},
        "covid-Lung_Opacity-1": {"lung_opacity"},
        "covid-Normal-1": {"normal"},
        "covid-Viral_Pneumonia-1": {"pneumonia"},
    }
    assert films["covid-Normal-1"].extra == {"source": "https://example.org/rsna"}
    assert isinstance(films["covid-COVID-1"].study().content, Film)


REPORT = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="FINDINGS">Heart  enlarged.</AbstractText>
<AbstractText Label="IMPRESSION">Cardiomegaly.</AbstractText></Abstract></Article></MedlineCitation>
<MeSH><major>{first}</major><major>Opacity/lung/base/left</major><automatic>heart</automatic></MeSH>
<parentImage id="CXR{n}_{n}_IM-0001-{a}"><caption>PA</caption></parentImage>
<parentImage id="CXR{n}_{n}_IM-0001-{b}"><caption>Lateral</caption></parentImage></eCitation>"""


def openi(folder: Path) -> Path:
    (folder / "ecgen-radiology").mkdir(parents=True)
    (folder / "ecgen-radiology" / "1.xml").write_text(REPORT.format(n=1, first="Cardiomegaly/mild", a=3001, b=4001))
    (folder / "ecgen-radiology" / "2.xml").write_text(REPORT.format(n=2, first="normal", a=1001, b=2001))
    film(folder / "NLMCXR_png" / "CXR2_2_IM-0001-1001.png")
    return folder


def test_open_i_reads_reports_and_their_headings(tmp_path: Path) -> None:
    (only,) = collect([openi(tmp_path)])
    assert (only.study_id, only.labels) == ("openi-CXR2_2_IM-0001-1001", ("No Finding", "Lung Opacity"))
    assert only.report == "Heart enlarged. Cardiomegaly."
    assert isinstance(only.study().content, Film)


def test_open_i_takes_what_the_projections_call_frontal(tmp_path: Path) -> None:
    table(
        openi(tmp_path) / "indiana_projections.csv",
        ("uid", "filename", "projection"),
        [
            (1, "1_IM-0001-4001.dcm.png", "Frontal"),
            (1, "1_IM-0001-3001.dcm.png", "Lateral"),
            (2, "2_IM-0001-1001.dcm.png", "Frontal"),
        ],
    )
    films = collect([tmp_path])
    assert [one.study_id for one in films] == ["openi-CXR1_1_IM-0001-4001", "openi-CXR2_2_IM-0001-1001"]
    assert films[0].labels == ("Cardiomegaly", "Lung Opacity")
    (tmp_path / "ecgen-radiology" / "1.xml").write_text("<eCitation>")
    with pytest.raises(UsageError, match=r"1\.xml is no XML"):
        collect([tmp_path])


def test_each_layout_is_known_by_its_files(tmp_path: Path) -> None:
    chexpert(tmp_path / "a", [chexpert_row("train", 1, {})], [chexpert_row("valid", 2, {})])
    found = [
        adapter_of(folder)
        for folder in (tmp_path / "a", nih(tmp_path / "b"), rsna(tmp_path / "c"), openi(tmp_path / "d"), tmp_path)
    ]
    assert [one.name if one else None for one in found] == ["chexpert", "nih-cxr14", "rsna", "open-i", None]


def test_kermany_names_patients_and_kinds_by_the_files(tmp_path: Path) -> None:
    for number, name in enumerate(
        ("train/NORMAL/IM-0115-0001", "train/PNEUMONIA/person1_bacteria_1", "test/PNEUMONIA/person1_virus_6")
    ):
        picture = film(tmp_path / "chest_xray" / f"{name}.jpg", number)
        picture.rename(picture.with_suffix(".jpeg"))
    (tmp_path / "chest_xray" / "train" / "NORMAL" / "notes.jpeg").write_bytes(b"")
    listed = {one.study_id: one for one in collect([tmp_path])}
    assert {name: (one.patient_id, one.labels) for name, one in listed.items()} == {
        "kermany-IM-0115-0001": ("kermany-IM-0115", ("No Finding",)),
        "kermany-person1_bacteria_1": ("kermany-person1-bacteria", ("Pneumonia", "Bacterial pneumonia")),
        "kermany-person1_virus_6": ("kermany-person1-virus", ("Pneumonia", "Viral pneumonia")),
    }
    assert listed["kermany-IM-0115-0001"].study().film.bits == 8
