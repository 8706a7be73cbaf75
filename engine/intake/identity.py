"""De-identification of DICOM datasets: a keep-list, then dicognito, and the table of what happened to each element.

The keep-list follows the Basic Profile of PS3.15 Annex E and is stricter: private elements, overlays, curves,
signatures, times of day, free text (comments, descriptions, protocol and series names) and every sequence that is not
needed to show the film or the trace are removed; dicognito then replaces what is left of identity (names, ids, UIDs,
dates) by values that are stable for one key. Pixels are not looked at here, so burned-in text is reported as open until
engine.intake.burned_in has looked for it.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from engine.intake.labels import group_words, read_label
from engine.intake.pseudonyms import MAX_AGE, patient_key, previous_patient_key
from engine.intake.units import scale_of
from engine.study import IdentityRow

if TYPE_CHECKING:
    from dicognito.element_anonymizer import ElementAnonymizer
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset, FileDataset
    from pydicom.tag import BaseTag

BURNED_IN = "Text burned into the picture cannot be ruled out and is not searched for: look at it before you share it."
SAYS_SO = "says_burned_in"  # a fact: the file itself says that text is burned into its picture

_KEPT_SEQUENCES = {
    "ModalityLUTSequence",
    "VOILUTSequence",
    "PresentationLUTSequence",
    "WaveformSequence",
    "ChannelDefinitionSequence",
    "ChannelSourceSequence",
    "ChannelSensitivityUnitsSequence",
    "ViewCodeSequence",
    "AnatomicRegionSequence",
}
_KEPT_TEXT = {"Manufacturer", "ManufacturerModelName", "CodeValue", "CodingSchemeDesignator"}
# of which dicognito replaces none; as numbers, codes and samples
_KEPT_WORDS = {"CodeValue", "CodingSchemeDesignator", "CodeMeaning", "ChannelLabel", "MultiplexGroupLabel"}
_JUDGED_WORDS = {"ChannelLabel", "CodeMeaning", "MultiplexGroupLabel"}  # kept where they are of the vocabulary
_REPLACED = {
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "AccessionNumber",
    "StudyID",
    "StationName",
    "InstitutionName",
}
_NUMBERS = {"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "AT", "UV", "SV"}  # of which dicognito replaces none
_PLAIN_VRS = _NUMBERS | {"CS", "AS"}
_UNREPLACED_VRS = _PLAIN_VRS | {"OB", "OW"}
_PALETTES = {
    f"{kind}{colour}PaletteColorLookupTableData" for kind in ("", "Segmented") for colour in ("Red", "Green", "Blue")
}
_BULK = _PALETTES | {
    "PixelData",
    "LUTData",
    "WaveformData",
    "WaveformPaddingValue",
    "ChannelMinimumValue",
    "ChannelMaximumValue",
}
_TECHNICAL_GROUPS = {0x0028, 0x003A, 0x5400, 0x7FE0}  # summed up in one row each
_GROUP_NAMES = {0x0028: "image description", 0x003A: "waveform description", 0x5400: "waveform", 0x7FE0: "pixels"}
_FREE_TEXT = "free text may hold a name"
_SEX = {"M", "F", "O"}
MAX_DEVICE = 60  # characters


@dataclass(frozen=True)
class Identified:
    """What de-identification hands on: the table, the open point, the pseudonyms and non-identifying facts."""

    rows: tuple[IdentityRow, ...]
    note: str
    patient_key: str | None
    facts: dict[str, Any] = field(default_factory=dict)
    previous_key: str | None = None


def deidentify(dataset: FileDataset, key: bytes) -> Identified:
    """De-identify a dataset in place, with pseudonyms that depend on `key`; the result holds no original value."""
    from dicognito.anonymizer import Anonymizer

    recognised_by, previously_by = patient_key_of(dataset, key), previous_patient_key_of(dataset, key)
    facts = _facts(dataset)
    actions: dict[str, tuple[str, str]] = {}
    before: dict[str, tuple[Dataset, Any, str]] = {}
    _strip_meta(dataset, actions)
    settled = [tag for tag in _strip(dataset, "", actions, before) if _is_content(dataset, tag)]
    aside = [dataset.pop(tag) for tag in settled]  # nothing in them is replaced, and most of an object lies there
    replacer = Anonymizer(seed=_seed(key))
    replacer.add_element_handler(cast("ElementAnonymizer", _Unreplaced()))
    replacer.anonymize(dataset)
    for tag, element in zip(settled, aside, strict=True):
        dataset[tag] = element
    for label, (owner, tag, value) in before.items():
        actions[label] = _outcome(owner, tag, value)
    facts |= _shifted_date(dataset)
    note = "" if _burned_in(dataset) == "NO" else BURNED_IN
    rows = tuple(IdentityRow(label, action, reason) for label, (action, reason) in actions.items())  # type: ignore[arg-type]
    return Identified(rows, note, recognised_by, facts, previously_by)


def _is_content(dataset: Dataset, tag: BaseTag) -> bool:
    """Return whether an element is a sequence, or of those that describe and hold pixels and samples."""
    return tag.group in _TECHNICAL_GROUPS or dataset.get_item(tag).VR == "SQ"


class _Unreplaced:
    """What dicognito need not be asked about, as none of its rules holds for it."""

    def __call__(self, _: Dataset, element: DataElement) -> bool:
        return element.VR in _NUMBERS or element.keyword in _KEPT_WORDS

    def describe_actions(self) -> tuple[str, ...]:
        return ()


def _strip_meta(dataset: FileDataset, actions: dict[str, tuple[str, str]]) -> None:
    """Drop the preamble and what file meta information says about the sender."""
    if (dataset.preamble or b"").strip(b"\x00"):
        actions["file preamble"] = ("removed", "may hold another file")
    dataset.preamble = b"\x00" * 128
    kept = {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012}
    for tag in [element.tag for element in dataset.file_meta if int(element.tag) not in kept]:
        actions[f"({tag.group:04X},{tag.element:04X}) file meta information"] = ("removed", "may name the sender")
        del dataset.file_meta[tag]


def _strip(
    dataset: Dataset, path: str, actions: dict[str, tuple[str, str]], before: dict[str, tuple[Dataset, Any, str]]
) -> list[BaseTag]:
    """Remove from a dataset, and from its kept sequences, whatever is not on the keep-list.

    Returns which of the elements that are left dicognito replaces nothing of.
    """
    settled = []
    for tag in sorted(dataset.keys()):
        label = path + _label(tag)
        try:
            element = dataset[tag]
            vr = element.VR
            reason = _reason_to_remove(element)
            blank = element.is_empty
        except Exception:  # pydicom raises many kinds of errors on values that break their VR
            reason, blank = "its value is damaged", False
        if reason:
            if not blank:
                actions[label] = ("removed", reason)
            del dataset[tag]
            continue
        if vr == "SQ":
            rest = [len(item) - len(_strip(item, f"{label} › ", actions, before)) for item in element.value]
            is_settled = not any(rest)
        else:
            is_settled = _is_unreplaced(tag, vr)
            if tag.group in _TECHNICAL_GROUPS:
                actions[f"({tag.group:04X},xxxx) {_GROUP_NAMES[tag.group]}"] = ("kept", "needed to show it")
            elif not blank and label not in before:
                actions[label] = ("kept", "")
                before[label] = (dataset, tag, str(element.value))
        if is_settled:
            settled.append(tag)
    return settled


@lru_cache(maxsize=4096)
def _is_unreplaced(tag: BaseTag, vr: str) -> bool:
    """Return whether none of dicognito's rules holds for an element."""
    return vr in _UNREPLACED_VRS or _keyword(tag) in _KEPT_WORDS


