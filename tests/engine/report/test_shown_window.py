"""The window that a reader set on a film, as the archive's viewer shows it: by stored values, whatever its header."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers.archive_objects import chest_film
from helpers.recording_files import as_bytes, chest, film
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from engine.actor import single_user
from engine.intake import Upload, read
from engine.report.dicom.back import objects_for
from engine.report.export import export
from engine.report.report import Report
from engine.report.shown_window import ShownFilm, ShownWindow, shown_film
from engine.report.writers import ExportRequest

WINDOW = ShownWindow(30, 190)
NAMED = {"PatientID": "H00001", "StudyInstanceUID": "1.2.3.4", "StudyDate": "20250301", "StudyTime": "0800"}
FILMS = {
    "8 bits": chest_film(1),
    "12 bits, inverse, rescaled": film(
        chest(bits=12), bits=12, PhotometricInterpretation="MONOCHROME1", RescaleSlope=2, RescaleIntercept=-100, **NAMED
    ),
    "windowed": film(chest(bits=12), bits=12, WindowCenter=1500, WindowWidth=1200, **NAMED),
}


def sent(place, ask, header: Dataset, study, shown: ShownFilm | None) -> Dataset | None:
    """Return the presentation state among the objects that would be sent."""
    made: list[Dataset] = []

    def write(report: Report, _: ExportRequest) -> bytes:
        made[:] = objects_for(report, header, shown)
        return b""

    export(place, None, ask(study, keep=1), ExportRequest("dicom", ()), actor=single_user(), write=write)
    return next((one for one in made if one.Modality == "PR"), None)


def applied(state: Dataset, stored: np.ndarray) -> np.ndarray:
    """Return how bright stored values are shown by a presentation state, 0 … 1, as PS3.4 N.2 orders its tables."""
    (table,) = state.SoftcopyVOILUTSequence[0].VOILUTSequence
    entries, first, bits = table.LUTDescriptor
    values = np.asarray(table.LUTData, np.float64) if not isinstance(table.LUTData, bytes) else (
        np.frombuffer(table.LUTData, "<u2").astype(np.float64)
    )  # fmt: skip
    assert len(values) == (entries or 2**16) and bits == 16
    out = values[np.clip(stored.astype(int) - first, 0, len(values) - 1)] / (2**16 - 1)
    return 1 - out if state.PresentationLUTShape == "INVERSE" else out


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("name", FILMS)
def test_the_archives_viewer_shows_what_was_seen_here(place, ask, tmp_path: Path, name: str, inverted: bool) -> None:
    data = as_bytes(FILMS[name])
    study, header = read([Upload("film.dcm", data)]), dcmread(io.BytesIO(data))
    stored, top = header.pixel_array, 2**study.film.bits - 1
    window = ShownWindow(0.2 * top, 0.7 * top, inverted)
    shown = shown_film(window, stored, study.film.pixels)
    assert shown is not None
    del header.PixelData
    state = sent(place, ask, header, study, shown)
    assert state is not None and "GraphicAnnotationSequence" not in state and "GraphicLayerSequence" not in state
    seen = window.brightness(study.film.pixels)
    np.testing.assert_allclose(applied(state, stored), seen, atol=1e-4)
    assert 0 < (seen == 0).mean() < 1 and 0 < (seen == 1).mean() < 1  # something is cut at either end
    if shutil.which("dcmpschk"):
        whole = FileDataset("state.dcm", state, file_meta=state.file_meta, preamble=b"\0" * 128)
        whole.save_as(tmp_path / "state.dcm", enforce_file_format=True)
        checked = subprocess.run(["dcmpschk", str(tmp_path / "state.dcm")], capture_output=True, text=True, timeout=120)
        assert "Test passed" in checked.stderr, checked.stderr


def test_without_a_window_and_a_drawing_there_is_no_state(place, ask) -> None:
    data = as_bytes(FILMS["8 bits"])
    header = dcmread(io.BytesIO(data))
    del header.PixelData
    assert sent(place, ask, header, read([Upload("film.dcm", data)]), None) is None


def test_what_does_not_follow_from_stored_values_is_left_out() -> None:
    stored = np.array([[0, 1], [2, 2]], np.uint16)
    assert shown_film(WINDOW, stored, np.array([[0, 9], [8, 7]])) is None  # 2 was read as 8 and as 7
    assert shown_film(WINDOW, stored, np.zeros((4, 4))) is None
    assert shown_film(WINDOW, stored.astype(int) - 1, stored) is None
    found = shown_film(WINDOW, np.array([[3, 7]]), np.array([[10, 50]]))
    assert found is not None and found.first == 3 and list(found.greys) == [10, 20, 30, 40, 50]
