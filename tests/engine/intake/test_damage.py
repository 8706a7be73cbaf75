"""Damage at random places: a sentence or a valid study comes out of every format, and nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import edfio
import numpy as np
import pytest
from helpers.damage import damaged, outcome
from helpers.recording_files import TWELVE_LEAD, as_bytes, chest, dataset, film, signals, waveform, wfdb_uploads, zipped
from PIL import Image
from pydicom.uid import JPEG2000Lossless, RLELossless

from engine.intake import Upload, read
from engine.study import Study


def valid(tmp_path: Path) -> dict[str, list[Upload]]:
    """Return one small valid upload of each format."""
    picture, jpeg = io.BytesIO(), io.BytesIO()
    Image.fromarray(chest(bits=8)).save(picture, "PNG")
    Image.fromarray(chest(bits=8)).save(jpeg, "JPEG")
    compressed, rle = film(), film()
    compressed.compress(JPEG2000Lossless)
    rle.compress(RLELossless)
    group = waveform(np.rint(signals(2, 500, 3) * 400), ["2:1", "2:2"])
    table = "time,II (mV)\n" + "".join(f"{i / 100:.2f},{v:.3f}\n" for i, v in enumerate(signals(1, seconds=3)[:, 0]))
    edf = edfio.Edf([edfio.EdfSignal(signals(1, 128, 4)[:, 0], 128, label="ECG II", physical_dimension="mV")])
    record = wfdb_uploads(tmp_path, values=signals(2, seconds=3))
    flac = wfdb_uploads(tmp_path, "flac", values=signals(2, seconds=3), fmt=["516"] * 2)
    return {
        "dicom": [Upload("a", as_bytes(film()))],
        "jpeg 2000": [Upload("a", as_bytes(compressed))],
        "rle": [Upload("a", as_bytes(rle))],
        "waveform": [Upload("a", as_bytes(dataset(TWELVE_LEAD, Modality="ECG", WaveformSequence=[group])))],
        "png": [Upload("a", picture.getvalue())],
        "jpeg": [Upload("a", jpeg.getvalue())],
        "table": [Upload("a", table.encode())],
        "edf": [Upload("a", edf.to_bytes())],
        "wfdb header": [
            next(u for u in record if u.name.endswith("hea")),
            next(u for u in record if u.name.endswith("dat")),
        ],
        "wfdb signal": sorted(record, key=lambda u: u.name),
        "wfdb flac": sorted(flac, key=lambda u: u.name),
        "zip": [Upload("a", zipped({u.name: u.data for u in record}))],
    }


KINDS = (
    "dicom",
    "jpeg 2000",
    "rle",
    "waveform",
    "png",
    "jpeg",
    "table",
    "edf",
    "wfdb header",
    "wfdb signal",
    "wfdb flac",
    "zip",
)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_ends_in_a_sentence_or_a_valid_study(kind: str, tmp_path: Path) -> None:
    first, *rest = valid(tmp_path)[kind]
    assert isinstance(read([first, *rest]), Study)
    outcomes = [
        outcome([Upload(first.name, data), *rest]) for data in damaged(first.data, np.random.default_rng(len(kind)))
    ]
    refused = [item for item in outcomes if isinstance(item, str)]
    assert refused
    assert all(message.endswith(".") and "\n" not in message for message in refused)
    assert all(item.fingerprint for item in outcomes if isinstance(item, Study))
