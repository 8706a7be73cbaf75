"""DICOM films whose header is wrong, incomplete or nonsense in one element: the film all the same, or one sentence."""

from __future__ import annotations

import io

import numpy as np
import pytest
from helpers.recording_files import as_bytes, chest, dataset, film, zipped
from PIL import Image
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

from engine.errors import IntakeError
from engine.intake import Upload, read
from engine.study import Study

STORED = chest(bits=12)
SIGNED = (STORED.astype(int) - 2048).astype(np.int16)


def taken_in(ds: FileDataset) -> Study:
    return read([Upload("film.dcm", as_bytes(ds))], key=b"key")


def with_bytes(ds: FileDataset, keyword: str, vr: str, value: bytes) -> FileDataset:
    """Return the film with an element that holds these bytes, whatever its VR allows."""
    tag = Tag(tag_for_keyword(keyword) or 0)
    padded = value + b" " * (len(value) % 2)
    ds[tag] = RawDataElement(tag, vr, len(padded), padded, 0, False, True, True)
    return ds


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("PatientAge", "AS", b"90+"),
        ("PatientBirthDate", "DA", b"19500000"),
        ("PatientSex", "CS", b"Male"),
        ("StudyDate", "DA", b"2023-05-04"),
        ("SeriesDescription", "LO", b"\xff\xfe\x1b$B"),
        ("ImagerPixelSpacing", "DS", b"0,14\\0,14"),
        ("ImagerPixelSpacing", "DS", b"none"),
        ("NumberOfFrames", "IS", b""),
        ("WindowWidth", "DS", b"nan"),
        ("RescaleSlope", "DS", b"1,0"),
        ("RescaleSlope", "DS", b"nan"),
        ("RescaleSlope", "DS", b"inf"),
        ("RescaleSlope", "DS", b"0"),
        ("RescaleIntercept", "DS", b"none"),
        ("PhotometricInterpretation", "CS", b"monochrome2"),
        ("PixelPaddingValue", "US", b"\xff\xff\xff\xff"),
        ("PixelRepresentation", "US", b""),
        ("SamplesPerPixel", "US", b""),
        ("SpecificCharacterSet", "CS", b"latin1"),
    ],
)
def test_nonsense_in_one_element_leaves_the_film_as_it_is(keyword: str, vr: str, value: bytes) -> None:
    study = taken_in(with_bytes(film(STORED, WindowCenter=2048), keyword, vr, value))
    np.testing.assert_array_equal(study.content.pixels, STORED)


@pytest.mark.parametrize("keyword", ["PixelRepresentation", "SamplesPerPixel", "HighBit", "Modality", "ViewPosition"])
def test_an_element_that_is_left_out_leaves_the_film_as_it_is(keyword: str) -> None:
    ds = film(STORED)
    del ds[keyword]
    np.testing.assert_array_equal(taken_in(ds).content.pixels, STORED)


def test_a_film_that_does_not_say_what_is_black_is_not_called_coloured() -> None:
    with pytest.raises(IntakeError, match="black or white"):
        taken_in(film(STORED, PhotometricInterpretation=""))


def recoded(ds: FileDataset, sign: int) -> FileDataset:
    ds.compress(JPEG2000Lossless)
    ds.PixelRepresentation = sign
    return ds


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: film(SIGNED, PixelRepresentation=0), "signed otherwise than stated"),
        (lambda: film(STORED, PixelRepresentation=1), "unsigned otherwise than stated"),
        (lambda: recoded(film(SIGNED), 0), "signed otherwise than stated"),
        (lambda: recoded(film(STORED), 1), "unsigned otherwise than stated"),
        (lambda: film((STORED.astype(int) << 4).astype(np.uint16)), "higher than the high bit says"),
    ],
)
def test_a_wrong_sign_or_high_bit_shows_in_the_film_and_is_said(make: object, said: str) -> None:
    study = taken_in(make())  # type: ignore[operator]
    np.testing.assert_array_equal(study.content.pixels, STORED)
    assert said in study.recognised


