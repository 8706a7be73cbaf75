"""What the lines above a table state: sampling rate, lead, unit, names of columns; nothing else is taken of them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

from engine.intake.labels import read_label
from engine.intake.units import scale_of

PLAUSIBLE_HZ = (10.0, 20_000.0)
_SAME_RATE = 0.005
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?(?:/\d+(?![\d./]))?", re.IGNORECASE)  # or "1/500"
_UNIT = re.compile(
    r"""^\s*[\])"']?\s*(?:
        (?P<khz>khz|kilohertz|ksps|ks/s)
      | (?P<hz>hz|hertz|sps|s/s|samples?\s*(?:/|per)\s*s(?:ec(?:ond)?s?)?|1/s|s\^?-1|smp/s)
      | (?P<per>(?:s|sec|seconds?|ms|msec|milliseconds?|us|usec|microseconds?|ns)\s*(?:/|per)\s*sample)
      | (?P<ns>ns|nanosec\w*) | (?P<us>us|μs|usec\w*|microsec\w*) | (?P<ms>ms|msec\w*|millisec\w*)
      | (?P<s>s|secs?|seconds?|sekunden?)
      | (?P<passed>bpm|beats?/min|/?min|%|mmHg|mm\S*|mv|μv|uv|bits?|db|years?|kg|cm|samples?)
      | (?P<other>[a-zμ%°][\w/%°]*)
    )(?![a-z])""",
    re.IGNORECASE | re.VERBOSE,
)
_KEY_UNIT = re.compile(r"(?:[(\[]\s*|(?<!per)[_ ]|\bin )(khz|hz|hertz|ms|msec|us|μs|ns|s|sec|seconds?)\s*[)\]]?\W*$")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
# What else has a rate or a frequency: hearts, filters, breathing, other sensors, screens, links, earlier versions.
_OTHER_RATES = re.compile(
    r"heart|\bhr\b|\bpr\b|bpm|beats?\b|ventric|atrial|filter|notch|\blow|\bhigh|pass\b|cut.?off|corner|band|mains|"
    r"power.?line|\bline freq|hum\b|resp|breath|\bacc|gyro|magn|temp|\beda\b|\bgsr\b|\beeg\b|\bemg\b|\bimu\b|display|"
    r"screen|refresh|baud|origin|nyquist|pulse rate|pulse freq|puls\b|frame|sweep|paper|nibp|\bmax|\bmin\b|herz|"
    r"over.?sampl|up.?sampl"
)
_RATE_KEY = re.compile(
    r"sampl\w*[ -]*(?:rate|freq\w*|f\b)|sampl\w* (?:at|with)\W*$|(?:rate|freq\w*) (?:of )?(?:the )?sampl\w*|\bs?fs\b|"
    r"\bf ?s\b|\bfsamp\w*|\bsfreq\b|\bsps\b|samples? ?(?:per|/) ?s(?:ec(?:ond)?s?)?\b|abtast\w*|"
    r"echantillonn\w*|muestreo|amostragem|campionamento"
)
_RATE_KEY_WITH_HZ = re.compile(  # said of much else too, so that only a number in Hz counts
    r"\bsampling\W*$|\bs[rf]\b|(?:acquisition|recording|digiti[sz]\w*|data|adc) (?:rate|freq\w*)"
)
_INTERVAL_KEY = re.compile(
    r"(?:sampl\w*|time|acquisition|scan)[ -]*(?:resolution|interval|period|step|spacing|increment|distance)|"
    r"^\W*interval\b|\bdt\b|\bdelta ?t\b|abtastintervall"
)
_BARE_KEY = re.compile(r"^\W*(?:frequency|freq|frequenz|rate|hz)\W*(?:\(?hz\)?)?\W*$")
_BARE_HZ = 100.0  # a bare "frequency" below may be mains, a filter or a heart
_KEYED = re.compile(
    r"^\W*(?:(?:amplitude|signal|ecg|ppg|y)[ _-])?"
    r"(leads?|units?|channels?|labels?|signals?|column names|columns?|einheit|kanal|ableitung)\W*[,;:=\t]+\W*(.+)$",
    re.IGNORECASE,
)


def is_keyed(line: str) -> bool:
    """Return whether a line is such as "Unit,µV" or "Lead: II"."""
    return _KEYED.match(line) is not None


def stated_rates(notes: Sequence[str]) -> list[float]:
    """Return the different sampling rates that the lines state, Hz; none where they state none."""
    rates: list[float] = []
    for rate in (rate for note in notes for rate in _rates(note)):
        if not any(abs(rate / other - 1) < _SAME_RATE for other in rates):
            rates.append(rate)
    return rates


def stated(notes: Sequence[str], keys: tuple[str, ...]) -> str:
    """Return what a line such as "Unit,µV" or "# lead: II" says; only leads and units are ever taken."""
    for note in notes:
        match = _KEYED.match(note)
        if match is None or match[1].lower().rstrip("s") not in keys:
            continue
        value = re.split(r"[,;\t]", match[2].strip().strip('"'))[0].strip()
        if read_label(value).lead or scale_of(value):
            return value
    return ""


def named_columns(notes: Sequence[str], width: int) -> tuple[str, ...]:
    """Return the names of the columns where a line of comment gives as many as there are, some of them leads."""
    if (described := _columns_of_device(notes)) and len(described) == width:
        return described
    for note in reversed(notes):
        match = _KEYED.match(note)
        text = match[2] if match else note
        for separator in (r"[,;\t|]", r"\s{2,}|\t", r"\s+"):
            cells = [cell.strip().strip("\"'[]") for cell in re.split(separator, text.strip())]
            if len(cells) == width and any(read_label(cell).lead for cell in cells):
                return tuple(cells)
    return ()


def listed_channels(notes: Sequence[str]) -> list[tuple[str, str]]:
    """Return label and unit of each channel where they are listed below "2 channels", as AcqKnowledge writes them."""
    for k, note in enumerate(notes):
        match = re.fullmatch(r"\W*(\d{1,2}) channels?\W*", note, re.IGNORECASE)
        below = [text.strip(" ,;\t") for text in notes[k + 1 : k + 1 + 2 * int(match[1])]] if match else []
        if match and len(below) == 2 * int(match[1]) and any(read_label(label).lead for label in below[::2]):
            return list(zip(below[::2], below[1::2], strict=True))
    return []


def _columns_of_device(notes: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that an OpenSignals header describes (JSON), each by its sensor; () where there is none."""
    for note in notes:
        try:
            devices = json.loads(note) if note.startswith("{") else {}
            for device in devices.values():
                sensors = dict(zip(device["label"], device["sensor"], strict=True))
                columns = tuple(str(sensors.get(column, column)) for column in device["column"])
                if len(devices) == 1 and any(read_label(column).lead for column in columns):
                    return columns
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return ()


