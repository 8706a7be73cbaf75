"""Text burned into the pixels of a film: names, dates and numbers that no header says and no keep-list removes.

rapidocr (PP-OCRv6, its weights inside the wheel, so that nothing is fetched) is asked about overlapping tiles of the
film: of a whole film it misses most text, which is small beside everything else. What it reads with some certainty in
four letters or digits and more is text, unless it is one of the markers that films carry (assets/film_markers.toml).
It flags and does not judge: whether the text names somebody is for a person to say. Small or faint text can be missed,
so nobody may say that there is none. `casebind bench burned-in` measures how much is found.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from engine.drawing.film import grey8
from engine.errors import UsageError
from engine.settings import ASSETS
from engine.study import Box, Film

if TYPE_CHECKING:
    from rapidocr import RapidOCR

PACKAGES = ("rapidocr", "onnxruntime")  # of the extra ocr
LEAST_SCORE = 0.6  # of a reading that counts
LEAST_SIGNS = 4  # letters and digits of one
THREADS = 1
"""Of onnxruntime: tiles are small, and several threads would spin for each other wherever other work is under way."""
LOOKS_PX = ((1024, 340), (1024, 256), (2048, 340))
"""Pixels of a film's shorter side as it is looked at, and of a tile's; the largest if the film has nearly as many."""
OVERLAP_PX = 40  # what a tile shares with its neighbours on each side
_ENOUGH = 0.7  # of the largest size, that a film has of its own
_LONGEST = 3  # times its shorter side, up to which a film is looked at in full size
_PADDING = 32  # pixels of the median around a tile, as letters at its edge are missed
_NEAR_PX = 6  # to a tile's edge, at which words may be cut
_LONG = 6  # letters of a marker that may be misread in one
_ROOM = 0.25  # of a box's shorter side, added around it for what letters reach beyond it


def is_available() -> bool:
    """Return whether the extra `ocr` is installed, without which text is not looked for."""
    return all(importlib.util.find_spec(name) is not None for name in PACKAGES)


def need() -> None:
    """Raise UsageError where the extra `ocr` is not installed."""
    if not is_available():
        raise UsageError("Text burned into films is looked for by the extra ocr: run pip install 'casebind[ocr]'.")


def looked_by() -> str:
    """Return what looks for text, with its version."""
    return f"rapidocr {importlib.metadata.version('rapidocr')}"


def text_boxes(film: Film) -> tuple[Box, ...]:
    """Return where a film seems to carry text that is no marker, each with some room around it, from the top down.

    No box does not mean that there is no text. Raises UsageError where the extra `ocr` is not installed.
    """
    need()
    grey = grey8(film)
    found = [box for side_px, tile_px in LOOKS_PX for box in _at_size(grey, side_px, tile_px)]
    return tuple(sorted(_joined(found), key=lambda box: (box[1], box[0])))


def is_text(words: str, score: float, is_cut: bool = False) -> bool:
    """Return whether a reading counts as text: sure enough, four letters or digits or more, and no marker.

    is_cut : whether it may be a part of longer words
    """
    signs = sum(sign.isalnum() for sign in words)
    return score >= LEAST_SCORE and signs >= LEAST_SIGNS and not is_marker(words, is_cut)


def is_marker(words: str, is_cut: bool = False) -> bool:
    """Return whether each word is a side, position, projection or exposure; a long one may be misread in one letter.

    is_cut : whether parts of such words count as well
    """
    known, joined, exposure = _markers()
    plain = exposure.sub(" ", " ".join(re.findall(r"[^\W_]+", words.upper())))
    return all(joined.fullmatch(word) or _is_nearly(word, known, is_cut) for word in plain.split())


def _is_nearly(word: str, known: tuple[str, ...], is_cut: bool) -> bool:
    if is_cut and any(word in one for one in known):
        return True
    return len(word) >= _LONG and any(Levenshtein.distance(word, one, score_cutoff=1) <= 1 for one in known)


@lru_cache(maxsize=1)
def _markers() -> tuple[tuple[str, ...], re.Pattern[str], re.Pattern[str]]:
    """Return the words of the list, what matches one or long ones run together, and a quantity with its value."""
    table = tomllib.loads((ASSETS / "film_markers.toml").read_text(encoding="utf-8"))
    words = tuple(word for kind in table["words"].values() for word in kind)
    together = "|".join(word for word in words if len(word) >= LEAST_SIGNS)
    quantity = rf"\b(?:{'|'.join(table['exposure']['quantities'])})(?: ?[0-9]{{1,3}}){{0,2}}\b"
    return words, re.compile(f"{'|'.join(words)}|(?:{together})+"), re.compile(quantity)


def _at_size(grey: np.ndarray, side_px: int, tile_px: int) -> Iterator[Box]:
    """Yield the boxes of text in a film of that many pixels on its shorter side, none where it has too few."""
    import cv2

    if side_px > LOOKS_PX[0][0] and min(grey.shape) < _ENOUGH * side_px:
        return
    scale = min(side_px / min(grey.shape), _LONGEST * side_px / max(grey.shape))
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    sized = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=how)
    for top, bottom in _tiles(sized.shape[0], tile_px):
        for left, right in _tiles(sized.shape[1], tile_px):
            yield from _in_tile(sized, (left, top, right, bottom))


def _tiles(length: int, tile_px: int) -> list[tuple[int, int]]:
    """Return the starts and ends of the tiles along a side; they overlap, so that a short word is whole in one."""
    n = max(1, round(length / tile_px))
    cuts = [round(length * i / n) for i in range(n + 1)]
    return [(max(0, start - OVERLAP_PX), min(length, end + OVERLAP_PX)) for start, end in pairwise(cuts)]


def _in_tile(grey: np.ndarray, tile: tuple[int, int, int, int]) -> Iterator[Box]:
    """Yield the boxes of text in a tile (left, top, right, bottom; pixels), in shares of the film."""
    left, top, right, bottom = tile
    part = grey[top:bottom, left:right]
    padded = np.pad(part, _PADDING, constant_values=int(np.median(part)))
    found: Any = _reader()(np.repeat(padded[..., None], 3, axis=2))
    if found.boxes is None or found.txts is None or found.scores is None:
        return
    for corners, words, score in zip(found.boxes, found.txts, found.scores, strict=True):
        x, y = (np.asarray(corners, np.float64) - _PADDING + (left, top)).T
        if is_text(words, score, _is_cut(x, y, tile, grey.shape)):
            yield _with_room(x, y, grey.shape[1], grey.shape[0])


def _is_cut(x: np.ndarray, y: np.ndarray, tile: tuple[int, int, int, int], film: tuple[int, ...]) -> bool:
    """Return whether what stands between corners in pixels reaches an edge of its tile that is none of the film."""
    left, top, right, bottom = tile
    return bool(
        (left > 0 and x.min() < left + _NEAR_PX)
        or (top > 0 and y.min() < top + _NEAR_PX)
        or (right < film[1] and x.max() > right - _NEAR_PX)
        or (bottom < film[0] and y.max() > bottom - _NEAR_PX)
    )


def _with_room(x: np.ndarray, y: np.ndarray, width: int, height: int) -> Box:
    """Return the box around corners in pixels, with some room for what letters reach beyond it, in shares."""
    room = _ROOM * min(float(np.ptp(x)), float(np.ptp(y)))
    left, right = ((float(edge) / width) for edge in (x.min() - room, x.max() + room))
    top, bottom = ((float(edge) / height) for edge in (y.min() - room, y.max() + room))
    return max(0.0, left), max(0.0, top), min(1.0, right), min(1.0, bottom)


def _joined(boxes: list[Box]) -> list[Box]:
    """Return the boxes with those that overlap made one."""
    found: list[Box] = []
    for box in boxes:
        for other in [one for one in found if _overlap(one, box)]:
            found.remove(other)
            box = (min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3]))
        found.append(box)
    return found


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@lru_cache(maxsize=1)
def _reader() -> RapidOCR:
    """Return the engine with its weights out of the wheel; it detects at the scale that it is given."""
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": LEAST_SCORE,
            "Det.limit_side_len": 32,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
