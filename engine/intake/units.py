"""Units as files write them → millivolts, arbitrary or z-scored; units that no wave has."""

from __future__ import annotations

import contextlib
import re
import unicodedata

_MILLIVOLTS = {
    "mv": 1.0,
    "millivolt": 1.0,
    "uv": 1e-3,
    "microvolt": 1e-3,
    "v": 1e3,
    "volt": 1e3,
    "nv": 1e-6,
    "nanovolt": 1e-6,
}
_LONG = {"millivolts": "mv", "microvolts": "uv", "volts": "v", "nanovolts": "nv"}
_ARBITRARY = {"au", "a.u.", "a.u", "arbitrary", "arbitraryunit", "arbitraryunits", "arb", "arb."}
_SCALED = {"sd", "zscore", "z-score", "z"}
# A channel in one of these holds a rate, a saturation, a pressure or a temperature: a trend and no wave.
_TRENDS = {
    "bpm",
    "b/min",
    "1/min",
    "/min",
    "min-1",
    "min^-1",
    "beats/min",
    "beats/minute",
    "beatsperminute",
    "perminute",
    "hz",
    "ms",
    "mmhg",
    "kpa",
    "cmh2o",
    "°c",
    "degc",
    "celsius",
}


def plain(text: str) -> str:
    """Return a label or unit on one line, with one sign each for minus and micro, and without outer quotes.

    UTF-8 bytes that were read as Latin-1 ("Âµ") are put right, as EDF headers hold them.
    """
    if any(sign in text for sign in "ÂÎâ"):
        with contextlib.suppress(UnicodeError):
            text = text.encode("latin-1").decode("utf-8")
    text = re.sub(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]", "-", unicodedata.normalize("NFKC", text))
    return " ".join(text.replace("µ", "μ").split()).strip("'\"`“”„ ")


def scale_of(units: str) -> tuple[str, float] | None:
    """Return ("mV", factor), ("au", 1) or ("sd", 1) for a unit as written in a file, or None where it says nothing."""
    key = plain(units).lower().replace(" ", "").replace("μ", "u")
    key = {"æv": "uv"}.get(key, key)  # the micro sign of old DOS code pages
    key = _LONG.get(key, key)
    if key in _MILLIVOLTS:
        return "mV", _MILLIVOLTS[key]
    if key in _ARBITRARY:
        return "au", 1.0
    return ("sd", 1.0) if key in _SCALED else None


def is_trend(units: str) -> bool:
    """Return whether a unit belongs to a rate or another trend value, so that the channel is no wave."""
    return plain(units).lower().replace(" ", "") in _TRENDS
