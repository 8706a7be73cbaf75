"""Messages between the app and the processes that read its uploads: JSON, and bytes beside it.

What a reader sends was made beside a foreign file. Nothing in a message can name code, and arrays are built from bytes
and a shape that are checked against each other.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.study import Film, IdentityRow, Note, Study, Trace

_LENGTH = 8  # bytes of a length, big endian
_MOST_JSON = 16_000_000  # bytes
_TRACE, _FILM, _NOTE = "trace", "film", "note"
_SAMPLES, _PIXELS = ("<f4",), ("|u1", "<u2")  # types of arrays, as numpy spells them


class MessageError(Exception):
    """The other side has gone, or sent what is no message."""


class TooLateError(MessageError):
    """The other side is there and did not send a whole message in time."""


@dataclass(frozen=True)
class Message:
    """One message.

    body  : what JSON can hold
    parts : bytes beside it; the body names them by their places
    """

    body: dict[str, Any]
    parts: Sequence[bytes | bytearray | memoryview] = ()


def send(connection: socket.socket, message: Message) -> None:
    """Send one message; OSError where the other side has gone."""
    sizes = [len(part) for part in message.parts]
    head = json.dumps({"body": message.body, "sizes": sizes}, default=_number).encode()
    connection.sendall(len(head).to_bytes(_LENGTH, "big") + head)
    for part in message.parts:
        connection.sendall(part)


def receive(connection: socket.socket, *, until: float, most: int) -> Message:
    """Return the next message.

    until : the moment, by time.monotonic(), at which waiting ends
    most  : bytes that its parts may have

    Raises MessageError, TooLateError.
    """
    try:
        length = int.from_bytes(_exactly(connection, _LENGTH, until), "big")
        head = json.loads(_exactly(connection, _fitting(length, _MOST_JSON), until))
        sizes = [_fitting(int(size), most) for size in head["sizes"]]
        _fitting(sum(sizes), most)
        return Message(dict(head["body"]), [_exactly(connection, size, until) for size in sizes])
    except TimeoutError as error:
        raise TooLateError("no whole message arrived in time") from error
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise MessageError("no whole message arrived") from error


def study_message(study: Study) -> Message:
    """Return a study as a message."""
    parts: list[bytes] = []
    body = {
        "modality": study.modality,
        "content": content_out(study.content, parts),
        "recognised": study.recognised,
        "identity": [{"tag": row.tag, "action": row.action, "reason": row.reason} for row in study.identity],
        "identity_note": study.identity_note,
        "facts": study.facts,
        "patient_key": study.patient_key,
        "window_s": study.window_s,
        "fingerprint": study.fingerprint,
        "other_reading": None if study.other_reading is None else content_out(study.other_reading, parts),
        "previous_key": study.previous_key,
    }
    return Message(body, parts)


def study_in(message: Message) -> Study:
    """Return the study of a message; MessageError where there is none in it."""
    try:
        body = message.body
        other = None if body["other_reading"] is None else content_in(body["other_reading"], message.parts)
        if other is not None and not isinstance(other, Film):
            raise TypeError("the other reading is no film")
        return Study(
            str(body["modality"]),
            content_in(body["content"], message.parts),
            str(body["recognised"]),
            tuple(IdentityRow(str(row["tag"]), row["action"], str(row["reason"])) for row in body["identity"]),
            str(body["identity_note"]),
            dict(body["facts"]),
            None if body["patient_key"] is None else str(body["patient_key"]),
            None if body["window_s"] is None else (float(body["window_s"][0]), float(body["window_s"][1])),
            str(body["fingerprint"]),
            other,
            None if body["previous_key"] is None else str(body["previous_key"]),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise MessageError("the message holds no study") from error


def content_out(content: Trace | Film | Note, parts: list[bytes]) -> dict[str, Any]:
    """Return the content as JSON holds it; its array is added to the parts."""
    if isinstance(content, Note):
        return {"kind": _NOTE, "text": content.text}
    if isinstance(content, Film):
        array = _array_out(content.pixels, parts)
        return {"kind": _FILM, "array": array, "bits": content.bits, "spacing_mm": content.spacing_mm}
    array = _array_out(content.samples, parts)
    return {"kind": _TRACE, "array": array, "leads": content.leads, "fs": content.fs, "units": content.units}


def content_in(given: dict[str, Any], parts: Sequence[Any]) -> Trace | Film | Note:
    """Return the content that `content_out` made; its array is one of the parts."""
    if given["kind"] == _NOTE:
        return Note(str(given["text"]))
    if given["kind"] == _FILM:
        spacing = given["spacing_mm"]
        pixels = _array_in(given["array"], parts, _PIXELS)
        return Film(pixels, int(given["bits"]), None if spacing is None else (float(spacing[0]), float(spacing[1])))
    samples = _array_in(given["array"], parts, _SAMPLES)
    return Trace(samples, tuple(str(lead) for lead in given["leads"]), float(given["fs"]), given["units"])


def _array_out(array: np.ndarray, parts: list[bytes]) -> dict[str, Any]:
    parts.append(array.tobytes())
    return {"dtype": array.dtype.str, "shape": array.shape, "part": len(parts) - 1}


def _array_in(given: dict[str, Any], parts: Sequence[Any], types: Sequence[str]) -> np.ndarray:
    """Return the array, (rows, columns) of one of the types; ValueError where its bytes and its shape do not agree."""
    dtype, (rows, columns) = str(given["dtype"]), given["shape"]
    if dtype not in types or int(rows) < 0 or int(columns) < 0:
        raise ValueError("no array of a study")
    return np.frombuffer(parts[int(given["part"])], dtype).reshape(int(rows), int(columns))


def _number(value: Any) -> Any:
    """Return a numpy number as JSON writes it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no part of a message")


def _fitting(size: int, most: int) -> int:
    if not 0 <= size <= most:
        raise ValueError("a message of a size that cannot be")
    return size


def _exactly(connection: socket.socket, n: int, until: float) -> bytearray:
    """Return the next n bytes; OSError where they do not arrive in time, or the other side has gone."""
    data, at = bytearray(n), 0
    view = memoryview(data)
    while at < n:
        connection.settimeout(max(0.001, until - time.monotonic()))
        got = connection.recv_into(view[at:])
        if got == 0:
            raise ConnectionError("the other side has gone")
        at += got
    return data
