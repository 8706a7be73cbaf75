"""Every row of a table that a screen shows has its words; a missing one would be an error on the page."""

from __future__ import annotations

import pytest

from engine.commands.export import command as export_command
from engine.learning.strategies import STRATEGIES
from engine.modalities import MODALITIES
from engine.report.writers import APPENDICES, WRITERS, Writer
from engine.settings import ROOT
from engine.strings import text
from pages.review.home import QUEUES

MODALITY_SECTIONS = ("modality", "modality_one", "modality_plain", "modality_plains", "icon")


@pytest.mark.parametrize("section", MODALITY_SECTIONS)
def test_every_modality_has_its_words(section: str) -> None:
    for modality in MODALITIES:
        assert text(f"{section}.{modality}").strip()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_has_its_words(strategy: str) -> None:
    for key in ("strategy", "about", "offered"):
        assert text(f"review.{key}_{strategy}").strip()


def test_every_strategy_is_offered_on_the_page() -> None:
    assert set(STRATEGIES) <= set(QUEUES)


@pytest.mark.parametrize("writer", WRITERS.values(), ids=lambda writer: writer.name)
def test_every_export_format_has_its_words_and_is_documented(writer: Writer) -> None:
    assert text(f"export.{writer.name}").strip()
    assert text(f"export.{writer.name}_help").strip()
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("casebind export QUERY_ID --format ")]
    assert writer.name in line.split()[4].split("|")


def test_every_layout_of_the_appendix_has_its_words() -> None:
    for layout in ("none", *APPENDICES):
        assert text(f"export.appendix_{layout}").strip()


def test_the_command_offers_every_export_format() -> None:
    (option,) = [option for option in export_command.params if option.name == "format_"]
    assert list(option.type.choices) == list(WRITERS)  # type: ignore[attr-defined]
