"""The label of a channel → lead, sign and unit: separators are read past, signs and electrode pairs are not.

A difference of two electrodes or leads is read where it equals a standard lead: "LA-RA" is I, "RA-LA" is I turned over.
Another one stays an ECG of open lead, with a remark.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.intake.units import is_trend, plain, scale_of
from engine.study import ECG_LEADS, PPG_LEAD

GENERIC_ECG = "ECG"  # the file says that it is an ECG but not which lead

_CANONICAL = {lead.upper(): lead for lead in ECG_LEADS}
# MLII is the modified lead II of Holter recorders; DI … D3 are written in Romance languages, C1 … C6 in IEC style.
_ALIASES = {
    "MLI": "I",
    "MLII": "II",
    "MLIII": "III",
    "ML2": "II",
    "DI": "I",
    "DII": "II",
    "DIII": "III",
    "D1": "I",
    "D2": "II",
    "D3": "III",
    "VR": "aVR",
    "VL": "aVL",
    "VF": "aVF",
}
_AFTER_ECG = {f"C{i}": f"V{i}" for i in range(1, 7)}  # a bare "c1" is as likely "column 1", and "C3-A2" is an EEG
_AFTER_LEAD = {"1": "I", "2": "II", "3": "III"}
_ECG_WORDS = (
    *("ECG", "EKG", "ELECTROCARDIOGRAM", "LEAD", "LEADS", "ABLEITUNG", "ABL", "DERIVACION", "DERIVATION"),
    *("DERIVAZIONE", "DERIVACAO"),
)
_OTHER_WORDS: tuple[str, ...] = ("MDC", "CH", "CHANNEL", "RAW", "FILTERED", "FILT", "CLEAN", "CLEANED", "SIGNAL", "SIG")
_OTHER_WORDS += (
    "WAVE",
    "WAVEFORM",
    "DATA",
    "VALUE",
    "VALUES",
    "CAL",
    "UNCAL",
    "16BIT",
    "24BIT",
    "AMPLITUDE",
    "VOLTAGE",
)
_OTHER_WORDS += ("SAMPLES", "CHAN", "EINTHOVEN", "GOLDBERGER", "WILSON", "EXTR")
_OTHER_WORDS += ("LIMB", "CHEST", "PRECORDIAL", "AUGMENTED", "MODIFIED", "MOD", "RHYTHM", "STRIP")
_TURNED = ("INVERTED", "INV", "REVERSED", "NEGATIVE", "NEG", "MINUS", "FLIPPED")
_NUMBERED = re.compile(r"(?:^|\s)(?:CH|CHAN|CHANNEL|CANAL|KANAL|AI) ?\d{1,2}(?=\s|$)")  # a place in the recorder
_JOINED = re.compile(r"^(ECG|EKG)(?=(?:WAVEFORM|WAVE|DATA|SIGNAL|SAMPLES|VALUE|RAW|FILTERED|CHANNEL)S?\b)")
_OF_EEG = re.compile(r"^(?:EEG|POL) (?=(?:ECG|EKG)\w{0,2}(?:-REF)?$)")  # as recorders of EEG name them
_SIDED = r"(?:ECG|EKG)[LR]\d?"  # the left or the right one of two electrodes
_MINUS_ONE = re.compile(r"^(-1 ?[*×X]|[-+]) ?(?=\S)|(?<=\S) ?([*×X] ?-1)$")
_ODD_LEADS = {"CM5", "CS5", "CC5", "MCL1", "MCL6"}  # bipolar chest leads of monitors

# Electrodes as (RA, LA, LL) shares; every lead and electrode here is a sum of these and of one chest electrode.
_LIMB = {"RA": (1.0, 0.0, 0.0), "LA": (0.0, 1.0, 0.0), "LL": (0.0, 0.0, 1.0)}
_LIMB |= {"WCT": (1 / 3, 1 / 3, 1 / 3), "CT": (1 / 3, 1 / 3, 1 / 3)}
_LIMB |= {"I": (-1.0, 1.0, 0.0), "II": (-1.0, 0.0, 1.0), "III": (0.0, -1.0, 1.0)}
_LIMB |= {"AVR": (1.0, -0.5, -0.5), "AVL": (-0.5, 1.0, -0.5), "AVF": (-0.5, -0.5, 1.0)}
_ELECTRODE = r"RA|LA|LL|RL|WCT|CT|V[1-6X]|I{1,3}|AV[RLF]"
_AMBIGUOUS = r"(?:ECG|EKG) ?\d|C[1-6]|[AM][12]|\d|[LRFNAB]"  # of an ECG only where something else says so
_PAIR = re.compile(rf"^({_ELECTRODE}|{_AMBIGUOUS}) ?[-/] ?((?:(?:ECG|EKG) )?(?:{_ELECTRODE}|{_AMBIGUOUS}))$")
_LIMB_PAIR = re.compile(r"^(RA|LA|LL) ?(RA|LA|LL)$")
_OPEN = re.compile(rf"^(?:{_ELECTRODE}|{_AMBIGUOUS}|\d\d)$")

_SHORT = 40  # characters of a label that is remembered
_BRACKET = re.compile(r"[(\[{<]([^()\[\]{}<>]*)[)\]}>]")
_UNIT_TAIL = re.compile(
    r"^(.*?)(?:[\s_/,;.-]+| in |(?<=[)\]}>]))(mV|uV|μV|nV|a\.?u\.?|sd|z-?score|millivolts?|microvolts?|bpm|mmHg)$",
    re.IGNORECASE,
)
_BEAT_WORDS = {
    "MEDIAN",
    "AVERAGE",
    "AVERAGED",
    "MEAN",
    "TEMPLATE",
    "REPRESENTATIVE",
    "BEAT",
    "BEATS",
    "CYCLE",
    "CYCLES",
    "COMPLEX",
    "COMPLEXES",
}
_RHYTHM_WORDS = {"RHYTHM", "RESTING", "REST", "CONTINUOUS", "ORIGINAL"}
_DEVICE = re.compile(r"^SHIMMER_[0-9A-F]{4}_", re.IGNORECASE)  # Shimmer names its columns by the sensor's number

_WAVES = {
    *("PPG", "PLETH", "BVP", "PULSOX", "PLETHWAVE", "PULSEWAVE", "OXIPLETH", "FINGERPLETH", "SPO2WAVE"),
    *("SPO2WAVEFORM", "FINGERPPG", "PPGFINGER", "PPGIR", "PPGRED", "PPGGREEN", "IRPPG", "REDPPG", "GREENPPG"),
    *("PPGRAW", "PPGSIGNAL"),
}
_WAVE_STEMS = re.compile(r"^(?:PHOTO|FINGER)?PLETH?[IY]SMOGR\w*$")
_LIGHT = {"IR", "INFRARED", "RED", "GREEN"}
_WAVE_WORDS = {"WAVE", "WAVEFORM", "PLETH"}
_SENSOR_WORDS = {"SPO2", "SAO2", "PULSE", "OXIMETER", "OXIMETRY", "OX"}
_PULSE_QUALIFIERS = _LIGHT | _SENSOR_WORDS | _WAVE_WORDS | set(_OTHER_WORDS)
_PULSE_QUALIFIERS |= {"PULS", "OXIM", "R", "L", "LEFT", "RIGHT", "FINGER", "EAR", "WRIST", "TOE", "LED", "SENSOR", "AC"}
_PULSE_QUALIFIERS |= {"INTERNAL", "EXTERNAL", "ADC"}  # where a Shimmer has its sensor of the pulse


@dataclass(frozen=True)
class Label:
    """What a label says.

    lead   : canonical lead, "PPG", GENERIC_ECG, or None for anything else
    sign   : -1 where the channel is that lead turned over
    units  : as written, "" where the label has none
    remark : what has to be said about the reading, in words of its own: never the file's free text
    rank   : preference among several pulse waves, lower is better
    """

    lead: str | None
    sign: int = 1
    units: str = ""
    remark: str = ""
    rank: int = 0


def read_label(text: str) -> Label:
    """Return what a channel's label says about lead, sign and unit."""
    return _read_short(text) if len(text) <= _SHORT else _read(text)


