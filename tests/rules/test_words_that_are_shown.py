"""Sentences of the engine may quote what somebody gave, so a page shows them by `said` (pages.shared.markdown)."""

from __future__ import annotations

import ast
import re

import pytest

from engine.settings import ROOT
from pages.shared.markdown import escaped, said

DRAWN = {"error", "warning", "info", "success", "toast", "markdown"}  # of Streamlit, which read Markdown
PAGES = sorted([*(ROOT / "pages").rglob("*.py"), ROOT / "app.py"])
HOSTILE = "[Sign in](https://evil.example) ![x](//a/x) <b>b</b> HTTP://evil.example www.evil.example a@evil.example"
READ = re.compile(r"(?<!\\)[\[<]|https?://|www\.|\w@\w", re.IGNORECASE)  # as GitHub's Markdown reads them


def handed_on(node: ast.AST) -> bool:
    """Say whether a call draws, or keeps for the next drawing, what `spoken` returns, as it is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DRAWN:
        return any(is_spoken(one) for one in node.args)
    if isinstance(node, ast.Assign) and "session_state" in ast.dump(node.targets[0]):
        return is_spoken(node.value)
    return False


def is_spoken(node: ast.expr) -> bool:
    """Say whether an expression is what `spoken` returns, or an f-string with it."""
    if isinstance(node, ast.JoinedStr):
        return any(is_spoken(one.value) for one in node.values if isinstance(one, ast.FormattedValue))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "spoken"


def test_no_page_draws_a_sentence_with_what_it_quotes_as_markdown():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in PAGES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if handed_on(node)
    ]
    assert found == []


@pytest.mark.parametrize("safe", [said, escaped])
def test_nothing_that_is_quoted_stays_an_address_or_a_mark(safe):
    made = safe(f"There is no study {HOSTILE}: take an id from a search.")
    assert READ.search(HOSTILE) and not READ.search(made) and made.startswith("There is no study")


def test_what_a_sentence_names_as_code_stays_code():
    assert said("There is no workspace: run `casebind demo`.") == "There is no workspace: run `casebind demo`."
