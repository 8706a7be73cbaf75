"""Every kind of file content, one row each: how it is recognised, and what reads it or why nothing does.

A format is added here by one row with its reader; everything else that names formats derives from this table.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.errors import IntakeError
from engine.intake import recognise as look
from engine.intake.upload import ReaderInput, Upload
from engine.intake.wearable_look import is_wearable
from engine.study import Study


@dataclass(frozen=True)
class Format:
    """One kind of content.

    looks     : whether content is of this kind, asked in the order of FORMATS
    suffixes  : how its files are usually named, without the dot; they only say that a word was meant as a file
    reader    : "module:function" of (ReaderInput) → Study; "" where the kind is not read
    package   : the distribution that the reader needs beyond numpy
    parts     : "module:function" of (Upload, all uploads) → uploads that belong to this file; "" for a single file
    companion : "module:function" of (bytes) → whether such a file only accompanies a study
    refusal   : the sentence for a kind without a reader
    offered   : what a refusal of another kind proposes to drop instead; the name where nothing is stated
    """

    kind: str
    name: str
    looks: look.Look
    suffixes: tuple[str, ...] = ()
    reader: str = ""
    package: str = ""
    parts: str = ""
    companion: str = ""
    refusal: str = ""
    offered: str = ""


_EXPORT_IMAGE = "export the film as DICOM, or as PNG, and drop that"
_EXPORT_TRACE = "export the trace as CSV with one row per sample, as EDF or as WFDB, and drop that"
_PICTURE = "engine.intake.picture_film:read_picture"
_EDF = "engine.intake.edf_trace:read_edf"
_VENDOR = "engine.intake.vendor_trace:read_vendor"

# Sniffed in this order: the first row whose test holds is the kind.
FORMATS: tuple[Format, ...] = (
    Format(
        "dicom",
        "DICOM",
        look.either(look.magic(b"DICM", offset=128), look.is_bare_dicom),
        ("dcm", "dicom"),
        reader="engine.intake.dicom:read_dicom",
        package="pydicom",
        companion="engine.intake.dicom:is_companion",
    ),
    Format("png", "PNG", look.magic(b"\x89PNG\r\n\x1a\n"), ("png",), reader=_PICTURE, package="pillow"),
    Format("jpeg", "JPEG", look.magic(b"\xff\xd8\xff"), ("jpg", "jpeg"), reader=_PICTURE, package="pillow"),
    Format(
        "office",
        "an Office document",
        look.either(look.is_office_zip, look.magic(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
        ("doc", "docx", "xls", "xlsx"),
        refusal=f"This is an Office document, which is not read: save the sheet as CSV, or otherwise {_EXPORT_TRACE}.",
    ),
    Format(
        "zip",
        "zip",
        look.is_zip,
        ("zip",),
        refusal="The zip archive holds another archive, which is not opened: pack the files of one study directly.",
    ),  # read() unpacks an archive; one inside of another is refused
    Format(
        "pdf",
        "PDF",
        look.magic(b"%PDF"),
        ("pdf",),
        refusal=f"This is a PDF, which holds a picture of a recording but not its samples: {_EXPORT_TRACE}, or "
        f"{_EXPORT_IMAGE}.",
    ),
    Format("edf", "EDF", look.magic(b"0       "), ("edf",), reader=_EDF, package="edfio"),
    Format("bdf", "BDF", look.magic(b"\xffBIOSEMI"), ("bdf",), reader=_EDF, package="edfio"),
    Format("scp", "SCP-ECG", look.magic(b"SCPECG", offset=16), ("scp",), reader=_VENDOR, package="ecgdatakit"),
    Format("ishne", "ISHNE Holter", look.magic(b"ISHNE1.0"), ("ecg",), reader=_VENDOR, package="ecgdatakit"),
    Format("acq", "BIOPAC", look.is_acq, ("acq",), reader="engine.intake.biopac_trace:read_acq", package="bioread"),
    Format(
        "avro",
        "Empatica avro",
        look.magic(b"Obj\x01"),
        ("avro",),
        reader="engine.intake.wristband_trace:read_avro",
        package="fastavro",
    ),
    Format(
        "tiff",
        "TIFF",
        look.magic(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
        ("tif", "tiff"),
        refusal=f"This is a TIFF image, which is not read: {_EXPORT_IMAGE}.",
    ),
    Format(
        "gif",
        "GIF",
        look.magic(b"GIF8"),
        ("gif",),
        refusal=f"This is a GIF image, which keeps too few grey levels for a film: {_EXPORT_IMAGE}.",
    ),
    Format(
        "webp",
        "WebP",
        look.magic(b"WEBP", offset=8),
        ("webp",),
        refusal=f"This is a WebP image, which is not read: {_EXPORT_IMAGE}.",
    ),
    Format(
        "heic",
        "HEIC",
        look.magic(b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif", offset=4),
        ("heic", "avif"),
        refusal=f"This is a HEIC or AVIF photograph, which is not read: {_EXPORT_IMAGE}.",
    ),
    Format(
        "jpeg2000",
        "JPEG 2000",
        look.magic(b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
        ("jp2", "j2k"),
        refusal=f"This is a bare JPEG 2000 image, which is not read outside DICOM: {_EXPORT_IMAGE}.",
    ),
    Format(
        "video",
        "video",
        look.either(
            look.magic(b"ftyp", offset=4),
            look.magic(b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba"),
            look.magic(b"AVI ", offset=8),
        ),
        ("mp4", "avi", "mov"),
        refusal="This is a video, and only single frontal chest films and recorded traces are searched: drop one of "
        "those.",
    ),
    Format(
        "matlab",
        "MATLAB 5",
        look.magic(b"MATLAB 5.0"),
        ("mat",),
        refusal="This is a MATLAB 5 file without a WFDB header, so rate, leads and units are unknown: "
        f"{_EXPORT_TRACE}.",
    ),
    Format(
        "hdf5",
        "HDF5",
        look.magic(b"\x89HDF\r\n\x1a\n"),
        ("h5", "hdf5"),
        refusal=f"This is an HDF5 or MATLAB 7.3 file, which is not read: {_EXPORT_TRACE}.",
    ),
    Format(
        "numpy",
        "NumPy",
        look.magic(b"\x93NUMPY"),
        ("npy", "npz"),
        refusal=f"This is a NumPy array, which says neither rate nor leads: {_EXPORT_TRACE}.",
    ),
    Format(
        "signal",
        "FLAC signal of WFDB",
        look.magic(b"fLaC"),
        refusal="This is the signal part of a WFDB record without its header: drop the .hea file together with it.",
    ),
    Format(
        "compressed",
        "a compressed archive",
        look.magic(b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\xfd7zXZ", b"BZh"),
        ("gz", "7z", "rar", "xz", "bz2"),
        refusal="This archive is of a kind that is not opened: unpack it, or pack the files of one study as a zip.",
    ),
    Format("bmp", "BMP", look.is_bmp, ("bmp",), refusal=f"This is a BMP image, which is not read: {_EXPORT_IMAGE}."),
    Format(
        "rtf",
        "RTF",
        look.opening("{\\rtf"),
        ("rtf",),
        refusal="This is a formatted text document, and no recording or film: type the finding into the search field "
        "instead.",
    ),
    Format("aecg", "HL7 aECG", look.root("annotatedecg"), ("xml",), reader=_VENDOR, package="ecgdatakit"),
    Format("sierra", "Philips XML", look.root("restingecgdata"), ("xml",), reader=_VENDOR, package="ecgdatakit"),
    Format("muse", "GE MUSE XML", look.root("restingecg"), ("xml",), reader=_VENDOR, package="ecgdatakit"),
    Format(
        "html",
        "HTML",
        look.opening("<!doctype html", "<html"),
        ("html", "htm"),
        refusal="This is a web page, perhaps an error page saved in the place of the file: download the file again; "
        "{reads}.",
    ),
    Format(
        "xml",
        "XML",
        look.opening("<"),
        ("xml",),
        refusal=f"This is an XML file of a kind that is not read: {_EXPORT_TRACE}.",
    ),
    Format(
        "wfdb",
        "WFDB",
        look.is_wfdb,
        ("hea", "dat"),
        reader="engine.intake.wfdb_trace:read_wfdb",
        package="wfdb",
        parts="engine.intake.wfdb_trace:parts_of",
        offered="WFDB (header and signal files)",
    ),
    Format("e4", "Empatica E4", look.is_e4_wave, ("csv",), reader="engine.intake.wristband_trace:read_e4"),
    Format(
        "e4-other",
        "another file of an Empatica E4",
        look.is_e4_other,
        refusal="This file of an Empatica E4 holds beat intervals, events or another sensor and no pulse wave: drop "
        "its BVP.csv, or the whole zip.",
    ),
    Format("wearable", "CSV", is_wearable, ("csv", "txt"), reader="engine.intake.wearable_table:read_wearable"),
    Format("table", "CSV", look.is_table, ("csv", "tsv"), reader="engine.intake.table_trace:read_table"),
    Format(
        "text",
        "plain text",
        look.is_text,
        ("txt", "json"),
        refusal="This is plain text, and no recording or film: {reads}; a finding is typed into the search field.",
    ),
    Format(
        "binary",
        "unknown content",
        look.is_anything,
        ("nii",),
        refusal="The content is of no kind that is known ({reads}): the signal part of a WFDB record is dropped "
        "with its .hea header.",
    ),
)
READABLE: dict[str, Format] = {row.kind: row for row in FORMATS if row.reader}
_BY_KIND: dict[str, Format] = {row.kind: row for row in FORMATS}
_HEADERLESS = (
    "This looks like the signal part of a WFDB record, and without its header the rate, leads and units are unknown: "
    "drop the .hea file together with it."
)


def sniff(data: bytes) -> str:
    """Return the kind of a file's content, a key of READABLE or one that `refusal` explains; suffixes do not count."""
    content = look.Content(data)
    return next(row.kind for row in FORMATS if row.looks(content))


