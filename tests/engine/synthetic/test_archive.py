"""Studies of the cohort as DICOM objects are read back as they were, under a patient, a visit and an accession."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.hospital.header import header_of
from engine.intake.limited import read_limited
from engine.intake.paths import read_paths
from engine.intake.upload import Upload
from engine.settings import DEMO
from engine.synthetic.archive import MICROVOLT, as_file, cohort_objects


def test_a_film_and_an_ecg_are_read_back_as_they_were() -> None:
    ecg, film = (as_file(one) for one in cohort_objects(DEMO, 2))
    found = read_limited([Upload("a.dcm", ecg)], key=b"k").trace
    first = sorted((DEMO / "ecg").glob("*.hea"))[0].stem.removesuffix("-ecg")
    drawn = read_paths([DEMO / "ecg" / f"{first}-ecg.hea"]).trace
    assert found.leads == drawn.leads and found.fs == drawn.fs and found.units == "mV"
    assert np.nanmax(np.abs(found.samples - drawn.samples)) <= MICROVOLT / 1000
    pixels = read_paths([DEMO / "cxr" / f"{first}-cxr.jpg"]).film.pixels
    assert np.array_equal(read_limited([Upload("b.dcm", film)], key=b"k").film.pixels, pixels)


def test_film_and_ecg_of_a_visit_have_one_patient_and_one_visit_and_no_two_objects_one_number(tmp_path: Path) -> None:
    headers, numbers = [], set()
    for number, one in enumerate(cohort_objects(DEMO, 4)):
        file = tmp_path / f"{number}.dcm"
        file.write_bytes(as_file(one))
        header = header_of(file, b"k")
        assert header is not None
        headers.append(header)
        numbers.add(one.SOPInstanceUID)
    keys = [(one.patient_key, one.visit) for one in headers]
    assert keys[0] == keys[1] != keys[2] == keys[3] and len(numbers) == 4
