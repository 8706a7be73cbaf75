"""Claims that nobody may make about Casebind stand in no page, document, report or description of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.settings import ROOT

SHOWN = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("assets/strings/*.toml"),
        *ROOT.glob("assets/sentences/*.toml"),
        *ROOT.glob("engine/transparency/*.toml"),
        ROOT / "assets" / "model_card.toml",
        ROOT / "pyproject.toml",
    ]
)
LIST = "## Words that may not be used about Casebind"  # of docs/regulation.md, where they are named
CLAIMS = re.compile(
    r"""
    \bFDA[- ](?:cleared|approved) | \bCE[- ](?:marked|mark\b|certified) | \bCE-(?:gekennzeichnet|Kennzeichnung)
    | \bmarcado\ CE | \bmarquage\ CE | \bclinically\ (?:validated|proven) | klinisch\ validiert
    | validad[oa]\ clínicamente | validée?\ cliniquement | \bproven\ in\ practice
    | \b(?:AI\ Act|MDR|HIPAA|GDPR|DSGVO|RGPD)[- ](?:compliant|conform\w*|konform) | \b(?:compliant|conformant)\ with\b
    | \bcertified\ (?:as|by|software|energy|device) | \bsecond\ opinion | \bZweitmeinung | \bsegunda\ opinión
    | \bsecond\ avis | \bscreening\ tool | \b(?:un|non-)biased\b | \bbias-free | \bvorurteilsfrei | \bsin\ sesgos\b
    | \bsont?\ sans\ biais\b | \bcarbon[- ]neutral | \bklimaneutral | \bneutr[oe]\ en\ carbon[oe]
    | \bshows\ where\ the\ finding\ is
    """,
    re.IGNORECASE | re.VERBOSE,
)
FORBIDDEN = (
    "Casebind is FDA-cleared.",
    "CE-marked since spring",
    "It is clinically validated.",
    "an AI Act compliant product",
    "a second opinion for radiologists",
    "unbiased retrieval",
    "carbon-neutral search",
    "klinisch validiert",
)
ALLOWED = ("It has not been assessed as a medical device.", "erased from every file, with a certificate", "biased")


def without_the_list(path: Path) -> str:
    """Return a document's words, the list of forbidden ones left out."""
    before, _, after = path.read_text(encoding="utf-8").partition(LIST)
    return before + "".join(re.split(r"(?m)^(?=## )", after)[1:])


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_claim_is_made(path: Path) -> None:
    found = CLAIMS.search(without_the_list(path))
    assert found is None, f"{path.relative_to(ROOT)} says {found.group()!r}: see docs/regulation.md"


@pytest.mark.parametrize("said", FORBIDDEN)
def test_the_rule_finds_a_claim(said: str) -> None:
    assert CLAIMS.search(said)


@pytest.mark.parametrize("said", ALLOWED)
def test_the_rule_lets_honest_words_pass(said: str) -> None:
    assert CLAIMS.search(said) is None


def test_the_document_names_what_the_rule_forbids() -> None:
    document = (ROOT / "docs" / "regulation.md").read_text(encoding="utf-8")
    listed = document.partition(LIST)[2]
    for said in ("FDA-cleared", "CE-marked", "clinically validated", "second opinion", "unbiased", "carbon-neutral"):
        assert said in listed and CLAIMS.search(said)
