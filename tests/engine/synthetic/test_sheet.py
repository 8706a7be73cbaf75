"""Contact sheets: films by label with the outlines of that label, drawn with and without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.workspaces import write_table
from PIL import Image

from engine.errors import UsageError
from engine.reference import ReferenceFinding, to_text
from engine.synthetic.sheet import draw_sheet, films_by_label

OUTLINE = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8))


def test_a_sheet_shows_the_outlines_of_the_label_of_its_row(tmp_path: Path) -> None:
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(tmp_path / "a.png")
    cell = to_text([ReferenceFinding("Edema", polygons=(OUTLINE,)), ReferenceFinding("", "side marker")])
    film = {"file": "a.png", "modality": "cxr", "labels": "Edema;Pneumonia", "reference_findings": cell}
    write_table(tmp_path / "manifest.csv", [film])
    found = films_by_label(tmp_path, 2)
    assert found["Edema"][0].outlines == (OUTLINE,) and found["Pneumonia"][0].outlines == ()
    colours = []
    for outlined in (False, True):
        draw_sheet(tmp_path, tmp_path / "sheet.png", 1, outlined=outlined)
        pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
        colours.append(int((np.ptp(pixels, axis=2) > 100).sum()))
    assert colours[0] == 0 < colours[1]  # a sheet without outlines is grey
    with pytest.raises(UsageError, match="no cohort with films"):
        films_by_label(tmp_path / "none", 1)