def _rates(note: str) -> list[float]:
    """Return every sampling rate that one line states, Hz."""
    text = "".join(c for c in unicodedata.normalize("NFD", note.replace("µ", "μ")) if not unicodedata.combining(c))
    found, end = [], 0
    for number in _NUMBER.finditer(text):
        key, unit = text[end : number.start()].lower(), _UNIT.match(text[number.end() :])
        end = number.end() + (unit.end() if unit and not unit["other"] else 0)
        following = text[end : end + 40].lower()
        if (rate := _rate(key, number[0], unit, following)) is not None:
            found.append(rate)
    return found


def _rate(key: str, number: str, unit: re.Match[str] | None, following: str) -> float | None:
    """Return the rate that a key, a number and its unit state, Hz, or None."""
    kind = unit.lastgroup if unit else None
    aside = re.match(r"\s*\(([^)]*)\)", following)
    words = key.replace("_", " ")
    if kind in ("passed", "other") or _OTHER_RATES.search(words) or (aside and _OTHER_RATES.search(aside[1])):
        return None
    if kind is None and (match := _KEY_UNIT.search(key)):
        word = match[1]
        kind = (
            "khz"
            if word == "khz"
            else "hz"
            if word[0] == "h"
            else "s"
            if word[0] == "s"
            else word[:2].replace("μ", "u")
        )
    if kind == "per" and unit is not None:
        word = unit["per"].lower()
        scale = 1e-3 if word.startswith("m") and not word.startswith("mic") else 1e-9 if word[0] == "n" else 1.0
        scale = 1e-6 if word.startswith(("us", "mic")) else scale
        return _plausible([1 / (value * scale) for value in _values(number) if value > 0])
    if kind in _SECONDS or (kind is None and _INTERVAL_KEY.search(words)):
        if not _INTERVAL_KEY.search(words):
            return None
        scales = [_SECONDS[kind]] if kind else [1.0, 1e-3]
        return _plausible([1 / (value * scale) for value in _values(number) for scale in scales if value > 0])
    factor = 1000.0 if kind == "khz" else 1.0
    values = [value * factor for value in _values(number)]
    in_hz = kind in ("hz", "khz")
    samples_per_s = kind in ("hz", "khz") and unit is not None and re.search(r"samp|smp|sps|s/s", unit[0].lower())
    certain = _RATE_KEY.search(words) or samples_per_s or (in_hz and _RATE_KEY_WITH_HZ.search(words))
    if certain or (in_hz and re.match(r"\s*sampl(?:ing|e|ed)\b", following)):
        return _plausible(values)
    if in_hz and _BARE_KEY.match(words):
        return _plausible([value for value in values if value >= _BARE_HZ])
    return None


def _values(number: str) -> list[float]:
    """Return the readings of a number: "1,000" is one thousand or one, "512,00" and "0.5" have one each."""
    readings = []
    if "/" in number:
        over, under = number.split("/")
        return [value / float(under) for value in _values(over) if float(under)]
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}([.,])\d{3}(?:\1\d{3})*", number):
        readings.append(float(re.sub("[.,]", "", number)))
    if len(re.findall("[.,]", number)) == 1 or not readings:
        whole, _, fraction = number.rpartition("," if "," in number and "." not in number[number.rfind(",") :] else ".")
        text = f"{re.sub('[.,]', '', whole)}.{fraction}" if whole else number
        readings.append(float(text))
    return readings


def _plausible(rates: list[float]) -> float | None:
    """Return the one rate that a recording can have; the first where none can, for the sentence that refuses it."""
    kept = sorted({rate for rate in rates if PLAUSIBLE_HZ[0] <= rate <= PLAUSIBLE_HZ[1]})
    if len(kept) == 1:
        return kept[0]
    return rates[0] if rates and not kept else None
