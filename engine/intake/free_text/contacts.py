"""Where somebody is reached: mail, the web, telephones, streets, towns and houses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.intake.free_text.spans import CAPITALISED, Span, any_of, everywhere

_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)\S+[\w/]")
_CALLED = any_of(
    *(
        r"tel(?:ephone|efon|éfono|\.?(?:-?nr)?)?",
        r"tél(?:éphone)?",
        r"phone",
        r"ph",
        r"fax",
        r"mobile?",
        r"móvil",
        r"cell",
    ),
    *(
        r"handy",
        r"pager",
        r"ext(?:ension)?",
        r"dect",
        r"durchwahl",
        r"rufnummer",
        r"portable",
        r"(?:page|bleep)(?=\s\d)",
    ),
)
_DIGITS = r"\+?\(?\d[\d()/. -]{2,20}\d"
_LABELLED = re.compile(rf"\b(?i:{_CALLED})(?:\.|\b)[\s.:]{{0,3}}(?:(?i:nr|no|number|nummer)\.?\s)?(?P<it>{_DIGITS})")
_PHONES = re.compile(
    r"(?<![\w.,/+-])(?:"
    r"\+\d{1,3}(?:[ ()./-]{0,2}\d{2,6}){2,6}"
    r"|\(?0\d{2,5}\)?\s?[ /-]\s?\d{3,}(?:[ -]\d{2,})*"
    r"|\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}"
    r"|0\d(?:[ .]\d{2}){4}|(?:(?<=at )|(?<=on )|(?<=call ))[2-9]\d{2}-\d{4}"
    r"|[679]\d{2}[ .-]\d{3}[ .-]\d{3}|[679]\d{2}(?:[ .-]\d{2}){3}"
    r")(?![\w/]|[.,]\d)"
)
_TOWN = rf"{CAPITALISED}(?:[ -](?:(?:am|an der|sur|de|del|la|le)[ -])?{CAPITALISED}){{0,2}}"
_POST = rf"(?:,?\s+(?:[A-Z]{{1,2}}-)?\d{{5}}\s{_TOWN}|,\s{_TOWN},?\s[A-Z]{{2}}\s\d{{5}}(?:-\d{{4}})?)?"
_STREETS = (
    rf"\d{{1,5}}\s(?:{CAPITALISED}\s){{1,3}}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Boulevard|Blvd|Court|Way|Place"
    r"|Square|Terrace|Close|Crescent|Row|Mews)\b\.?",
    rf"(?:{CAPITALISED}[ -]){{0,2}}[A-ZÄÖÜ][a-zäöüß-]*(?:straße|strasse|str\.|weg|platz|gasse|allee|damm|ufer)"
    r"\s\d+\s?[a-z]?\b",
    rf"{CAPITALISED}(?:er|e)\s(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Ring)\s\d+\s?[a-z]?\b",
    r"(?i:\b(?:calle|c/|avenida|avda\.?|plaza|paseo|camino|ronda|carretera))\s(?:(?:de|del|la|las|los|el)\s)*"
    rf"{CAPITALISED}(?:\s(?:(?:de|del|la)\s)?{CAPITALISED}){{0,3}},?\s(?:n[º.°]\s?)?\d+",
    r"\d{1,4}(?:\s(?:bis|ter))?,?\s(?:rue|avenue|av\.|boulevard|bd|place|allée|impasse|chemin|quai|route|cours|square)\s"
    rf"(?:(?:de|du|des|la|les)\s|d['’]|l['’])*{CAPITALISED}(?:[ -]{CAPITALISED}){{0,3}}",
)
_HOUSE = (
    r"(?:Hospital|Hôpital|Hopital|Clinique|Clínica|Klinikum|Klinik|Krankenhaus|Spital|Universitätsklinikum|CHU|CHRU)"
)
_HOUSES = (
    rf"(?:(?:{CAPITALISED}|St\.)['’]?s?\s){{1,3}}(?:Hospital|Medical Cent(?:er|re)|Infirmary|Clinic)\b",
    rf"\b{_HOUSE}\s(?:(?:de|du|des|del|la|las|los|le|am|an der|zum)\s|d['’]|l['’])*{CAPITALISED}"
    rf"(?:[ -](?:(?:de|del|la|du|des)\s)*{CAPITALISED}){{0,3}}",
)
_LIVES = re.compile(
    r"\b(?i:lives in|living in|resident of|wohnhaft in|wohnt in|lebt in|domiciliée? à|habite(?:nt)? à|vive en"
    rf"|residente en)\s(?P<it>{_TOWN})"
)
_ADDRESSES = re.compile(rf"(?<!\w)(?:(?:{'|'.join(_STREETS)}){_POST}|{'|'.join(_HOUSES)})")
_POSTCODES = re.compile(r"\b(?!(?:[TVCL]\d))[A-Z]{1,2}\d[A-Z\d]?\s\d[ABD-HJLNP-UW-Z]{2}\b|\b[A-Z]{2}\s\d{5}-\d{4}\b")


def mails(text: str) -> Iterator[Span]:
    """Yield addresses of mail and of the web."""
    yield from everywhere(_MAIL, text)


def labelled_phones(text: str) -> Iterator[Span]:
    """Yield the numbers that are said to be a telephone's."""
    yield from everywhere(_LABELLED, text)


def phones(text: str) -> Iterator[Span]:
    """Yield the numbers that are written as a telephone's are."""
    yield from everywhere(_PHONES, text)


def addresses(text: str) -> Iterator[Span]:
    """Yield streets with their towns, towns in which somebody lives, and hospitals by name."""
    yield from everywhere(_ADDRESSES, text)
    yield from everywhere(_LIVES, text)
    yield from everywhere(_POSTCODES, text)
