"""The SOP classes that come in, one row each; listener, conformance statement and take-up read them here.

A sender that is refused one object of a study often fails the whole study, so what accompanies films and recordings is
accepted too and kept aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom import uid

Role = Literal["film", "recording", "beside"]


@dataclass(frozen=True)
class AcceptedClass:
    """One SOP class. role: a film, a recording, or what accompanies them and is kept aside."""

    uid: str
    role: Role

    @property
    def name(self) -> str:
        """The standard's name of the class."""
        return uid.UID(self.uid).name


_FILMS = (uid.ComputedRadiographyImageStorage, uid.DigitalXRayImageStorageForPresentation)
_RECORDINGS = (
    uid.TwelveLeadECGWaveformStorage,
    uid.GeneralECGWaveformStorage,
    uid.AmbulatoryECGWaveformStorage,
    uid.General32bitECGWaveformStorage,
    uid.ArterialPulseWaveformStorage,
)
_BESIDE = (
    uid.DigitalXRayImageStorageForProcessing,
    uid.SecondaryCaptureImageStorage,
    uid.KeyObjectSelectionDocumentStorage,
    uid.BasicTextSRStorage,
    uid.EnhancedSRStorage,
    uid.ComprehensiveSRStorage,
    uid.Comprehensive3DSRStorage,
    uid.XRayRadiationDoseSRStorage,
    uid.GrayscaleSoftcopyPresentationStateStorage,
    uid.ColorSoftcopyPresentationStateStorage,
    uid.PseudoColorSoftcopyPresentationStateStorage,
    uid.BlendingSoftcopyPresentationStateStorage,
    uid.EncapsulatedPDFStorage,
    uid.EncapsulatedCDAStorage,
)
_ROLES: dict[Role, tuple[uid.UID, ...]] = {"film": _FILMS, "recording": _RECORDINGS, "beside": _BESIDE}
ACCEPTED: dict[str, AcceptedClass] = {
    str(one): AcceptedClass(str(one), role) for role, listed in _ROLES.items() for one in listed
}
VERIFICATION = uid.UID("1.2.840.10008.1.1")
COMMITMENT = uid.UID("1.2.840.10008.1.20.1")  # Storage Commitment Push Model
FIND = uid.UID("1.2.840.10008.5.1.4.1.2.2.1")  # Study Root Query/Retrieve Information Model
GET = uid.UID("1.2.840.10008.5.1.4.1.2.2.3")
SENT = (  # what goes back into the archive, in explicit VR little endian
    uid.ComprehensiveSRStorage,
    uid.KeyObjectSelectionDocumentStorage,
    uid.SecondaryCaptureImageStorage,
    uid.GrayscaleSoftcopyPresentationStateStorage,
)
FETCHED_MODALITIES = ("CR", "DX", "ECG")  # of series that hold films and recordings


def name_of(sop_class: str) -> str:
    """Return the standard's name of a SOP class, or its number where the standard has none."""
    return uid.UID(sop_class).name