@lru_cache(maxsize=1024)
def _read_short(text: str) -> Label:
    """Return what a label says; channels of all recordings share few labels, and to read one takes a while."""
    return _read(text)


def _read(text: str) -> Label:
    words, units = _without_units(_DEVICE.sub("", plain(text)))
    if words is None:
        return Label(None, units=units)
    key = _folded(words)
    found = _ecg(key) or _pulse(key) or Label(None)
    if found.lead is not None and is_trend(units):
        found = Label(None)
    return replace(found, units=units)


def says_nothing(text: str) -> bool:
    """Return whether a label is such as "Value" or "Voltage (mV)", of whatever signal."""
    words, _ = _without_units(plain(text))
    core, is_ecg, is_lead, _ = _core(_folded(words or "?"))
    return not core and not is_ecg and not is_lead


def split_units(text: str) -> tuple[str, str]:
    """Split "II (mV)" or "ecg_uV" into label and unit; the unit is "" where the label has none."""
    words, units = _without_units(plain(text))
    return (plain(text), "") if words is None else (words, units)


def group_words(text: str) -> str:
    """Return "MEDIAN" or "RHYTHM" where a group's label says so in known words alone, "" otherwise."""
    words = set(re.sub("[-/()0-9]", " ", _folded(plain(text))).split())
    if not words <= _BEAT_WORDS | _RHYTHM_WORDS | {
        "ECG",
        "EKG",
        "LEAD",
        "LEADS",
        "GROUP",
        "WAVEFORM",
        "DATA",
        "S",
        "SEC",
    }:
        return ""
    return "MEDIAN" if words & _BEAT_WORDS else "RHYTHM" if words & _RHYTHM_WORDS else ""


