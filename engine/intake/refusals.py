"""The sentence for each kind of file that is not read: what it is, why not, what next."""

from __future__ import annotations

from engine.errors import IntakeError
from engine.intake.upload import Upload

_READS = "what is read here is DICOM, PNG, JPEG, WFDB, CSV and EDF"
_EXPORT_IMAGE = "export the film as DICOM, or as PNG, and drop that"
_EXPORT_TRACE = "export the trace as CSV with one row per sample, as EDF or as WFDB, and drop that"

_SENTENCES = {
    "pdf": f"This is a PDF, which holds a picture of a recording but not its samples: {_EXPORT_TRACE}, or "
    f"{_EXPORT_IMAGE}.",
    "tiff": f"This is a TIFF image, which is not read: {_EXPORT_IMAGE}.",
    "bmp": f"This is a BMP image, which is not read: {_EXPORT_IMAGE}.",
    "webp": f"This is a WebP image, which is not read: {_EXPORT_IMAGE}.",
    "gif": f"This is a GIF image, which keeps too few grey levels for a film: {_EXPORT_IMAGE}.",
    "heic": f"This is a HEIC or AVIF photograph, which is not read: {_EXPORT_IMAGE}.",
    "jpeg2000": f"This is a bare JPEG 2000 image, which is not read outside DICOM: {_EXPORT_IMAGE}.",
    "video": "This is a video, and only single frontal chest films and recorded traces are searched: drop one of "
    "those.",
    "office": f"This is an Office document, which is not read: save the sheet as CSV, or otherwise {_EXPORT_TRACE}.",
    "matlab": f"This is a MATLAB 5 file without a WFDB header, so rate, leads and units are unknown: {_EXPORT_TRACE}.",
    "hdf5": f"This is an HDF5 or MATLAB 7.3 file, which is not read: {_EXPORT_TRACE}.",
    "numpy": f"This is a NumPy array, which says neither rate nor leads: {_EXPORT_TRACE}.",
    "scp": f"This is an SCP-ECG file, which is not read: {_EXPORT_TRACE}.",
    "ishne": f"This is an ISHNE Holter file, which is not read: {_EXPORT_TRACE}.",
    "signal": "This is the signal part of a WFDB record without its header: drop the .hea file together with it.",
    "compressed": "This archive is of a kind that is not opened: unpack it, or pack the files of one study as a zip.",
    "rtf": "This is a formatted text document, and no recording or film: type the finding into the search field "
    "instead.",
    "html": "This is a web page, perhaps an error page saved in the place of the file: download the file again; "
    f"{_READS}.",
    "xml": f"This is an XML file, which is not read: {_EXPORT_TRACE}.",
    "text": f"This is plain text, and no recording or film: {_READS}; a finding is typed into the search field.",
    "binary": f"The content is of no kind that is known ({_READS}): if it is the signal part of a WFDB record, "
    "drop its .hea header together with it.",
}
_HEADERLESS = (
    "This looks like the signal part of a WFDB record, and without its header the rate, leads and units are unknown: "
    "drop the .hea file together with it."
)


def refusal(upload: Upload, kind: str) -> IntakeError:
    """Return the error for one file of a kind that is not read; the suffix only picks the wording."""
    if kind in ("binary", "matlab") and upload.base.endswith((".dat", ".mat")):
        return IntakeError(_HEADERLESS)
    return IntakeError(_SENTENCES.get(kind, _SENTENCES["binary"]))
