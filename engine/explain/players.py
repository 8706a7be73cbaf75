"""What may be taken away from a study to see what it carries: waves by lead, beats, cells of a film, words.

What is taken away becomes the baseline of the gradients (engine.explain.baselines), so that every method shares out the
same change in similarity. A word that is taken away is left out of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.explain.geometry import film_box
from engine.explain.waves import ECG_WAVES, PULSE_WAVES, REST, ecg_waves, pulse_beats
from engine.modalities import spec_of
from engine.model.text import MAX_WORDS
from engine.study import ECG_LEADS, Film, Note, Study, Trace

STRETCH_S = 0.5  # of a trace in which no wave is found
FILM_CELLS = 16  # along the square that the model sees: its own patches
OCCLUDED_CELLS = 6
MOST_WORDS = 40  # of a longer text, clauses are players
STRETCH = "from {start:g} s"
Name = tuple[str, str]
"""(lead, wave), (number of the beat, wave), ("", stretch of time), ("", word); ("row", "column") of a film's cell."""


@dataclass(frozen=True, eq=False)
class Players:
    """The players of one study.

    names  : of each, in order
    labels : in the shape of the model's input x, which player every element is of; (0,) of a text
    grid   : rows and columns of a film's cells; None of anything else
    """

    names: tuple[Name, ...]
    labels: np.ndarray
    grid: tuple[int, int] | None = None

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return values (players,) shared evenly among each one's elements: x's shape, float32, the same total."""
        sizes = np.bincount(self.labels.ravel(), minlength=len(self.names))
        return (values / np.maximum(sizes, 1))[self.labels].astype(np.float32)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of a map in x's shape over each player: (players,)."""
        return np.bincount(self.labels.ravel(), values.ravel().astype(np.float64), minlength=len(self.names))


def players_of(study: Study, x: np.ndarray, *, cells: int = FILM_CELLS) -> Players:
    """Return the players of a study whose model input is x.

    cells : along the longer side of a film
    """
    content = study.content
    if isinstance(content, Film):
        return _cells(x, content.pixels.shape[:2], cells)
    if isinstance(content, Trace):
        fs = spec_of(study.modality).model_fs
        return _pulse(x, fs) if len(x) == 1 else _ecg(x, fs)
    return Players(tuple(("", word) for word in words_of(content)), np.zeros(0, np.int64))


def words_of(note: Note) -> list[str]:
    """Return the words of a text, as far as the encoder reads it; its clauses where there are many words."""
    read = note.text.split()[:MAX_WORDS]
    if len(read) <= MOST_WORDS:
        return read
    return [part.strip() for part in re.split(r"(?<=[.;,:])\s+", " ".join(read)) if part.strip()][:MOST_WORDS]


def _cells(x: np.ndarray, shape: tuple[int, int], cells: int) -> Players:
    """Return a grid over what the film fills of the square; margins belong to the nearest cells and change nothing."""
    place, side = film_box(shape), x.shape[-1]
    axes = []
    for part in place:
        length = part.stop - part.start
        many = max(1, round(cells * length / side))
        axes.append((np.clip((np.arange(side) - part.start) * many // length, 0, many - 1), many))
    (rows, high), (columns, wide) = axes
    names = tuple((str(row), str(column)) for row in range(high) for column in range(wide))
    return Players(names, (rows[:, None] * wide + columns[None])[None], (high, wide))


def _ecg(x: np.ndarray, fs: float) -> Players:
    """Return lead by wave, and as one player what lies between waves; half seconds where there are no beats."""
    waves = ecg_waves(x, fs)
    if waves is None:
        return _stretches(x, fs)
    labels, names = np.zeros(x.shape, np.int64), [("", REST)]
    for lead, row in enumerate(x):
        if not np.ptp(row):
            continue
        for number, wave in enumerate(ECG_WAVES, start=1):
            if (waves == number).any():
                labels[lead, waves == number] = len(names)
                names.append((ECG_LEADS[lead], wave))
    return Players(tuple(names), labels)


def _pulse(x: np.ndarray, fs: float) -> Players:
    """Return each beat's systole and dicrotic part, and as one player what lies before and after; else half seconds."""
    beats = pulse_beats(x[0], fs)
    if not beats:
        return _stretches(x, fs)
    labels, names = np.zeros(x.shape, np.int64), [("", REST)]
    for number, (start, notch, end) in enumerate(beats, start=1):
        for wave, part in zip(PULSE_WAVES, (slice(start, notch), slice(notch, end)), strict=True):
            if part.stop > part.start:
                labels[0, part] = len(names)
                names.append((str(number), wave))
    return Players(tuple(names), labels)


def _stretches(x: np.ndarray, fs: float) -> Players:
    """Return half seconds of all leads together, as far as there is a trace."""
    alive = np.flatnonzero(np.abs(x).max(0) > 0)
    end = int(alive[-1]) + 1 if len(alive) else x.shape[1]
    step = round(STRETCH_S * fs)
    number = np.minimum(np.arange(x.shape[1]), end - 1) // step
    names = tuple(("", STRETCH.format(start=STRETCH_S * at)) for at in range(int(number.max()) + 1))
    return Players(names, np.broadcast_to(number, x.shape).copy())