def test_a_marker_and_a_black_border_are_no_wrong_sign() -> None:
    stored = STORED // 3
    stored[:12] = stored[:, :12] = 3
    stored[20:26, 20:30] = 4090
    study = taken_in(film(stored, WindowCenter=2047.5, WindowWidth=4095, VOILUTFunction="LINEAR_EXACT"))
    np.testing.assert_array_equal(study.content.pixels, stored)


@pytest.mark.parametrize(("words", "vr", "value"), [(STORED, "US", 65535), (SIGNED, "SS", -32768)])
def test_padding_beyond_the_stored_bits_makes_no_other_value_black(words: np.ndarray, vr: str, value: int) -> None:
    stored = words.copy()
    stored[30:40], stored[40:44] = value & 0xFFF if value < 0 else 4095, words.min()
    shown = stored.astype(int) - (words.min() if vr == "SS" else 0)
    stored[:10] = value
    ds = film(stored)
    ds.add_new("PixelPaddingValue", vr, value)
    pixels = taken_in(ds).content.pixels
    assert not pixels[:10].any()
    np.testing.assert_array_equal(pixels[10:], shown[10:])


def test_a_compressed_frame_with_other_channels_than_stated_is_one_sentence() -> None:
    buffer = io.BytesIO()
    Image.fromarray(chest(bits=8)).convert("RGB").save(buffer, "JPEG")
    ds = film(chest(bits=8), 8, PixelData=encapsulate([buffer.getvalue()]))
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    with pytest.raises(IntakeError, match="number of channels"):
        taken_in(ds)


@pytest.mark.parametrize("stated", [{"ImagerPixelSpacing": [0.28, 0.14]}, {"PixelAspectRatio": [2, 1]}])
def test_oblong_pixels_become_square_and_it_is_said(stated: dict[str, list[float]]) -> None:
    smooth = np.rint(np.add.outer(np.sin(np.arange(192) / 20), np.cos(np.arange(80) / 9)) * 1000 + 2048)
    ds = film(np.ascontiguousarray(smooth[::2]).astype(np.uint16))
    del ds.ImagerPixelSpacing
    for keyword, value in stated.items():
        setattr(ds, keyword, value)
    study = taken_in(ds)
    assert study.content.pixels.shape == (192, 80)
    assert np.corrcoef(study.content.pixels.ravel(), smooth.ravel())[0, 1] > 0.999
    assert "made square pixels of oblong ones" in study.recognised


def coded(meaning: str) -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "260421001", "SCT", meaning
    return [item]


def test_a_lateral_film_is_known_by_its_description_where_nothing_else_says_it() -> None:
    for stated in (
        {"SeriesDescription": "CHEST LATERAL"},
        {"SeriesDescription": "Thorax seitlich"},
        {"ProtocolName": "W_Chest_Lat"},
        {"ViewCodeSequence": coded("left lateral")},
    ):
        with pytest.raises(IntakeError, match="lateral view"):
            taken_in(film(STORED, ViewPosition="", **stated))
    for frontal in ("CHEST PA AND LATERAL", "Chest lateral decubitus", "CHEST", "PLATE"):
        taken_in(film(STORED, ViewPosition="", SeriesDescription=frontal))
    taken_in(film(STORED, ViewPosition="PA", SeriesDescription="CHEST LATERAL"))
    both = {
        "1": as_bytes(film(STORED, ViewPosition="", SeriesDescription="Lateral")),
        "2": as_bytes(film(STORED, ViewPosition="")),
        "3": as_bytes(dataset("1.2.840.10008.5.1.4.1.1.11.1", Modality="PR")),
    }
    study = read([Upload("disc.zip", zipped(both))])
    np.testing.assert_array_equal(study.content.pixels, STORED)


def test_what_the_film_is_besides_is_said() -> None:
    raw = taken_in(film(STORED, PresentationIntentType="FOR PROCESSING")).recognised
    assert "raw values of the detector" in raw
    assert "orientation A\\F left aside" in taken_in(film(STORED, PatientOrientation=["A", "F"])).recognised
    ds = film(STORED, FloatPixelData=STORED.astype("<f4").tobytes())
    del ds.PixelData
    with pytest.raises(IntakeError, match="fractional"):
        taken_in(ds)
