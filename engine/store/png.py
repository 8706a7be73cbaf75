"""Grey films as PNG (ISO/IEC 15948), written several times faster than by libraries that try every filter on each line.

Each line holds its differences from the line above, and runs alone are packed (zlib's Z_RLE): a film has few longer
repetitions, so its file is smaller than at zlib's quickest level, too.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, UP = 0, 2  # colour type, and filter: the byte above is subtracted
MEMORY = 9  # zlib's largest


def grey_png(pixels: np.ndarray, keyword: str, text: str) -> bytes:
    """Return a PNG file. pixels : (height, width) uint8 or uint16; text : ASCII, under a keyword of its tEXt chunk."""
    height, width = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, GREY, 0, 0, 0)
    words = f"{keyword}\0{text}".encode("ascii")
    parts = ((b"IHDR", header), (b"tEXt", words), (b"IDAT", _packed(_lines(pixels))), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(*part) for part in parts)


def _lines(pixels: np.ndarray) -> np.ndarray:
    """Return (height, 1 + bytes of a line) uint8: the filter, and each byte less the one above; big endian."""
    order = pixels.dtype.newbyteorder(">")
    stored = np.ascontiguousarray(pixels, order).view(np.uint8)
    lines = np.empty((len(stored), 1 + stored.shape[1]), np.uint8)
    lines[:, 0] = UP
    lines[:1, 1:] = stored[:1]
    np.subtract(stored[1:], stored[:-1], out=lines[1:, 1:])
    return lines


def _packed(lines: np.ndarray) -> bytes:
    packer = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, zlib.MAX_WBITS, MEMORY, zlib.Z_RLE)
    return packer.compress(lines.data) + packer.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