def _reason_to_remove(element: DataElement) -> str:
    """Return why an element goes, or "" where it is on the keep-list."""
    reason = _reason_by_name(element.tag, element.VR)
    return _reason_by_value(element) if reason is None else reason


@lru_cache(maxsize=4096)
def _reason_by_name(tag: BaseTag, vr: str) -> str | None:
    """Return why an element goes whatever its value is, "" where it stays, None where its value decides."""
    keyword = _keyword(tag)
    if tag.is_private:
        return "private elements have no public meaning"
    if 0x6000 <= tag.group <= 0x60FF or 0x5000 <= tag.group <= 0x50FF:
        return "overlays and curves may hold text"
    if tag.group in (0x0400, 0xFFFC, 0xFFFA):
        return "signatures and padding are not needed"
    if vr == "SQ":
        return "" if keyword in _KEPT_SEQUENCES else "sequences may repeat identity"
    if keyword in _KEPT_TEXT or keyword in _REPLACED or keyword in _BULK or vr == "UI":
        return ""
    if keyword in _JUDGED_WORDS or vr in ("DA", "DT"):
        return None
    if vr == "TM":
        return "times of day are not needed"
    if vr in _PLAIN_VRS and keyword:
        return ""
    return _FREE_TEXT if vr in ("LO", "SH", "ST", "LT", "UT", "UC", "PN", "UR", "AE") else "not needed to show it"


def _keyword(tag: BaseTag) -> str:
    from pydicom.datadict import dictionary_has_tag, keyword_for_tag

    return keyword_for_tag(tag) if dictionary_has_tag(tag) else ""


def _reason_by_value(element: DataElement) -> str:
    value = str(element.value)
    if element.keyword == "MultiplexGroupLabel":
        return "" if group_words(value) else _FREE_TEXT
    if element.keyword in _JUDGED_WORDS:
        return "" if read_label(value).lead or scale_of(value) else _FREE_TEXT
    return "" if _is_date(value) else "its date is damaged"


def _outcome(owner: Dataset, tag: Any, value: str) -> tuple[str, str]:
    if tag not in owner:
        return "removed", "identity"
    if str(owner[tag].value) == value:
        return "kept", _clinical(owner[tag].keyword)
    return "replaced", "by dicognito, the same way for one workspace"


def _clinical(keyword: str) -> str:
    return f"given as {MAX_AGE} from {MAX_AGE} on" if keyword == "PatientAge" else ""


