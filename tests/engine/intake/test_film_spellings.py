"""One film written in every way that DICOM allows and that writers get wrong: equal pixels, or one sentence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.recording_files import as_bytes, chest, film
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as some
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from engine.errors import IntakeError
from engine.intake import Upload, read, read_paths
from engine.study import Study

EXAMPLES = int(os.environ.get("CASEBIND_EXAMPLES", "60"))
FULL = 4095
ORIENTATIONS = ("", "L\\F", "R\\F", "L\\H", "R\\H", "F\\L", "F\\R", "H\\L", "H\\R", "LF\\FP")


@dataclass(frozen=True)
class Spelling:
    """Which way each choice of a writer goes."""

    words: str
    polarity: str
    display: str
    orientation: str
    syntax: str


SPELLINGS = some.builds(
    Spelling,
    some.sampled_from(("plain", "left", "overlay", "signed", "signed overlay", "signed left")),
    some.sampled_from(("plain", "monochrome1", "monochrome1 inverse", "slope", "table")),
    some.sampled_from(("none", "window", "width 1", "width 0", "table", "table 12 in 16", "table other sign")),
    some.sampled_from(ORIENTATIONS),
    some.sampled_from(("explicit", "rle", "jpeg2000", "jpegls")),
)


def taken_in(ds: FileDataset) -> Study:
    return read([Upload("film.dcm", as_bytes(ds))], key=b"key")


def lut(first: int, entries: np.ndarray, depth: int, vr: str = "US") -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", vr, [len(entries), first, depth])
    item.add_new("LUTData", "US", [int(entry) for entry in entries])
    return item


def stored_as(orientation: str, values: np.ndarray) -> np.ndarray:
    """Return a film that lies as L\\F in the way in which its orientation says."""
    if not orientation:
        return values
    rows, columns = (one[0] for one in orientation.split("\\"))
    if "H" in (rows, columns):
        values = values[::-1]
    if "R" in (rows, columns):
        values = values[:, ::-1]
    return values.T if rows in "FH" else values


def written(values: np.ndarray, how: Spelling) -> FileDataset:
    """Return values (rows, columns) of 12 bits, 0 black, as a DICOM file of that spelling."""
    turned = stored_as(how.orientation, values).astype(np.int64)
    negative = how.polarity != "plain"
    signed = "signed" in how.words
    stored = (FULL - turned if negative else turned) - (2048 if signed else 0)
    words = _words(stored, how)
    ds = film(np.ascontiguousarray(words), 12)
    ds.PixelRepresentation = int(signed)
    if "left" in how.words:
        ds.HighBit = 15
    if how.orientation:
        ds.PatientOrientation = how.orientation.split("\\")
    _polarity(ds, how.polarity, -2048 if signed else 0)
    _display(ds, how)
    if how.syntax != "explicit":
        ds.compress({"rle": RLELossless, "jpeg2000": JPEG2000Lossless, "jpegls": JPEGLSLossless}[how.syntax])
    return ds


def _words(stored: np.ndarray, how: Spelling) -> np.ndarray:
    """Return the words of 16 bits that hold the values."""
    if "left" in how.words:
        return (stored << 4).astype(np.int16 if "signed" in how.words else np.uint16)
    if "overlay" in how.words:
        drawn = np.zeros(stored.shape, np.int64)
        drawn[5:9, 5:60] = 0x8000
        kind = np.int16 if "signed" in how.words else np.uint16
        return (((stored & 0xFFF) | drawn) & 0xFFFF).astype(np.uint16).view(kind)
    return stored.astype(np.int16 if "signed" in how.words else np.uint16)


def _polarity(ds: FileDataset, polarity: str, least: int) -> None:
    if polarity == "slope":
        ds.RescaleSlope, ds.RescaleIntercept = -1, FULL + least
    elif polarity == "table":
        ds.ModalityLUTSequence = [lut(least, np.arange(FULL + 1)[::-1], 12, "SS")]
    else:
        ds.RescaleSlope, ds.RescaleIntercept = 1, -least
    if polarity.startswith("monochrome1"):
        ds.PhotometricInterpretation = "MONOCHROME1"
    if polarity.endswith("inverse"):
        ds.PresentationLUTShape = "INVERSE"


def _display(ds: FileDataset, how: Spelling) -> None:
    """Add a way of display that changes nothing of values 0 … 4095."""
    same = np.arange(FULL + 1)
    if how.display == "window":
        ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = FULL / 2, FULL, "LINEAR_EXACT"
    elif how.display.startswith("width"):
        ds.WindowCenter, ds.WindowWidth = 2048, int(how.display[-1])
    elif how.display == "table":
        ds.VOILUTSequence = [lut(0, np.rint(same / FULL * 65535), 16)]
    elif how.display == "table 12 in 16":
        ds.VOILUTSequence = [lut(0, same, 16)]
    elif how.display == "table other sign":
        ds.RescaleIntercept = float(ds.get("RescaleIntercept", 0)) - 100
        if ds.get("ModalityLUTSequence"):
            del ds.RescaleIntercept
            ds.VOILUTSequence = [lut(0, same, 16)]
        else:
            ds.VOILUTSequence = [lut(2**16 - 100, same, 16)]


@limits(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(SPELLINGS, some.integers(0, 1000))
def test_every_spelling_of_a_film_gives_its_pixels_or_a_sentence(how: Spelling, seed: int) -> None:
    values = chest(64 + seed % 9, 70, seed=seed)
    compressed = how.syntax in ("jpeg2000", "jpegls") and how.words != "plain"
    if compressed:  # these codecs hold 12 bits alone, so nothing lies beside a value
        how = Spelling("plain", how.polarity, how.display, how.orientation, how.syntax)
    try:
        study, said = taken_in(written(values, how)), ""
    except IntakeError as error:
        study, said = None, str(error)
    if study is None:
        assert said.endswith(".")
        return
    assert study.content.bits == 12
    assert np.abs(study.content.pixels.astype(int) - values).max() <= 1


def test_no_plain_spelling_is_refused() -> None:
    values = chest(64, 70)
    for words in ("plain", "left", "overlay", "signed", "signed overlay", "signed left"):
        for polarity in ("plain", "monochrome1", "slope", "table"):
            shown = taken_in(written(values, Spelling(words, polarity, "none", "R\\F", "explicit"))).content.pixels
            assert np.abs(shown.astype(int) - values).max() <= 1, (words, polarity)


def test_a_table_is_scaled_by_its_largest_entry_where_it_says_more_bits_than_it_has() -> None:
    stored = chest(bits=12)
    for largest, depth in ((4095, 16), (4000, 16), (1023, 12), (255, 16)):
        curve = np.rint(np.arange(4096) / 4095 * largest).astype(int)
        shown = taken_in(film(stored, VOILUTSequence=[lut(0, curve, depth)])).content.pixels
        np.testing.assert_allclose(shown / 4095, curve[stored] / largest, atol=0.001)


def test_a_film_that_fills_more_bits_than_it_says_is_read_whole_and_said() -> None:
    stored = np.rint(np.linspace(0, 65535, 96 * 80).reshape(96, 80)).astype(np.uint16)
    study = taken_in(film(stored, 12))
    assert study.content.bits == 16
    np.testing.assert_array_equal(study.content.pixels, stored)
    assert "values fill all 16 bits" in study.recognised


def test_values_that_lie_lower_than_the_high_bit_says_are_said() -> None:
    stored = chest(bits=12)
    study = taken_in(film(stored, HighBit=15))
    np.testing.assert_array_equal(study.content.pixels, stored)
    assert "lower than the high bit says" in study.recognised


def test_turning_is_said_and_the_spacing_turns_along() -> None:
    stored = chest(bits=12)
    study = taken_in(film(np.ascontiguousarray(stored.T), PatientOrientation=["F", "L"], ImagerPixelSpacing=[0.1, 0.2]))
    assert study.content.pixels.shape == (2 * stored.shape[0], stored.shape[1])  # rows are twice as far apart
    assert study.content.spacing_mm == (0.1, 0.1)
    assert "made square pixels of oblong ones" in study.recognised
    assert "turned since it is stored as F\\L" in study.recognised
    assert "stored as" not in taken_in(film(stored, PatientOrientation=["L", "F"])).recognised


@pytest.mark.parametrize("sign", ["US", "SS"])
def test_padding_of_signed_films_is_black_whichever_sign_it_is_written_with(sign: str) -> None:
    stored = chest(bits=12).astype(np.int16) - 2048
    stored[:10] = -2000
    ds = film(stored)
    ds.add_new("PixelPaddingValue", sign, -2000 if sign == "SS" else 2**16 - 2000)
    shown = taken_in(ds).content.pixels
    assert not shown[:10].any()
    np.testing.assert_array_equal(shown[10:], stored[10:].astype(int) + 2048)


def test_a_range_of_padding_is_black() -> None:
    stored = chest(bits=12)
    stored[:10] = np.arange(800).reshape(10, 80) % 30
    stored[10:] = np.maximum(stored[10:], 40)
    ds = film(stored)
    ds.add_new("PixelPaddingValue", "US", 0)
    ds.add_new("PixelPaddingRangeLimit", "US", 30)
    shown = taken_in(ds).content.pixels
    assert not shown[:10].any()
    np.testing.assert_array_equal(shown[10:], stored[10:])


def colour(planes: Sequence[np.ndarray], planar: int, stated: int | None = None) -> FileDataset:
    """Return an RGB film of three planes, arranged as one planar configuration and stated as another."""
    pixels = np.stack(planes, axis=0 if planar else 2)
    ds = film(planes[0], 8, SamplesPerPixel=3, PhotometricInterpretation="RGB")
    ds.PlanarConfiguration = planar if stated is None else stated
    ds.PixelData = np.ascontiguousarray(pixels).tobytes()
    return ds


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("stated", [0, 1])
def test_grey_that_is_stored_as_colour_is_the_film(planar: int, stated: int) -> None:
    grey = chest(bits=8)
    study = taken_in(colour([grey] * 3, planar, stated))
    np.testing.assert_array_equal(study.content.pixels, grey)
    assert "grey stored as colour" in study.recognised
    with pytest.raises(IntakeError, match="in colour"):
        taken_in(colour([grey, grey // 2, grey], planar, stated))


@pytest.mark.parametrize("wide", [True, False])
def test_a_grey_palette_is_the_film_and_a_coloured_one_is_none(wide: bool) -> None:
    numbers = chest(bits=8)
    greys = np.arange(256)[::-1]

    def coloured(blue: np.ndarray) -> FileDataset:
        ds = film(numbers, 8, PhotometricInterpretation="PALETTE COLOR")
        for name, entries in (("Red", greys), ("Green", greys), ("Blue", blue)):
            ds.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [256, 0, 16 if wide else 8])
            data = (entries * 257).astype("<u2") if wide else entries.astype(np.uint8)
            ds.add_new(f"{name}PaletteColorLookupTableData", "OW", data.tobytes())
        return ds

    study = taken_in(coloured(greys))
    assert study.content.bits == (16 if wide else 8)
    np.testing.assert_array_equal(study.content.pixels, (255 - numbers.astype(int)) * (257 if wide else 1))
    with pytest.raises(IntakeError, match="in colour"):
        taken_in(coloured(greys[::-1]))


CASES = {
    "film-highbit-15": "",
    "film-mono2-shape-inverse": "presentation shape not followed, since the film is nearer to chest films without it",
    "film-orientation-RF": "left and right exchanged since it is stored as R\\F",
    "film-rgb-grey-planar": "grey stored as colour",
    "film-slope-minus-1": "",
    "film-voi-12-in-16": "",
    "film-window-width-1": "the window of width 1 left aside, since it shows a silhouette",
    "pic-alpha-zero": "transparency left aside",
}


@pytest.mark.recordings
@pytest.mark.parametrize("name", CASES)
def test_the_cases_show_the_same_film(recordings: Path, name: str) -> None:
    (file,) = (recordings / "cases" / name).glob("f.*")
    study = read_paths([file])
    grey = study.content.pixels / (2**study.content.bits - 1)
    (right,) = (recordings / "cases" / "pic-alpha-zero").glob("f.*")
    expected = read_paths([right]).content
    assert np.abs(grey - expected.pixels / (2**expected.bits - 1)).max() < 0.005
    assert CASES[name] in study.recognised
