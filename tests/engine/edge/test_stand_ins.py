"""What takes the place of pandas on a device reads as it does; for filters see test_filtering.py."""

from __future__ import annotations

import numpy as np
import pytest
from casebind_edge.stand_ins import table_cells as device_cells

from engine.errors import IntakeError
from engine.intake import table_cells
from engine.intake.table_numbers import NumberStyle


@pytest.fixture(autouse=True)
def by_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the hospital read all tables by pandas, the small ones too."""
    monkeypatch.setattr(table_cells, "FEW_ROWS", 0)


PLAIN = NumberStyle()
GERMAN = NumberStyle(",", ".")
ROWS = {
    "numbers": ["1,2.5,-3e-2", "4, 5,6", "+7,.8,9."],
    "words": ["1,2,x", "na,,3", "4,-,NaN"],
    "a delimiter at the end": ["1,2,3,", "4,5,6,"],
    "the last row cut off": ["1,2,3", "4,5"],
}
STAMPS = [
    ["2024-05-01 10:00:00.5", "2024-05-01 10:00:01", "2024-05-02 00:00:00.25"],
    ["2024-05-01T10:00:00Z", "2024-05-01T10:00:00.008+00:00"],
    ["2024-05-01T10:00:00+02:00", "2024-05-01T09:00:00+01:00"],
    ["0 days 00:00:00", "0 days 00:00:01.5", "1 days 02:00:00.25"],
]


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_cells_of_a_table_are_those_of_pandas(rows: list[str]) -> None:
    width, used = rows[0].count(",") + 1, [2, 0, 1]
    wanted = table_cells.plain_cells(rows, ",", width, used)
    found = device_cells.plain_cells(rows, ",", width, used)
    for i in used:
        np.testing.assert_array_equal(_values(found[i], device_cells), _values(wanted[i], table_cells), str(i))


def _values(cells: object, by: object) -> np.ndarray:
    return cells if isinstance(cells, np.ndarray) else by.numbers(cells, PLAIN)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cells", "style"),
    [
        (["1", " 2.5", "-3e2", "", "nan", "n/a", "x", "inf", "1.#QNAN"], PLAIN),
        (["1.234,5", "0,25", "-7", "#N/A", "12.000"], GERMAN),
        (["1 234.5", "2"], NumberStyle(".", " ")),
    ],
)
def test_numbers_are_those_of_pandas(cells: list[str], style: NumberStyle) -> None:
    np.testing.assert_array_equal(device_cells.numbers(cells, style), table_cells.numbers(cells, style))
    for by in (device_cells, table_cells):
        with pytest.raises(IntakeError, match="neither a number nor empty"):
            by.numbers([*cells, "1.2.3x"], style)


@pytest.mark.parametrize("stamps", STAMPS)
def test_stamps_are_those_of_pandas(stamps: list[str]) -> None:
    found, wanted = device_cells.since_first(stamps), table_cells.since_first(stamps)
    np.testing.assert_allclose(found - found[0], wanted - wanted[0], rtol=0, atol=1e-9)
    assert np.isnan(device_cells.since_first([*stamps, "soon"])).any()


@pytest.mark.parametrize("cells", [["1", "-2.5 ", "+3e-2", ".5", "7."], ["1", "x"], ["1", ""], ["inf", "1"]])
def test_few_numbers_are_read_without_pandas_as_by_it(cells: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{cell};{i}" for i, cell in enumerate(cells)]
    wanted = table_cells.numbers(cells, PLAIN), table_cells.plain_cells(rows, ";", 2, [0, 1])
    monkeypatch.setattr(table_cells, "FEW_ROWS", 100)
    np.testing.assert_array_equal(table_cells.numbers(cells, PLAIN), wanted[0])
    found = table_cells.plain_cells(rows, ";", 2, [0, 1])
    for i in (0, 1):
        np.testing.assert_array_equal(_values(found[i], table_cells), _values(wanted[1][i], table_cells))
