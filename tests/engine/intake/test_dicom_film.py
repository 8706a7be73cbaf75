"""DICOM films in every transfer syntax, and what is no frontal chest film."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from helpers.recording_files import as_bytes, chest, dataset, film, zipped
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from engine.errors import IntakeError
from engine.intake import Upload, read, read_paths
from engine.study import Study


def taken_in(ds: FileDataset) -> Study:
    return read([Upload("film.dcm", as_bytes(ds))], key=b"key")


def pixels_of(ds: FileDataset) -> np.ndarray:
    return taken_in(ds).content.pixels


def uncompressed(uid: str, pixels: np.ndarray, bits: int) -> bytes:
    ds = film(pixels, bits)
    plain = Dataset(ds)  # without memory of how it was encoded
    plain.file_meta, plain.preamble = ds.file_meta, ds.preamble
    plain.file_meta.TransferSyntaxUID = uid
    if uid == ExplicitVRBigEndian:
        plain.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    return as_bytes(plain)


def by_gdcm(syntax: str, pixels: np.ndarray, bits: int, folder: Path) -> bytes:
    """Return the film recoded by GDCM, the library that most archives use for the JPEG family."""
    import gdcm

    source, target = folder / "in.dcm", folder / "out.dcm"
    source.write_bytes(as_bytes(film(pixels, bits)))
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(source))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return target.read_bytes()


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize(
    "uid", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_uncompressed_films_keep_every_stored_value(uid: str, bits: int) -> None:
    stored = chest(bits=bits)
    study = read([Upload("a", uncompressed(uid, stored, bits))])
    np.testing.assert_array_equal(study.content.pixels, stored)
    assert (study.content.bits, study.content.pixels.dtype) == (bits, np.uint8 if bits == 8 else np.uint16)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("uid", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_compression_keeps_every_stored_value(uid: str, bits: int) -> None:
    stored = chest(bits=bits)
    ds = film(stored, bits)
    ds.compress(uid)
    np.testing.assert_array_equal(pixels_of(ds), stored)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize(
    "syntax", ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEG2000Lossless", "JPEGLSLossless"]
)
def test_lossless_files_of_another_writer_keep_every_stored_value(tmp_path: Path, syntax: str, bits: int) -> None:
    stored = chest(bits=bits)
    study = read([Upload("a", by_gdcm(syntax, stored, bits, tmp_path))])
    np.testing.assert_array_equal(study.content.pixels, stored)


@pytest.mark.parametrize(
    ("syntax", "bits"),
    [("JPEGExtendedProcess2_4", 12), ("JPEGBaselineProcess1", 8), ("JPEG2000", 12), ("JPEGLSNearLossless", 12)],
)
def test_lossy_files_stay_close_to_the_stored_values(tmp_path: Path, syntax: str, bits: int) -> None:
    stored = chest(bits=bits)
    decoded = read([Upload("a", by_gdcm(syntax, stored, bits, tmp_path))]).content.pixels
    assert np.abs(decoded.astype(int) - stored).mean() < 0.03 * 2**bits


def test_jpeg_baseline_written_by_pillow() -> None:
    from PIL import Image

    stored, buffer = chest(bits=8), io.BytesIO()
    Image.fromarray(stored).save(buffer, "JPEG", quality=95)
    ds = film(stored, 8, PixelData=encapsulate([buffer.getvalue()]))
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    study = taken_in(ds)
    assert study.recognised == "DICOM, DX chest, 80 × 96, 8 bit, 0.14 mm/px, JPEG"
    assert np.abs(study.content.pixels.astype(int) - stored).mean() < 4


def test_monochrome1_is_the_same_film_as_its_monochrome2_negative() -> None:
    stored = chest(bits=12)
    negative = film((4095 - stored).astype(np.uint16), PhotometricInterpretation="MONOCHROME1")
    inverse = film(
        (4095 - stored).astype(np.uint16), PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"
    )
    np.testing.assert_array_equal(pixels_of(negative), stored)
    np.testing.assert_array_equal(pixels_of(inverse), stored)
    assert taken_in(negative).fingerprint == taken_in(film(stored)).fingerprint


def test_presentation_lut_shape_inverse_alone_inverts() -> None:
    stored = chest(bits=12)
    np.testing.assert_array_equal(pixels_of(film(stored, PresentationLUTShape="INVERSE")), 4095 - stored)


def test_signed_values_keep_their_order() -> None:
    stored = chest(bits=12).astype(np.int16) - 2048
    np.testing.assert_array_equal(pixels_of(film(stored)), stored.astype(int) + 2048)


def test_linear_window_maps_its_ends_to_black_and_white() -> None:
    stored = chest(bits=12)
    shown = pixels_of(film(stored, WindowCenter=2048, WindowWidth=1025)).astype(float)
    expected = np.clip((stored - 2047.5) / 1024 + 0.5, 0, 1) * 4095  # PS3.3 C.11.2.1.2.1
    np.testing.assert_allclose(shown, expected, atol=0.51)


def test_linear_exact_and_sigmoid_windows_follow_the_standard() -> None:
    stored = chest(bits=12)
    exact = pixels_of(film(stored, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="LINEAR_EXACT"))
    np.testing.assert_allclose(exact, np.clip((stored - 2000.0) / 1000 + 0.5, 0, 1) * 4095, atol=0.51)
    sigmoid = pixels_of(film(stored, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID"))
    np.testing.assert_allclose(sigmoid, 4095 / (1 + np.exp(-4 * (stored - 2000.0) / 1000)), atol=0.51)


def test_a_window_is_in_rescaled_units() -> None:
    stored = chest(bits=12)
    shown = pixels_of(film(stored, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=3996, WindowWidth=2001))
    np.testing.assert_allclose(shown, np.clip((2.0 * stored - 100 - 3995.5) / 2000 + 0.5, 0, 1) * 4095, atol=0.51)


def lut(first: int, entries: np.ndarray, bits: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = [int(entry) for entry in entries]
    item["LUTData"].VR = "US"
    return item


def test_voi_lut_comes_before_a_window() -> None:
    stored, curve = chest(bits=12), np.rint(65535 * (np.arange(4096) / 4095) ** 2).astype(int)
    shown = pixels_of(film(stored, VOILUTSequence=[lut(0, curve, 16)], WindowCenter=10, WindowWidth=5))
    np.testing.assert_allclose(shown, curve[stored] / 65535 * 4095, atol=0.51)


def test_modality_lut_is_applied() -> None:
    stored, curve = chest(bits=12), np.arange(4096)[::-1]
    item = lut(0, curve, 12)
    item.ModalityLUTType = "US"
    np.testing.assert_allclose(pixels_of(film(stored, ModalityLUTSequence=[item])), 4095 - stored, atol=0.51)


def test_values_in_a_small_part_of_the_range_are_stretched_to_be_seen() -> None:
    stored = chest(bits=12)
    shown = pixels_of(film(stored, bits=16))
    assert (shown.min(), shown.max()) == (0, 65535)
    np.testing.assert_allclose(shown, stored / 4095 * 65535, atol=0.51)


def test_padding_is_black_on_both_kinds_of_film() -> None:
    stored = chest(bits=12)
    stored[:10], stored[10:, :] = 4095, np.minimum(stored[10:, :], 4000)
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        ds = film(stored, PhotometricInterpretation=photometric, PixelPaddingValue=4095)
        ds["PixelPaddingValue"].VR = "US"
        assert (pixels_of(ds)[:10] == 0).all()


def test_overlays_are_not_drawn_and_shown_as_removed() -> None:
    stored = chest(bits=12)
    ds = film(stored)
    ds.add_new((0x6000, 0x0010), "US", 96)
    ds.add_new((0x6000, 0x0011), "US", 80)
    ds.add_new((0x6000, 0x3000), "OW", b"\xff" * 960)
    study = taken_in(ds)
    np.testing.assert_array_equal(study.content.pixels, stored)
    assert any(row.tag.startswith("(6000,3000)") and row.action == "removed" for row in study.identity)


def test_facts_and_spacing_come_from_the_header() -> None:
    study = taken_in(film(ViewPosition="AP", PixelSpacing=[0.2, 0.2]))
    assert study.content.spacing_mm == (0.14, 0.14)
    assert (study.facts["age"], study.facts["sex"], study.facts["view"]) == (63, "F", "AP")
    ds = film(PatientBirthDate="19500601", PixelSpacing=[0.2, 0.2])
    del ds.PatientAge, ds.ImagerPixelSpacing
    study = taken_in(ds)
    assert (study.facts["age"], study.content.spacing_mm) == (72, (0.2, 0.2))
    assert not str(study.facts["acquired_at"]).startswith("2023-05-04")


def test_a_file_without_preamble_is_read() -> None:
    buffer = io.BytesIO()
    ds = film()
    meta_free = Dataset(ds)
    meta_free.save_as(buffer, implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(read([Upload("x", buffer.getvalue())]).content.pixels, chest(bits=12))


def test_of_a_whole_study_on_disc_the_frontal_film_is_taken() -> None:
    report = dataset("1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")
    members = {
        "DICOMDIR": as_bytes(dataset("1.2.840.10008.1.3.10")),
        "IM1": as_bytes(film(ViewPosition="LL")),
        "IM2": as_bytes(film(ViewPosition="PA")),
        "IM3": as_bytes(report),
        "VIEWER.EXE": b"MZ" + bytes(range(256)) * 4,
    }
    study = read([Upload("disc.zip", zipped(members))])
    assert study.facts["view"] == "PA"
    assert "4 further files" in [row.tag for row in study.identity]
    with pytest.raises(IntakeError, match="2 recordings or films"):
        read([Upload(name, data) for name, data in members.items() if name != "IM1"] + [Upload("IM4", members["IM2"])])


def test_the_open_films_read_as_published(recordings: Path) -> None:
    folder = recordings / "uploads"
    nih = read_paths([folder / "nih_cxr14_google_dx_pa_covid0000.dcm"])
    assert (nih.content.pixels.shape, nih.facts["age"], nih.facts["sex"]) == ((1024, 1024), 81, "M")
    assert "burned" in nih.identity_note
    assert "covid0000" not in repr(nih).lower()
    dog = read_paths([folder / "NOT_HUMAN_dog_highdicom_dx_thorax.dcm"])
    assert dog.content.pixels.shape == (169, 211)
    assert "good" not in repr(dog).lower()