def _without_units(text: str) -> tuple[str | None, str]:
    """Split a label into words and unit; the words are None where a bracket holds what cannot be read past."""
    units, tail, sign = "", "", ""
    if not text.endswith((")", "]", "}", ">")) and (last := _UNIT_TAIL.match(text)) and last[1].strip(" -_/"):
        text, units = last[1].strip(" _/"), last[2]
    bare = _BRACKET.sub(" ", text)
    for inner in (match[1].strip() for match in _BRACKET.finditer(text)):
        key = _folded(inner)
        if scale_of(inner) or is_trend(inner):
            units = inner
        elif re.fullmatch(r"[\d.,]+ ?k?hz", inner, re.IGNORECASE) or _same_lead(_folded(bare), key):
            continue  # a rate: the lines above the table may say it, a label does not
        elif inner == "-":
            sign = "-"
        elif _ecg(f"ECG {key}") or _pulse(key) or _known(key):
            tail += f" {inner}"
        elif units or not re.fullmatch(r"[A-Za-zμ°%/.0-9 ]*", inner):
            return None, units
        else:
            units = inner
    name = sign + " ".join((bare + tail).split())
    return (name, units) if name else (units, "")


def _same_lead(outer: str, inner: str) -> bool:
    """Return whether a bracket says again what stands before it, as in "I (LA-RA)" and "V5 (C5)"."""
    one, other = _ecg(outer), _ecg(f"ECG {inner}")
    return (
        one is not None
        and other is not None
        and one.lead in ECG_LEADS
        and (one.lead, one.sign) == (other.lead, other.sign)
    )


def _known(key: str) -> bool:
    return key in _OTHER_WORDS or key in _TURNED or key in _PULSE_QUALIFIERS


