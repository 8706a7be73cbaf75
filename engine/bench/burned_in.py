"""How much burned-in text is found on films, by size and contrast, and how many films without any are stopped.

Text is drawn on films of one split (engine.bench.drawn_text), one on each; as many others stay as they are. Found
means that a box lies on the text; covered is the share of its letters within the boxes, which is what is blacked out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.drawn_text import SIDE_PX, enlarged, with_text
from engine.datasets.open_recordings import recordings as recordings_in
from engine.datasets.recording import Recording
from engine.errors import UsageError
from engine.intake.burned_in import looked_by, need, text_boxes
from engine.study import Box, Film
from engine.training.quality_gate import wilson

SIZES, CONTRASTS = (10, 14, 18, 24), (60, 80, 120, 160)
LEAST_PX, LEAST_CONTRAST = 14, 80  # of what the bar is about
FOUND_BAR, STOPPED_BAR = 0.95, 0.10
SEED = 7


def run(
    recordings: Path, split: str, drawn: int, clean: int, on_progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the object that `bench burned-in --json` prints.

    drawn, clean : films with a text, and films as they are
    Raises UsageError where the extra `ocr` is not installed, or the split has fewer films.
    """
    need()
    chance = random.Random(SEED)
    films = _films(recordings, split, drawn + clean, chance)
    texts, seconds = [], []
    for number in range(drawn):
        px, contrast = SIZES[number % len(SIZES)], CONTRASTS[number // len(SIZES) % len(CONTRASTS)]
        one = with_text(enlarged(films[number]()), px, contrast, chance)
        began = time.process_time()
        boxes = text_boxes(one.film)
        seconds.append(time.process_time() - began)
        texts.append(
            {"px": px, "contrast": contrast, "place": one.place, "turned": one.turned, **_seen(one.ink, boxes)}
        )
        on_progress(f"text {number + 1} of {drawn}")
    stopped = 0
    for number in range(clean):
        stopped += bool(text_boxes(enlarged(films[drawn + number]())))
        on_progress(f"film without text {number + 1} of {clean}")
    return {"split": split, "by": looked_by(), "side_px": SIDE_PX, **_summary(texts, stopped, clean, seconds)}


def as_lines(found: dict[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [
        f"Text drawn on films of {found['split']} ({found['side_px']} px on the shorter side), looked for by "
        f"{found['by']}, {found['seconds']:.1f} s of the processor a film; found of n, 95 % interval:"
    ]
    lines += [f"{row['px']:4} px, contrast {row['contrast']:3}: {_share(row)}" for row in found["strata"]]
    lines += [f"{place}: {_share(row)}" for place, row in found["places"].items()]
    bar, stopped = found["bar"], found["stopped"]
    lines.append(f"from {LEAST_PX} px and contrast {LEAST_CONTRAST} on: {_share(bar)} (bar {FOUND_BAR})")
    lines.append(f"of the letters found there, {100 * found['covered']:.1f} % lie in the boxes")
    lines.append(f"films without text stopped: {_share(stopped)} (bar {STOPPED_BAR})")
    return "\n".join(lines)


def _films(recordings: Path, split: str, n: int, chance: random.Random) -> list[Callable[[], Film]]:
    """Return what loads n films of a split, one of a patient, by chance."""
    of_patient = {one.patient_id: one for one in recordings_in(recordings, split, "cxr")}
    if len(of_patient) < n:
        raise UsageError(
            f"The split {split} has films of {len(of_patient)} patients and {n} are asked for: ask for fewer."
        )
    return [partial(_film, one) for one in chance.sample(list(of_patient.values()), n)]


def _film(recording: Recording) -> Film:
    return recording.study().film


def _seen(ink: np.ndarray, boxes: Sequence[Box]) -> dict[str, Any]:
    """Return whether a box lies on the text, and the share of the letters within boxes."""
    height, width = ink.shape
    inside = np.zeros(ink.shape, bool)
    for left, top, right, bottom in boxes:
        inside[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    covered = float((ink * inside).sum() / ink.sum())
    return {"found": covered > 0, "covered": covered}


def _summary(texts: Sequence[dict[str, Any]], stopped: int, clean: int, seconds: Sequence[float]) -> dict[str, Any]:
    barred = [one for one in texts if one["px"] >= LEAST_PX and one["contrast"] >= LEAST_CONTRAST]
    covered = [one["covered"] for one in barred if one["found"]]
    bar, stops = _row([one["found"] for one in barred]), _row([True] * stopped + [False] * (clean - stopped))
    strata = [
        {
            "px": px,
            "contrast": contrast,
            **_row([t["found"] for t in texts if (t["px"], t["contrast"]) == (px, contrast)]),
        }
        for px in SIZES
        for contrast in CONTRASTS
    ]
    places = {
        place: _row([t["found"] for t in barred if t["place"] == place]) for place in ("corner", "border", "inside")
    }
    places["turned"] = _row([t["found"] for t in barred if t["turned"]])
    return {
        "strata": strata,
        "places": places,
        "bar": bar,
        "covered": float(np.mean(covered)) if covered else 0.0,
        "stopped": stops,
        "seconds": float(np.median(seconds)) if seconds else 0.0,
        "within": bar["share"] >= FOUND_BAR and stops["share"] <= STOPPED_BAR,
    }


def _row(found: Sequence[bool]) -> dict[str, Any]:
    """Return n, how many, their share and its 95 % interval (Wilson)."""
    n, yes = len(found), sum(found)
    return {"n": n, "found": yes, "share": yes / max(n, 1), "interval_95": [round(one, 3) for one in wilson(yes, n)]}


def _share(row: dict[str, Any]) -> str:
    low, high = row["interval_95"]
    return f"{row['found']} of {row['n']} = {row['share']:.3f} ({low:.3f} to {high:.3f})"