@lru_cache(maxsize=4096)
def _label(tag: BaseTag) -> str:
    """Return "(gggg,eeee) Name" from the dictionary; a file's own words for private elements are not used."""
    from pydicom.datadict import dictionary_description, dictionary_has_tag

    if tag.is_private:
        return f"({tag.group:04X},xxxx) private elements"
    name = dictionary_description(tag) if dictionary_has_tag(tag) else "unknown element"
    return f"({tag.group:04X},{tag.element:04X}) {name}"


def _is_date(value: str) -> bool:
    """Return whether dicognito can shift a DA or DT value."""
    digits = value.replace(".", "", 2) if re.match(r"^\d{4}\.\d{2}\.\d{2}$", value) else value
    try:
        return datetime.datetime.strptime(digits[:8], "%Y%m%d").year > 1800 and len(digits) in (8, *range(10, 27))
    except ValueError:
        return False


def patient_key_of(dataset: Dataset, key: bytes) -> str | None:
    """Return the keyed hash of a patient's number and its issuer, within which it is unique; None for none."""
    identifier = str(_value(dataset, "PatientID") or "").strip()
    return patient_key(key, identifier, str(_value(dataset, "IssuerOfPatientID") or ""))


def previous_patient_key_of(dataset: Dataset, key: bytes) -> str | None:
    """Return the keyed hash that earlier versions made of a patient's number where it was another one, else None."""
    identifier = str(_value(dataset, "PatientID") or "")
    return previous_patient_key(key, identifier, str(_value(dataset, "IssuerOfPatientID") or ""))


def _facts(dataset: Dataset) -> dict[str, Any]:
    """Return age and sex, checked against their defined values."""
    facts: dict[str, Any] = {}
    age = _age(str(_value(dataset, "PatientAge") or ""))
    age = _age_from_dates(dataset) if age is None else age
    if age is not None:
        facts["age"] = min(age, MAX_AGE)
    sex = str(_value(dataset, "PatientSex") or "").strip().upper()
    if sex in _SEX:
        facts["sex"] = sex
    if device := _device(dataset):
        facts["device"] = device
    if _burned_in(dataset) == "YES":
        facts[SAYS_SO] = True
    return facts


def _device(dataset: Dataset) -> str:
    """Return manufacturer and model, which are on the keep-list, on one line; "" where the file names none."""
    words = " ".join(str(_value(dataset, name) or "") for name in ("Manufacturer", "ManufacturerModelName"))
    words = " ".join(words.split())
    return words[:MAX_DEVICE] if words.isprintable() else ""


def _burned_in(dataset: Dataset) -> str:
    """Return what the file says of text in its picture: "YES", "NO" or nothing of use."""
    return str(_value(dataset, "BurnedInAnnotation") or "").strip().upper()


def _age(text: str) -> float | int | None:
    """Return years from an AS value ("045Y", "018M"), or from bare digits as some archives write them."""
    match = re.fullmatch(r"\s*(\d{1,3})\s*([DWMY]?)\s*", text.upper())
    if match is None:
        return None
    years = int(match[1]) / {"D": 365.25, "W": 52.18, "M": 12.0}.get(match[2], 1.0)
    return int(years) if match[2] in ("Y", "") else round(years, 2)


def _age_from_dates(dataset: Dataset) -> int | None:
    born, seen = (str(_value(dataset, name) or "") for name in ("PatientBirthDate", "StudyDate"))
    if not (_is_date(born) and _is_date(seen)) or not (born.isdigit() and seen.isdigit()) or seen < born:
        return None
    return int(seen[:4]) - int(born[:4]) - (seen[4:8] < born[4:8])


def shifted_day(patient: str, issuer: str, day: str, key: bytes) -> str:
    """Return a day, YYYYMMDD, as `deidentify` shifts those of a patient's films, YYYY-MM-DD; "" for none."""
    from dicognito.anonymizer import Anonymizer
    from pydicom.dataset import Dataset as Elements
    from pydicom.dataset import FileMetaDataset

    if not (re.fullmatch(r"[0-9]{8}", day) and _is_date(day)):
        return ""
    elements = Elements()
    elements.file_meta = FileMetaDataset()  # dicognito looks into it
    elements.PatientID, elements.IssuerOfPatientID, elements.StudyDate = patient, issuer, day
    Anonymizer(seed=_seed(key)).anonymize(elements)
    return _shifted_date(elements).get("acquired_at", "")


def _seed(key: bytes) -> str:
    return hmac.new(key, b"dicognito", hashlib.sha256).hexdigest()


def _shifted_date(dataset: Dataset) -> dict[str, str]:
    """Return the date of acquisition as dicognito shifted it."""
    for name in ("AcquisitionDate", "ContentDate", "StudyDate", "AcquisitionDateTime"):
        text = str(_value(dataset, name) or "")
        if re.match(r"^\d{8}", text):
            return {"acquired_at": f"{text[:4]}-{text[4:6]}-{text[6:8]}"}
    return {}


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except Exception:  # a value that breaks its VR
        return None