def read_study(given: ReaderInput) -> Study:
    """Return the study that the reader of `given.kind` finds; the reader is imported when it is needed."""
    row = READABLE[given.kind]
    try:
        study: Study = _function(row.reader)(given)
    except ModuleNotFoundError as error:
        raise IntakeError(
            f"{row.name} is read with the package {row.package or error.name}, which is not installed here: search "
            "it where Casebind is installed as a whole, or export a trace as CSV."
        ) from error
    return study


def parts_of(kind: str, file: Upload, uploads: Sequence[Upload]) -> list[Upload]:
    """Return the uploads that belong to a file of a readable kind; none for a kind of single files."""
    named = _BY_KIND[kind].parts
    return list(_function(named)(file, uploads)) if named else []


def is_companion(kind: str, file: Upload) -> bool:
    """Return whether a file of a readable kind only accompanies a study, such as a DICOMDIR or a lateral film."""
    named = _BY_KIND[kind].companion
    return bool(named and _function(named)(file.data))


def offered(last: str) -> str:
    """Return what is read as the end of a sentence; `last` ("and", "or") joins the last two."""
    *names, end = dict.fromkeys(row.offered or row.name for row in READABLE.values())
    return f"{', '.join(names)} {last} {end}"


def refusal(upload: Upload, kind: str) -> IntakeError:
    """Return the error for one file of a kind that is not read: what it is, why not, what next.

    The file's suffix only picks the wording.
    """
    if kind in ("binary", "matlab") and upload.base.endswith((".dat", ".mat")):
        return IntakeError(_HEADERLESS)
    return IntakeError(_BY_KIND[kind].refusal.format(reads=f"what is read here is {offered('and')}"))


@lru_cache(maxsize=1)
def file_suffix() -> re.Pattern[str]:
    """Return the pattern of a word that ends like a file's name."""
    suffixes = sorted({suffix for row in FORMATS for suffix in row.suffixes})
    return re.compile(rf"\.({'|'.join(suffixes)})$", re.IGNORECASE)


def _function(named: str) -> Callable[..., Any]:
    module, _, name = named.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
