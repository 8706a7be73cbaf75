"""De-identification: a planted name is nowhere in a study, whatever place it stood in."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import edfio
import numpy as np
import pytest
from helpers.recording_files import TWELVE_LEAD, as_bytes, chest, dataset, film, signals, waveform, wfdb_uploads, zipped
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset

from engine.intake import Answers, Upload, read
from engine.study import Film, Study, Trace

NAME = "Zyxwvut"
KEY = b"workspace key"


def everything_in(study: Study) -> str:
    """Return all of a study as text, arrays included as bytes."""
    parts = [repr(getattr(study, item.name)) for item in fields(study)]
    if isinstance(study.content, Trace):
        parts += [repr(study.content.leads), str(study.content.samples.tobytes())]
    elif isinstance(study.content, Film):
        parts += [str(study.content.pixels.tobytes())]
    return " ".join(parts).lower()


ELEMENTS = [  # manufacturer and model stay: they are a fact of the study
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "OtherPatientNames",
    "OtherPatientIDs",
    "PatientComments",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "AdditionalPatientHistory",
    "Occupation",
    "EthnicGroup",
    "MedicalAlerts",
    "PatientMotherBirthName",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "OperatorsName",
    "PhysiciansOfRecord",
    "RequestingPhysician",
    "InstitutionName",
    "InstitutionAddress",
    "InstitutionalDepartmentName",
    "StationName",
    "AccessionNumber",
    "StudyID",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "ImageComments",
    "StudyComments",
    "DerivationDescription",
    "RequestedProcedureDescription",
    "AdmittingDiagnosesDescription",
    "DeviceSerialNumber",
    "DetectorID",
    "SoftwareVersions",
    "AcquisitionDeviceProcessingDescription",
    "RequestedContrastAgent",
    "ResponsiblePerson",
    "PatientInstitutionResidence",
    "WindowCenterWidthExplanation",
    "TextComments",
]


def plant(ds: Dataset) -> None:
    """Write the name into identifying, free-text, coded, nested and private elements."""
    for keyword in ELEMENTS:
        setattr(ds, keyword, NAME)
    ds.ImageType = ["ORIGINAL", "PRIMARY", NAME.upper()]
    ds.BodyPartExamined = NAME.upper()
    ds.StudyInstanceUID = "1.2.3." + ".".join(str(ord(char)) for char in NAME)
    request, person = Dataset(), Dataset()
    person.PersonName, person.LongCodeValue = NAME, NAME
    request.RequestedProcedureDescription, request.RequestedProcedureID = NAME, NAME
    request.PersonIdentificationCodeSequence = [person]
    ds.RequestAttributesSequence = [request]
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "51185008", "SCT", NAME
    ds.AnatomicRegionSequence = [region]
    block = ds.private_block(0x0011, NAME, create=True)
    block.add_new(0x01, "LO", NAME)
    block.add_new(0x02, "UN", NAME.encode())
    ds.add_new((0x6000, 0x0022), "LO", NAME)
    ds.add_new((0x6000, 0x4000), "LT", NAME)
    ds.file_meta.SourceApplicationEntityTitle = NAME
    ds.file_meta.ImplementationVersionName = NAME
    ds.preamble = NAME.encode().ljust(128, b"\0")


def planted_film(tmp_path: Path) -> list[Upload]:
    ds = film()
    plant(ds)
    return [Upload(f"{NAME}.dcm", as_bytes(ds))]


def planted_waveform(tmp_path: Path) -> list[Upload]:
    group = waveform(np.rint(signals(2, 500) * 400), ["2:1", "2:0"])
    group.MultiplexGroupLabel = NAME
    for channel in group.ChannelDefinitionSequence:
        channel.ChannelLabel = NAME
        channel.ChannelSourceSequence[0].CodeMeaning = NAME
        channel.StationName = NAME  # kept, and replaced, wherever it stands
    ds = dataset(TWELVE_LEAD, Modality="ECG", WaveformSequence=[group])
    plant(ds)
    return [Upload(f"{NAME}.dcm", as_bytes(ds))]


def planted_wfdb(tmp_path: Path) -> list[Upload]:
    uploads = wfdb_uploads(
        tmp_path,
        NAME,
        values=signals(2),
        sig_name=["II", NAME],
        comments=[f"Name: {NAME}", f"Sex: {NAME}", "Age: 50", f"Dx: {NAME}"],
    )
    return uploads + [Upload(f"{NAME}.atr", NAME.encode() + b"\0")]


def planted_zip(tmp_path: Path) -> list[Upload]:
    members = {f"{NAME}/{upload.name}": upload.data for upload in planted_wfdb(tmp_path)}
    return [Upload(f"{NAME}.zip", zipped(members | {f"{NAME}/{NAME}.txt": NAME.encode()}))]


def planted_table(tmp_path: Path) -> list[Upload]:
    lines = [f"# {NAME}", f"Name,{NAME},,", f"time,II (mV),{NAME},patient"]
    lines += [f"{i / 100:.2f},{value:.3f},1,{NAME}" for i, value in enumerate(signals(1)[:, 0])]
    return [Upload(f"{NAME}.csv", "\n".join(lines).encode())]


def planted_edf(tmp_path: Path) -> list[Upload]:
    made = [
        edfio.EdfSignal(
            signals(1, 128)[:, 0], 128, label="ECG II", physical_dimension="mV", transducer_type=NAME, prefiltering=NAME
        ),
        edfio.EdfSignal(signals(1, 128)[:, 0], 128, label=NAME),
    ]
    patient = edfio.Patient(code=NAME, name=NAME, additional=[NAME])
    recording = edfio.Recording(
        hospital_administration_code=NAME, investigator_technician_code=NAME, equipment_code=NAME
    )
    notes = [edfio.EdfAnnotation(1, None, NAME)]
    return [Upload(f"{NAME}.edf", edfio.Edf(made, patient=patient, recording=recording, annotations=notes).to_bytes())]


def planted_png(tmp_path: Path) -> list[Upload]:
    info, exif, buffer = PngImagePlugin.PngInfo(), Image.Exif(), io.BytesIO()
    info.add_text(NAME, NAME)
    info.add_itxt("Comment", NAME, zip=True)
    exif[0x010E] = NAME
    Image.fromarray(chest(bits=8)).save(buffer, "PNG", pnginfo=info, exif=exif)
    return [Upload(f"{NAME}.png", buffer.getvalue())]


def planted_jpeg(tmp_path: Path) -> list[Upload]:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x010E], exif[0x013B] = NAME, NAME
    Image.fromarray(chest(bits=8)).save(buffer, "JPEG", exif=exif, comment=NAME.encode())
    return [Upload(f"{NAME}.jpg", buffer.getvalue())]


PLANTED: dict[str, Callable[[Path], list[Upload]]] = {
    name.removeprefix("planted_"): function for name, function in list(globals().items()) if name.startswith("planted_")
}


@pytest.mark.parametrize("place", PLANTED)
def test_a_planted_name_is_nowhere_in_the_study(place: str, tmp_path: Path) -> None:
    uploads = PLANTED[place](tmp_path)
    assert any(NAME in upload.name for upload in uploads)
    study = read(uploads, Answers(units="mV"), KEY)
    assert NAME.lower() not in everything_in(study)
    assert ".".join(str(ord(char)) for char in NAME) not in everything_in(study)
    assert any(row.tag.startswith("file name") and row.action == "removed" for row in study.identity)


def actions(study: Study) -> dict[str, str]:
    return {row.tag: row.action for row in study.identity}


def test_the_table_says_what_happened_to_each_element() -> None:
    ds = film(StudyDescription="Thorax", PatientBirthDate="19600102", StudyTime="101112", Manufacturer="Acme")
    ds.private_block(0x0011, "ACME", create=True).add_new(0x01, "LO", "x")
    table = actions(read([Upload("a", as_bytes(ds))], key=KEY))
    expected = {
        "(0010,0010) Patient's Name": "replaced",
        "(0010,0020) Patient ID": "replaced",
        "(0010,0030) Patient's Birth Date": "replaced",
        "(0010,0040) Patient's Sex": "kept",
        "(0008,0020) Study Date": "replaced",
        "(0008,0030) Study Time": "removed",
        "(0008,0070) Manufacturer": "kept",
        "(0008,1030) Study Description": "removed",
        "(0011,xxxx) private elements": "removed",
        "(0020,000D) Study Instance UID": "replaced",
        "(7FE0,xxxx) pixels": "kept",
    }
    assert expected.items() <= table.items()


def test_pictures_beside_the_pixel_data_are_dropped() -> None:
    """An overlay, an icon and a private thumbnail can show the same name; nothing of them is read."""
    pattern = NAME.encode() * 160
    ds, icon = film(), Dataset()
    ds.add_new((0x6000, 0x0010), "US", 96)
    ds.add_new((0x6000, 0x0011), "US", 80)
    ds.add_new((0x6000, 0x0040), "CS", "G")
    ds.add_new((0x6000, 0x0050), "SS", [1, 1])
    ds.add_new((0x6000, 0x0100), "US", 1)
    ds.add_new((0x6000, 0x0102), "US", 0)
    ds.add_new((0x6000, 0x3000), "OW", pattern[:960])
    icon.Rows, icon.Columns, icon.SamplesPerPixel, icon.PhotometricInterpretation = 32, 32, 1, "MONOCHROME2"
    icon.BitsAllocated, icon.BitsStored, icon.HighBit, icon.PixelRepresentation = 8, 8, 7, 0
    icon.PixelData = pattern[:1024]
    icon["PixelData"].VR = "OB"
    ds.IconImageSequence = [icon]
    ds.private_block(0x0011, "ACME", create=True).add_new(0x10, "OB", pattern[:1024])
    study = read([Upload("a.dcm", as_bytes(ds))], key=KEY)
    assert study.fingerprint == read([Upload("a.dcm", as_bytes(film()))], key=KEY).fingerprint
    assert NAME.lower() not in everything_in(study)
    table = actions(study)
    assert table["(0088,0200) Icon Image Sequence"] == table["(0011,xxxx) private elements"] == "removed"
    assert {action for tag, action in table.items() if tag.startswith("(6000,3000)")} == {"removed"}


def test_burned_in_text_is_open_unless_the_file_denies_it() -> None:
    assert read([Upload("a", as_bytes(film(BurnedInAnnotation="NO")))]).identity_note == ""
    for value in ("YES", "", None):
        ds = film(BurnedInAnnotation=value)
        if value is None:
            del ds.BurnedInAnnotation
        assert "cannot be ruled out" in read([Upload("a", as_bytes(ds))]).identity_note


def test_the_pseudonym_is_stable_for_a_key_and_depends_on_patient_and_issuer() -> None:
    def key_of(workspace: bytes, **elements: object) -> str | None:
        return read([Upload("a", as_bytes(film(**elements)))], key=workspace).patient_key

    assert key_of(KEY) == key_of(KEY, StudyDate="20200101")
    assert len(str(key_of(KEY))) == 32
    different = [key_of(KEY), key_of(b"other"), key_of(KEY, PatientID="4712"), key_of(KEY, IssuerOfPatientID="B")]
    assert len(set(different)) == 4
    assert key_of(KEY, PatientID="") is None


def test_dates_are_shifted_the_same_way_within_a_workspace() -> None:
    def date_of(workspace: bytes) -> str:
        return read([Upload("a", as_bytes(film(AcquisitionDate="20230504")))], key=workspace).facts["acquired_at"]

    assert date_of(KEY) == date_of(KEY) != "2023-05-04"
    assert date_of(KEY) != date_of(b"another workspace")


def test_ages_from_ninety_on_are_given_as_ninety() -> None:
    assert read([Upload("a", as_bytes(film(PatientAge="097Y")))]).facts["age"] == 90
    assert read([Upload("a", as_bytes(film(PatientAge="018M")))]).facts["age"] == 1.5


def test_damaged_elements_do_not_stop_de_identification() -> None:
    ds = film()
    ds.add_new("PatientWeight", "LO", "not a number")
    raw = as_bytes(ds).replace(b"20230504", b"2023O5O4").replace(b"063Y", b"ZZZZ")
    study = read([Upload("a", raw)], key=KEY)
    assert "age" not in study.facts
    assert "acquired_at" not in study.facts
    assert study.patient_key is not None
