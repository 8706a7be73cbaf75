"""Size and channels inside a compressed frame, read before a decoder allocates memory for them."""

from __future__ import annotations

_J2K_START = b"\xff\x4f\xff\x51"
_NO_SIZE = {0xC4, 0xC8, 0xCC}  # markers between C0 and CF that are no start of frame (ITU-T T.81 table B.1)
_JPEG_LS_FRAME = 0xF7
_STANDALONE = {0x01, *range(0xD0, 0xDA)}


def frame_size(frame: bytes) -> tuple[int, int, int] | None:
    """Return (rows, columns, channels) of a JPEG, JPEG-LS or JPEG 2000 frame, or None where it says nothing."""
    if (at := frame.find(_J2K_START, 0, 512)) >= 0:
        return _j2k_size(frame[at:])
    return _jpeg_size(frame) if frame[:2] == b"\xff\xd8" else None


def _j2k_size(stream: bytes) -> tuple[int, int, int] | None:
    """SIZ marker segment, ISO/IEC 15444-1 A.5.1: Xsiz Ysiz XOsiz YOsiz as 32-bit numbers, four of the tiles, Csiz."""
    if len(stream) < 42:
        return None
    x, y, x0, y0 = (int.from_bytes(stream[i : i + 4], "big") for i in (8, 12, 16, 20))
    return y - y0, x - x0, int.from_bytes(stream[40:42], "big")


def _jpeg_size(frame: bytes) -> tuple[int, int, int] | None:
    """Walk the marker segments up to the start of frame, ITU-T T.81 B.2.2 and T.87 C.2.2."""
    at = 2
    while at + 10 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if (0xC0 <= marker <= 0xCF and marker not in _NO_SIZE) or marker == _JPEG_LS_FRAME:
            rows, columns = (int.from_bytes(frame[at + i : at + i + 2], "big") for i in (5, 7))
            return rows, columns, frame[at + 9]
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
