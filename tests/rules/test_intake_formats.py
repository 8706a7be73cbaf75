"""The table of file formats: every row is complete, works, and is named wherever the readable formats are listed."""

from __future__ import annotations

import importlib
import re
import tomllib

import pytest

from engine.errors import IntakeError
from engine.intake import Upload, read
from engine.intake.formats import FORMATS, READABLE, Format, file_suffix, refusal
from engine.settings import ROOT
from engine.strings import text

UNREAD = [row for row in FORMATS if not row.reader]


def names(row: Format) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(row.name)}\b")


def test_every_kind_has_one_row_and_the_last_takes_everything() -> None:
    assert len({row.kind for row in FORMATS}) == len(FORMATS)
    assert FORMATS[-1].kind == "binary"


@pytest.mark.parametrize("row", READABLE.values(), ids=lambda row: row.kind)
def test_a_readable_format_has_its_functions_its_package_and_its_suffixes(row: Format) -> None:
    for named in filter(None, (row.reader, row.parts, row.companion)):
        module, _, function = named.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [lines for extra, lines in project["optional-dependencies"].items() if extra != "test"]
    required = {re.split(r"[^\w.-]", line)[0] for lines in (project["dependencies"], *extras) for line in lines}
    assert not row.package or row.package in required
    assert row.suffixes
    assert not row.refusal


@pytest.mark.parametrize("row", READABLE.values(), ids=lambda row: row.kind)
def test_documents_search_field_and_refusals_name_it(row: Format) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    documented = re.findall(r"^\| Formats \|.*$", "\n".join(page.read_text("utf-8") for page in pages), re.MULTILINE)
    assert any(names(row).search(line) for line in documented), f"no row “Formats” of the documents names {row.name}"
    assert names(row).search(text("search.drop_help")), f"search.drop_help does not name {row.name}"
    assert names(row).search(str(refusal(Upload("a", b"hello"), "text")))
    with pytest.raises(IntakeError) as caught:
        read([Upload("a.txt", b"hello"), Upload("b.pdf", b"%PDF")])
    assert names(row).search(str(caught.value))


@pytest.mark.parametrize("row", UNREAD, ids=lambda row: row.kind)
def test_a_format_that_is_not_read_says_so_in_one_sentence(row: Format) -> None:
    said = str(refusal(Upload("file", b""), row.kind))
    assert said.endswith(".")
    assert "{" not in said
    assert 40 < len(said) < 300


def test_a_word_with_the_suffix_of_any_format_is_a_file_name() -> None:
    for suffix in (suffix for row in FORMATS for suffix in row.suffixes):
        assert file_suffix().search(f"a.{suffix.upper()}")
    assert not file_suffix().search("pleural effusion")
    assert not file_suffix().search("no acute process.")
