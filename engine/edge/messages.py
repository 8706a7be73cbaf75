"""What a device and its hospital write for each other in a folder: signed messages, and a recording inside of one.

    from-device/NUMBER.msg   events of the device since the last answer, and which studies it keeps
    to-device/news.msg       which events have arrived, which studies are gone, until when the rest may be shown
    to-device/bundle/        a newer bundle, where the hospital put one there

A message is a line with the HMAC-SHA256 of the rest under the device's key, and JSON. It is written whole or not at
all. Every event has a key of its own, so that a message may be lost, repeated or read twice.
"""

from __future__ import annotations

import base64
import hmac
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.edge.signed import FORMAT, signature
from engine.errors import UsageError
from engine.files import write_whole
from engine.study import Film, Study, Trace, fingerprint

FROM_DEVICE, TO_DEVICE, NEWS = "from-device", "to-device", "news.msg"
ENDING = ".msg"
FILM_SIDE = 1024  # pixels
BYTE = 8  # bits


def write_message(file: Path, said: Mapping[str, Any], key: bytes) -> None:
    """Write a signed message."""
    file.parent.mkdir(parents=True, exist_ok=True)
    body = json.dumps({"format": FORMAT, **said}, ensure_ascii=False).encode()
    write_whole(file, signature(body, key).encode() + b"\n" + body)


def read_message(file: Path, key: bytes) -> dict[str, Any]:
    """Return a message; UsageError where it is not signed under the key or of another version."""
    stated, _, body = file.read_bytes().partition(b"\n")
    if not hmac.compare_digest(signature(body, key).encode(), stated):
        raise UsageError(f"The message {file.name} is not signed with this device's key, so nothing of it is taken.")
    said: dict[str, Any] = json.loads(body)
    if said.get("format") != FORMAT:
        raise UsageError(f"The message {file.name} is of another version: install both programs of one version.")
    return said


def packed_study(study: Study) -> dict[str, Any]:
    """Return what was searched as JSON, a trace's stretch or a film; no fact of the file goes with it.

    A film goes with at most FILM_SIDE pixels along its longer side.
    """
    said = {"modality": study.modality, "recognised": study.recognised}
    if isinstance(study.content, Film):
        film = _smaller(study.content)
        pixels = _packed(film.pixels, "<u2")
        return {**said, "shape": film.pixels.shape, "bits": film.bits, "spacing_mm": film.spacing_mm, "pixels": pixels}
    trace = study.searched_trace
    samples = _packed(trace.samples, "<f4")
    return {**said, "leads": list(trace.leads), "fs": trace.fs, "units": trace.units, "samples": samples}


def unpacked_study(said: Mapping[str, Any]) -> Study:
    """Return such a study; UsageError where it is damaged."""
    try:
        content: Trace | Film
        if "pixels" in said:
            pixels = _unpacked(said["pixels"], "<u2").reshape(said["shape"])
            spacing = None if said["spacing_mm"] is None else tuple(map(float, said["spacing_mm"]))
            bits = int(said["bits"])
            content = Film(pixels.astype(np.uint8 if bits <= BYTE else np.uint16), bits, spacing)  # type: ignore[arg-type]
        else:
            leads = tuple(said["leads"])
            samples = _unpacked(said["samples"], "<f4").reshape(len(leads), -1)
            content = Trace(samples.astype(np.float32), leads, float(said["fs"]), said["units"])
        return Study(said["modality"], content, said["recognised"], fingerprint=fingerprint(content))
    except (KeyError, ValueError, TypeError, zlib.error) as error:
        raise UsageError(f"A recording of the device is damaged ({type(error).__name__}), so it is left out.") from None


def _packed(numbers: np.ndarray, kind: str) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(numbers, kind).tobytes())).decode("ascii")


def _unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def _smaller(film: Film) -> Film:
    """Return a film with at most FILM_SIDE pixels along its longer side, the same grey values."""
    height, width = film.pixels.shape
    share = FILM_SIDE / max(height, width)
    if share >= 1:
        return film
    from PIL import Image

    size = max(1, round(width * share)), max(1, round(height * share))
    grey = np.asarray(Image.fromarray(film.pixels.astype(np.float32)).resize(size, Image.Resampling.BOX))
    spacing = film.spacing_mm
    if spacing is not None:
        spacing = spacing[0] * height / size[1], spacing[1] * width / size[0]
    return Film(np.rint(grey).astype(film.pixels.dtype), film.bits, spacing)
