"""DICOM images that are no single frontal grey chest film: one sentence each."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from helpers.recording_files import as_bytes, chest, dataset, film
from pydicom.dataset import FileDataset
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from engine.errors import IntakeError
from engine.intake import Upload, read
from engine.study import Study


def taken_in(ds: FileDataset) -> Study:
    return read([Upload("film.dcm", as_bytes(ds))], key=b"key")


REFUSED = {
    "frames": (lambda: film(np.stack([chest()] * 2).reshape(-1, 80), NumberOfFrames=2, Rows=96), "frames"),
    "CT": (lambda: film(Modality="CT"), "CT image"),
    "mammogram": (lambda: film(Modality="MG"), "mammogram"),
    "lateral": (lambda: film(ViewPosition="LL"), "lateral"),
    "lateral by orientation": (lambda: film(ViewPosition="", PatientOrientation=["A", "F"]), "lateral"),
    "oblique": (lambda: film(ViewPosition="LAO"), "oblique"),
    "hand": (lambda: film(BodyPartExamined="HAND"), "hand"),
    "animal": (lambda: film(PatientSpeciesDescription="Canis lupus familiaris"), "animal"),
    "one pixel": (lambda: film(np.zeros((1, 1), np.uint16)), "1 × 1 px"),
    "too large": (lambda: film(Rows=60000, Columns=60000), "million pixels"),
    "no pixels": (lambda: dataset("1.2.840.10008.5.1.4.1.1.88.11", Modality="SR"), "structured report"),
    "pdf inside": (lambda: dataset("1.2.840.10008.5.1.4.1.1.104.1", Modality="DOC"), "PDF"),
    "short pixels": (lambda: film(PixelData=b"\0" * 100), "cut off"),
    "all padding": (lambda: film(np.full((96, 80), 7, np.uint16), PixelPaddingValue=7), "padding"),
    "32 bits": (lambda: film(BitsAllocated=32, BitsStored=32), "bits"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_frontal_film_is_one_sentence(case: str) -> None:
    make, word = REFUSED[case]
    with pytest.raises(IntakeError, match=word) as caught:
        taken_in(make())
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_colour_is_refused() -> None:
    ds = film(
        np.zeros((96, 80), np.uint8), 8, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0
    )
    ds.PixelData = np.random.default_rng(0).bytes(96 * 80 * 3)
    with pytest.raises(IntakeError, match="colour"):
        taken_in(ds)


@pytest.mark.parametrize("uid", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_a_damaged_frame_is_one_sentence_and_silent(uid: str, capfd: pytest.CaptureFixture[str]) -> None:
    ds = film()
    ds.compress(uid)
    data = bytearray(as_bytes(ds))
    at = len(data) // 2
    data[at - 600 : at + 600] = bytes(1200)
    with contextlib.suppress(IntakeError):
        read([Upload("a", bytes(data))])
    assert capfd.readouterr().err == ""


def test_a_compressed_frame_of_another_size_is_refused_before_decoding() -> None:
    ds = film(chest(640, 640, bits=8), 8)
    ds.compress(JPEG2000Lossless)
    ds.Rows, ds.Columns = 96, 80
    with pytest.raises(IntakeError, match="another size"):
        taken_in(ds)