def _folded(text: str) -> str:
    """Return capitals without accents, with blanks for every separator but minus, plus and slash."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text.upper()) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\s_:.,;|\\'\"]+", " ", bare).split())


def _ecg(key: str) -> Label | None:
    """Return what a folded label says of an ECG, or None."""
    core, is_ecg, is_lead, sign = _core(key)
    if not core:
        return Label(GENERIC_ECG) if is_ecg and not is_lead and sign == 1 else None
    names = _CANONICAL | _ALIASES | (_AFTER_ECG if is_ecg else {}) | (_AFTER_LEAD if is_lead else {})
    if re.fullmatch(r"A?[- ]?V[- ]?[RLF1-6]|ML ?(?:I{1,3}|2)|D ?(?:I{1,3}|[123])|C ?[1-6]", core):
        core = re.sub("[- ]", "", core)
    if core in names:
        return Label(names[core], sign, remark="" if sign > 0 else f"−{names[core]} turned over to {names[core]}")
    if pair := _PAIR.match(core) or _LIMB_PAIR.match(core):
        return _difference(pair[1], re.sub("^(ECG|EKG) ", "", pair[2]), is_ecg, sign)
    if core in _ODD_LEADS:
        return Label(GENERIC_ECG, sign, remark=f"{core} is no standard lead")
    if is_ecg and core == "REF":
        return Label(GENERIC_ECG, sign, remark="ECG-REF is no standard lead")
    if (is_ecg and _OPEN.match(core)) or re.fullmatch(rf"(?:ECG|EKG) ?\d{{1,2}}|{_SIDED}", core):
        return Label(GENERIC_ECG, sign)
    if re.fullmatch(rf"(?:(?:ECG|EKG)\d{{0,2}}|{_SIDED})-(?:REF|{_SIDED})", core):
        return Label(GENERIC_ECG, sign, remark=f"{core} is no standard lead")
    return None


def _core(key: str) -> tuple[str, bool, bool, int]:
    """Return what is left without words for "ECG" and the like, whether these stood there, and the sign."""
    ecg = "|".join(_ECG_WORDS)
    key = " ".join(_NUMBERED.sub(" ", _JOINED.sub(r"\1 ", _OF_EEG.sub("", key))).split())
    key = re.sub(rf"\b({ecg})(?: [-/] |[-/](?=\S))", r"\1 ", re.sub(r"^(ECG|EKG)\d (?=[A-Z])", r"\1 ", key))
    key = re.sub(r"^(ECG|EKG)?(LEAD)?(?=(?:I{1,3}|[123]|AV[RLF]|V[1-6]|ML[I2]+)$)", _apart, key)
    words, sign, is_ecg, is_lead = key.split(" "), 1, False, False
    while words:
        for at in (0, -1):
            word = words[at] if words else ""
            if word in _ECG_WORDS:
                is_ecg, is_lead = True, is_lead or word not in ("ECG", "EKG", "ELECTROCARDIOGRAM")
            elif word in _TURNED:
                sign = -sign
            elif word not in _OTHER_WORDS:
                continue
            words.pop(at)
            break
        else:
            break
    core = " ".join(words)
    if match := _MINUS_ONE.search(core):
        core, sign = _MINUS_ONE.sub("", core, count=1), sign if match[0].strip() == "+" else -sign
    return core, is_ecg, is_lead, sign


def _apart(match: re.Match[str]) -> str:
    return " ".join(part for part in match.groups() if part) + (" " if match[0] else "")


def _difference(first: str, second: str, is_ecg: bool, sign: int) -> Label | None:
    """Return the standard lead that a difference of two electrodes or leads equals, else an ECG of open lead."""
    certain = any(re.fullmatch(_ELECTRODE, term) for term in (first, second))
    if not is_ecg and not certain and not first.startswith(("ECG", "EKG")):
        return None
    one, other = _vector(first), _vector(second)
    if one is not None and other is not None:
        difference = tuple(a - b for a, b in zip(one, other, strict=True))
        for name, lead in _CANONICAL.items():
            for turned in (1, -1):
                standard = _vector(name) if name in _LIMB else _chest_lead(name)
                if standard and all(abs(a - turned * b) < 1e-9 for a, b in zip(difference, standard, strict=True)):
                    remark = f"{first}-{second} read as {lead} turned over" if turned * sign < 0 else ""
                    return Label(lead, turned * sign, remark=remark)
    return Label(GENERIC_ECG, sign, remark=f"{first}-{second} is no standard lead")


def _vector(term: str) -> tuple[float, ...] | None:
    """Return the shares of RA, LA, LL, V1 … V6 in an electrode or limb lead; None where its place is open."""
    if term in _LIMB:
        return _LIMB[term] + (0.0,) * 6
    match = re.fullmatch("[VC]([1-6])", term)
    return None if match is None else (0.0,) * 3 + tuple(float(int(match[1]) == i) for i in range(1, 7))


def _chest_lead(name: str) -> tuple[float, ...]:
    return tuple(a - b for a, b in zip(_vector(name) or (), _vector("WCT") or (), strict=True))


def _pulse(key: str) -> Label | None:
    """Return what a folded label says of a pulse wave, or None."""
    sign = -1 if re.match(r"^- ?[A-Z]", key) else 1
    words = re.sub(r"[-/+]", " ", key).split()
    compact = "".join(words)
    bare = [re.sub(r"\d$", "", word) if word not in _SENSOR_WORDS else word for word in words]
    wave = [word for word in bare if word in _WAVES or _WAVE_STEMS.match(word)]
    others = [word for word in bare if word and word not in wave]
    qualified = all(word in _PULSE_QUALIFIERS or re.fullmatch(r"A?\d{1,2}|CH\d?|\d{3}(?:NM)?", word) for word in others)
    light = bool(set(bare) & _LIGHT) and set(bare) <= _LIGHT | {"LED", *_OTHER_WORDS}
    sensor = bool(set(bare) & _SENSOR_WORDS) and bool(set(bare) & _WAVE_WORDS)
    named = (wave or sensor) and qualified
    if not (named or light or compact == "PULSE" or compact in _WAVES):
        return None
    return Label(PPG_LEAD, sign, rank=_rank(bare, compact))


def _rank(words: list[str], compact: str) -> int:
    """Return the preference of a pulse wave: infrared carries the cleanest pulse of several lights."""
    if compact in ("PPG", "PLETH"):
        return 0
    for rank, signs in ((2, ("IR", "INFRARED")), (3, ("GREEN",)), (4, ("RED",))):
        if any(sign in words or sign in compact.replace("INFRARED", "IR").split("PPG") for sign in signs):
            return rank
    return 1
