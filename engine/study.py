"""The things that travel through the engine: Trace, Film, Note, and the Study that wraps one of them.

A study is one recording, film or report of one modality. Everything here is plain data: no input or output.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

Modality = str
"""The name of a modality: "cxr", "ecg", "ppg", "text", or one that was registered (engine.modalities)."""

Box = tuple[float, float, float, float]
"""A part of a film: left, top, right, bottom as shares 0..1 of its width and height."""

# The standard 12 leads in the order of SCP-ECG (EN 1064) and of PTB-XL.
ECG_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
PPG_LEAD = "PPG"

Units = Literal["mV", "au", "sd"]
"""mV: calibrated; au: arbitrary units (PPG); sd: z-scored, amplitude unknown (never drawn on a millivolt grid)."""


@dataclass(frozen=True, eq=False)
class Trace:
    """One ECG or PPG recording.

    samples : (leads, n) float32, in `units`; NaN where a sample is missing
    leads   : canonical names, a subset of ECG_LEADS in that order, or ("PPG",)
    fs      : sampling rate, Hz
    """

    samples: np.ndarray
    leads: tuple[str, ...]
    fs: float
    units: Units

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.fs

    def between(self, start_s: float, end_s: float) -> Trace:
        """Return the stretch [start_s, end_s) as a trace of its own."""
        first, last = round(start_s * self.fs), round(end_s * self.fs)
        return Trace(self.samples[:, first:last], self.leads, self.fs, self.units)


@dataclass(frozen=True, eq=False)
class Film:
    """One frontal chest film, ready to be shown: modality and VOI LUT applied, 0 is black.

    pixels     : (height, width) uint8 or uint16; full scale is 2**bits - 1
    spacing_mm : (row, column) mm per pixel at the detector, or None where the file does not say
    """

    pixels: np.ndarray
    bits: int
    spacing_mm: tuple[float, float] | None = None


@dataclass(frozen=True)
class Note:
    """A typed finding or a report."""

    text: str


Content = TypeVar("Content", Trace, Film, Note)


@dataclass(frozen=True)
class IdentityRow:
    """What de-identification did with one element; never holds the original value."""

    tag: str  # "(0010,0010) Patient's Name", "file name", "WFDB comment 1"
    action: Literal["kept", "replaced", "removed"]
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Study:
    """One study on its way through the engine.

    content       : what is encoded and drawn
    recognised    : one phrase, e.g. "WFDB, 12 leads, 500 Hz, 10 s"
    identity      : the de-identification table, in file order
    identity_note : what could not be ruled out, e.g. burned-in text; empty when nothing is open
    facts         : non-identifying facts under manifest.csv's column names (age, sex, view, labels, report …)
    patient_key   : keyed hash of the file's own patient identifier, so that a query never meets its own patient
    window_s      : (start, end) of the stretch that is searched when a trace is longer than that; else None
    fingerprint   : sha256 of the canonical content, hex; equal for the same pixels or samples
    other_reading : a film that the same file can be read as, until engine.intake.settle has chosen; else None
    previous_key  : the keyed hash that earlier versions made of the same identifier; None where it is the same
    """

    modality: Modality
    content: Trace | Film | Note
    recognised: str
    identity: tuple[IdentityRow, ...] = ()
    identity_note: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    patient_key: str | None = None
    window_s: tuple[float, float] | None = None
    fingerprint: str = ""
    other_reading: Film | None = None
    previous_key: str | None = None

    @property
    def trace(self) -> Trace:
        """The content of an ECG or a pulse recording; TypeError if it is none."""
        return self._content_as(Trace)

    @property
    def film(self) -> Film:
        """The content of a chest film; TypeError if it is none."""
        return self._content_as(Film)

    @property
    def note(self) -> Note:
        """The content of a report or a typed finding; TypeError if it is none."""
        return self._content_as(Note)

    def _content_as(self, kind: type[Content]) -> Content:
        if not isinstance(self.content, kind):
            holds = type(self.content).__name__
            raise TypeError(f"A study of modality {self.modality} holds a {holds}, not a {kind.__name__}.")
        return self.content

    @property
    def searched_trace(self) -> Trace:
        """What is encoded of a trace: its chosen window, or all of it; TypeError for a film and for words."""
        return self.trace if self.window_s is None else self.trace.between(*self.window_s)

    @property
    def searched(self) -> Trace | Film | Note:
        """The content that is encoded: the chosen window of a long trace, else all of it."""
        return self.searched_trace if isinstance(self.content, Trace) else self.content


def fingerprint(content: Trace | Film | Note) -> str:
    """Return the sha256 (hex) of samples + leads + rate, pixels + shape + depth, or text."""
    digest = hashlib.sha256()
    if isinstance(content, Trace):
        digest.update(
            f"trace {','.join(content.leads)} {content.fs:.6g} {content.units} {content.samples.shape}".encode()
        )
        samples = np.ascontiguousarray(content.samples, dtype="<f4")
        digest.update((samples + np.float32(0)).tobytes())  # a zero is a zero, with or without a sign
    elif isinstance(content, Film):
        digest.update(f"film {content.pixels.shape} {content.bits}".encode())
        digest.update(np.ascontiguousarray(content.pixels, dtype="<u2").tobytes())
    else:
        digest.update(b"note " + " ".join(content.text.split()).encode())
    return digest.hexdigest()
