"""What tables of wearables look like: an Apple Watch's ECG by the shape of its lines, Polar's and Fitbit's by names.

An Apple Watch writes names and numbers in the language of the phone: a moment, a rate with a word behind it, then one
number a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.intake.recognise import Content

RECORDED = re.compile(r'^[^,;\t]+[,;\t]\s*"?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})"?\s*$')
VALUE = re.compile(r"^[-+−]?\d[\d.,]*$")
WAVEFORM = "waveform_samples"  # the column of a Fitbit reading that holds the ECG
LIGHTS = ("channel 0", "p0", "ppg0")  # the first of Polar's lights; the others and the ambient light stay out
RATES_HZ = (20.0, 1000.0)  # of wearables
_ABOVE = 40  # lines that may stand above the numbers
_RATE = re.compile(r'^[^,;\t]+[,;\t]\s*"?(\d{2,4}(?:[.,]\d+)?)\s?[^\W\d]+\.?"?\s*$')


def is_wearable(content: Content) -> bool:
    """Return whether a text is a table as an Apple Watch, Polar or Fitbit writes it."""
    lines = content.lines[:_ABOVE]
    return bool(lines) and (is_fitbit(lines) or is_polar(lines[0]) or is_apple(lines))


def is_apple(lines: Sequence[str]) -> bool:
    """Return whether lines without blank ones begin like an Apple Watch's ECG, in whatever language."""
    moment = any(RECORDED.match(line) for line in lines)
    return moment and apple_rate(lines) is not None and sum(bool(VALUE.match(line.strip())) for line in lines) >= 2


def is_fitbit(lines: Sequence[str]) -> bool:
    """Return whether lines are one ECG reading of a Fitbit, as Google Takeout hands it out."""
    return len(lines) > 1 and WAVEFORM in lines[0].lower() and "[" in lines[1]


def is_polar(line: str) -> bool:
    """Return whether the first line names the lights of a Polar sensor."""
    names = names_of(line)
    return "ambient" in names and any(light in names for light in LIGHTS)


def names_of(line: str) -> list[str]:
    """Return the names of the columns, lower case."""
    return [name.strip().lower() for name in re.split("[;,\t]", line)]


def apple_rate(lines: Sequence[str]) -> float | None:
    """Return the rate that one of the lines states with a word behind it, Hz; a heart's is the smaller one."""
    found = [float(match[1].replace(",", ".")) for line in lines if (match := _RATE.match(line.strip()))]
    return max((rate for rate in found if RATES_HZ[0] <= rate <= RATES_HZ[1]), default=None)
