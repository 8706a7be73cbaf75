"""A study goes through a message whole; what is no message, and no study, is not taken."""

from __future__ import annotations

import json
import socket
import threading
import time

import numpy as np
import pytest
from helpers.studies import same_study

from engine.intake.messages import Message, MessageError, TooLateError, receive, send, study_in, study_message
from engine.study import Film, IdentityRow, Study

WAIT_S = 240
MOST = 1_000_000


def exchange(message: Message, most: int = MOST) -> Message:
    """Return a message as it arrives on the other side."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sending = threading.Thread(target=send, args=(ours, message))
        sending.start()
        try:
            return receive(theirs, until=time.monotonic() + WAIT_S, most=most)
        finally:
            sending.join()


def arrives(data: bytes, most: int = MOST) -> Message:
    """Return the message that some bytes are, after which the other side goes."""
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(data)
        return receive(theirs, until=time.monotonic() + WAIT_S, most=most)


STUDY = Study(
    "cxr",
    Film(np.arange(12, dtype=np.uint16).reshape(3, 4), 12, (0.1, 0.2)),
    "a film",
    (IdentityRow("a", "removed", "b"),),
    facts={"age": np.int64(3), "view": "PA"},
    window_s=(0.0, 1.0),
    fingerprint="f",
    other_reading=Film(np.zeros((3, 4), np.uint8), 8),
)


def test_a_study_goes_through_a_message() -> None:
    found = study_in(exchange(study_message(STUDY)))
    assert same_study(found, STUDY)
    assert found.other_reading is not None
    assert found.other_reading.pixels.shape == (3, 4)
    assert type(found.facts["age"]) is int
    found.film.pixels[0, 0] = 1  # it can be written to, as any other


def changed(**content: object) -> Message:
    message = study_message(STUDY)
    return Message({**message.body, "content": {**message.body["content"], **content}}, message.parts)


BROKEN = {
    "more rows than bytes": changed(array={"dtype": "<u2", "shape": [300, 4], "part": 0}),
    "a negative shape": changed(array={"dtype": "<u2", "shape": [-1, 4], "part": 0}),
    "objects": changed(array={"dtype": "|O", "shape": [3, 1], "part": 0}),
    "another type": changed(array={"dtype": "<f8", "shape": [3, 1], "part": 0}),
    "no such part": changed(array={"dtype": "<u2", "shape": [3, 4], "part": 7}),
    "another kind": changed(kind="module"),
    "no content": Message({"modality": "cxr"}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_study_is_not_taken(case: str) -> None:
    with pytest.raises(MessageError):
        study_in(exchange(BROKEN[case]))


def framed(head: bytes) -> bytes:
    return len(head).to_bytes(8, "big") + head


NO_MESSAGES = {
    "nothing": b"",
    "half a length": b"\0\0",
    "half a message": framed(json.dumps({"body": {}, "sizes": [10]}).encode()) + b"123",
    "a pickle": framed(b"\x80\x04cos\nsystem\n"),
    "a length that cannot be": b"\xff" * 8,
    "parts that cannot be": framed(json.dumps({"body": {}, "sizes": [10**15]}).encode()),
    "parts below nothing": framed(json.dumps({"body": {}, "sizes": [-1]}).encode()),
    "a nest": framed(b"[" * 100_000),
    "a list": framed(b"[]"),
}


@pytest.mark.parametrize("case", NO_MESSAGES)
def test_what_is_no_message_is_not_taken(case: str) -> None:
    with pytest.raises(MessageError):
        arrives(NO_MESSAGES[case])


def test_a_message_that_does_not_come_ends_the_wait() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TooLateError):
        receive(theirs, until=time.monotonic() + 0.05, most=MOST)
