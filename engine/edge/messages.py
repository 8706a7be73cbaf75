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
from engine.study import Study, Trace, fingerprint

FROM_DEVICE, TO_DEVICE, NEWS = "from-device", "to-device", "news.msg"
ENDING = ".msg"


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
    """Return the searched stretch of a trace as JSON; no fact of the file goes with it."""
    trace = study.searched_trace
    samples = zlib.compress(np.ascontiguousarray(trace.samples, "<f4").tobytes())
    return {
        "modality": study.modality,
        "recognised": study.recognised,
        "leads": list(trace.leads),
        "fs": trace.fs,
        "units": trace.units,
        "samples": base64.b64encode(samples).decode("ascii"),
    }


def unpacked_study(said: Mapping[str, Any]) -> Study:
    """Return such a study; UsageError where it is damaged."""
    try:
        samples = np.frombuffer(zlib.decompress(base64.b64decode(said["samples"])), "<f4")
        leads = tuple(said["leads"])
        trace = Trace(samples.reshape(len(leads), -1).astype(np.float32), leads, float(said["fs"]), said["units"])
        return Study(said["modality"], trace, said["recognised"], fingerprint=fingerprint(trace))
    except (KeyError, ValueError, TypeError, zlib.error) as error:
        raise UsageError(f"A recording of the device is damaged ({type(error).__name__}), so it is left out.") from None
