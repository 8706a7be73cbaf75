"""An encrypted file says what was written, or says that it is not that; whatever was done to it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.store import encryption
from engine.store.encryption import FRAME_BYTES, HEADER, TAG_BYTES, ChangedError, decrypt, encrypt, is_encrypted

EXAMPLES = int(os.environ.get("CASEBIND_ENCRYPTION_EXAMPLES", "40"))
KEY_ID, KEY, NAME = b"i" * 16, b"k" * 32, "studies/ab/one.png"
FRAME = FRAME_BYTES + TAG_BYTES
THREE = bytes(range(256)) * (10 * 1024) + b"end"  # of two whole frames and a part of a third


def opened(data: bytes, name: str = NAME, key: bytes = KEY) -> bytes:
    return decrypt(data, {KEY_ID: key}.__getitem__, name)


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 2 * FRAME_BYTES])
def test_what_was_written_is_read_at_every_edge_of_a_frame(size: int) -> None:
    data = b"\x07" * size
    made = encrypt(data, KEY_ID, KEY, NAME)
    assert is_encrypted(made) and opened(made) == data
    assert len(made) == HEADER.size + size + TAG_BYTES * max(1, -(-size // FRAME_BYTES))


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.binary(max_size=300), place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_changed_bit_anywhere_is_found(data: bytes, place: int, bit: int) -> None:
    made = bytearray(encrypt(data, KEY_ID, KEY, NAME))
    made[place % len(made)] ^= 1 << bit
    with pytest.raises((ChangedError, KeyError)):  # KeyError: it asks for a key that there is not
        opened(bytes(made))


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.binary(min_size=1, max_size=300), n=st.integers(1, 400))
def test_a_cut_or_lengthened_file_is_found(data: bytes, n: int) -> None:
    made = encrypt(data, KEY_ID, KEY, NAME)
    for spoilt in (made[: -min(n, len(made))], made + bytes(n)):
        with pytest.raises(ChangedError):
            opened(spoilt)


def frames(made: bytes) -> tuple[bytes, list[bytes]]:
    body = made[HEADER.size :]
    return made[: HEADER.size], [body[at : at + FRAME] for at in range(0, len(body), FRAME)]


def test_frames_are_not_swapped_left_out_repeated_or_taken_from_another_file() -> None:
    header, (one, two, three) = frames(encrypt(THREE, KEY_ID, KEY, NAME))
    _, (other, *_) = frames(encrypt(THREE, KEY_ID, KEY, NAME))
    assert opened(header + one + two + three) == THREE
    for spoilt in (two + one + three, one + three, one + two, one, one + one + two + three, other + two + three, b""):
        with pytest.raises(ChangedError):
            opened(header + spoilt)


def test_a_file_in_the_place_of_another_or_under_another_key_is_found() -> None:
    made = encrypt(b"words", KEY_ID, KEY, NAME)
    with pytest.raises(ChangedError):
        opened(made, name="studies/ab/two.png")
    with pytest.raises(ChangedError):
        opened(made, key=b"l" * 32)
    with pytest.raises(ChangedError):
        opened(made[:8] + b"\x02" + made[9:])  # of a later form


def test_the_same_content_is_never_written_alike() -> None:
    assert len({encrypt(b"words", KEY_ID, KEY, NAME)[-21:] for _ in range(20)}) == 20
    assert encryption.derived(KEY, b"one use") != encryption.derived(KEY, b"another")
