"""Every CSV that the product writes comes from one function, which no spreadsheet takes for formulas."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.plain_text import cell, csv_text, escape_protected, unescape_cell

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "engine" / "plain_text.py"
WRITERS = {"writer", "DictWriter", "to_csv", "savetxt", "write_csv"}


def writers(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every use of a writer of CSV."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in WRITERS:
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == "csv":
            yield from ((node.lineno, name.name) for name in node.names if name.name in WRITERS)


def test_one_function_writes_every_csv() -> None:
    files = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("pages/**/*.py"), ROOT / "app.py", ROOT / "serve.py"]
    found = [
        f"{file.relative_to(ROOT)}:{line} {name}"
        for file in sorted(files)
        if file != HOME
        for line, name in writers(file.read_text("utf-8"))
    ]
    assert found == [], "write these with engine.plain_text.csv_text"


@pytest.mark.parametrize("code", ["csv.writer(f)", "csv.DictWriter(f, n)", "t.to_csv(p)", "from csv import writer"])
def test_a_writer_is_found(code: str) -> None:
    assert len(list(writers(code))) == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d", "\uff20"])
def test_no_cell_begins_as_a_formula_does(start: str) -> None:
    words = f"{start}SUM(1)"
    assert cell(words) == f"'{words}"
    assert csv_text(["a", words], [[1, words]]).count("'") == 2
    assert unescape_cell(cell(words)) == words
    assert unescape_cell(cell(escape_protected(f"'{words}"))) == f"'{words}"


def test_numbers_stay_numbers() -> None:
    import numpy as np

    assert [cell(value) for value in (-1, -0.5, np.int64(-3), np.float32(-0.25), True, None)] == [
        "-1",
        "-0.5",
        "-3",
        "-0.25",
        "true",
        "",
    ]
