"""Every SQL statement stands in engine/store; links to PostgreSQL and a peer of the bench alone speak their own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "engine" / "store"
# A statement of DuckDB that is timed as a peer of our scan, over codes that are in no workspace.
PEERS = {ROOT / "engine" / "bench" / "search" / "engines.py"}
POSTGRESQL = {ROOT / "engine" / "backends" / "cluster" / name for name in ("server_link.py", "table.py")}
STATEMENT = re.compile(r"\bSELECT\b.*\bFROM\b|\bINSERT\s+INTO\b|\bUPDATE\s+\S+\s+SET\b|\bDELETE\s+FROM\b", re.DOTALL)


def statements(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the start of every string in the code that holds an SQL statement; docstrings are prose."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in prose or id(node) in parts:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if STATEMENT.search(text):
            yield node.lineno, " ".join(text.split())[:60]


def test_no_sql_outside_the_store() -> None:
    files = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("pages/**/*.py"), ROOT / "app.py", ROOT / "serve.py"]
    found = [
        f"{file.relative_to(ROOT)}:{line} {text}"
        for file in sorted(files)
        if STORE not in file.parents and file not in POSTGRESQL | PEERS
        for line, text in statements(file.read_text("utf-8"))
    ]
    assert found == [], "move these statements to engine/store"


@pytest.mark.parametrize(
    "code",
    [
        'q = "SELECT a FROM b"',
        "q = ('SELECT a '\n 'FROM b')",
        'q = f"SELECT {a} FROM {b}"',
        'run("WITH x AS (SELECT a FROM b) TABLE x")',
        'run("INSERT INTO a VALUES (?)")',
        'run(f"UPDATE {table} SET a = 1")',
        'run("DELETE FROM a")',
    ],
)
def test_a_statement_is_found(code: str) -> None:
    assert len(list(statements(code))) == 1


@pytest.mark.parametrize(
    "code",
    ['"""SELECT a FROM b is how it reads."""', "def f():\n    '''Runs DELETE FROM a.'''", 'text = "Select a case."'],
)
def test_prose_is_none(code: str) -> None:
    assert list(statements(code)) == []
