"""Numbers that stand for one person: of a hospital, an insurance, a state."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.intake.free_text.spans import Span, any_of, everywhere

FEWEST = 3  # digits of a person's number
_NUMBER_OF = r"(?:\s?(?:nos?|numbers?|nr|nummer|num|núm|n[º°o]|ids?|#|code)(?:\b|(?<=[º°#]))\.?)"
_LABELS = any_of(
    *(r"MRN", r"MR#", r"medical record", r"chart", r"patient'?s?(?=\s?(?:ids?|no|num|#))", r"pat\.?-?(?=\s?(?:nr|id))"),
    *(r"accession", r"acc(?=[ .:#])", r"order", r"account", r"encounter", r"visit", r"case(?=\s(?:no|num|id))", r"NHS"),
    *(r"SSN", r"social security", r"insurance", r"policy", r"passport", r"study\s(?=id)", r"request\s(?=no|num|id)"),
    *(r"patienten-?(?=nummer|nr|id)", r"fall-?(?=nummer|nr)", r"aufnahme-?(?=nummer|nr)", r"röntgen-?(?=nummer|nr)"),
    *(r"auftrags-?(?=nummer|nr)", r"versicherten-?(?=nummer|nr)", r"kranken(?:kassen|versicherungs)-?(?=nummer|nr)"),
    *(r"KVNR", r"dossier(?=\s?(?:n|:))", r"n(?:uméro|[°o])\s(?:de |d')(?:dossier|patient|accession|sécurité sociale)"),
    *(r"IPP", r"NIP", r"NIR", r"NHC", r"historia(?:\sclínica)?", r"n(?:úmero|[º°o]\.?)\sde\s(?:historia|expediente)"),
    *(r"expediente", r"episodio", r"DNI", r"NIE", r"NUSS", r"CIP", r"serial"),
)
_VALUE = r"(?=[A-Z/.-]{0,6}\s?\d)[A-Z]{0,6}[- ]?\d[\dA-Z]*(?:[-./ ](?=\d)[\dA-Z]+|-[A-Z]\b|-\d+)*"
_LABELLED = re.compile(rf"(?<!\w)(?i:{_LABELS}){_NUMBER_OF.replace('(?:', '(?i:', 1)}?[\s:#=]{{0,3}}(?P<it>{_VALUE})")
_SHAPED = re.compile(
    r"(?<![\w.,/-])(?:"
    r"\d{3}-\d{2}-\d{4}"  # social security, United States
    r"|[1-4]\s?\d{2}\s?(?:0[1-9]|1[0-2])\s?\d{2}\s?\d{3}\s?\d{3}(?:\s?\d{2})?"  # the same of France
    r"|\d{8}-?[A-HJ-NP-TV-Z]|[XYZ]-?\d{7}-?[A-Z]"  # identity of Spain
    r"|[A-Z]\d{9}"  # insurance of Germany
    r"|[A-Z]{2,5}-?\d{2,4}[-/]\d{4,}|[A-Z]{2,5}-?\d{6,}|[A-Z]{1,3}-\d{5,}"  # of departments
    r")(?![\w/-]|[.,]\d)"
)
_LONG = re.compile(r"(?<![\w.,/+-])\d{7,}(?![\w/-]|[.,]\d)")


def labelled(text: str) -> Iterator[Span]:
    """Yield the numbers that are said to be one of a person's."""
    yield from (
        (start, end) for start, end in everywhere(_LABELLED, text) if sum(map(str.isdigit, text[start:end])) >= FEWEST
    )


def shaped(text: str) -> Iterator[Span]:
    """Yield the numbers that are written as a person's are."""
    yield from everywhere(_SHAPED, text)


def long(text: str) -> Iterator[Span]:
    """Yield numbers of more digits than a measure has."""
    yield from everywhere(_LONG, text)
