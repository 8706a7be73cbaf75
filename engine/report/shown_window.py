"""How a film was shown when a result leaves: the window that its reader set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ShownWindow:
    """Greys of a film that are shown black (low) and white (high); inverted: the other way round.

    low, high : in greys of the film as it was read, 0 … 2**bits - 1; they may lie beyond
    """

    low: float
    high: float
    inverted: bool = False

    def brightness(self, greys: np.ndarray) -> np.ndarray:
        """Return how bright greys are shown, 0 … 1, of the same shape."""
        shown = np.clip((np.asarray(greys, np.float64) - self.low) / max(self.high - self.low, 1.0), 0, 1)
        return 1 - shown if self.inverted else shown


@dataclass(frozen=True, eq=False)
class ShownFilm:
    """A window of a film, with what its stored values were read as.

    first : the least stored value · greys : (n,) of the stored values first, first + 1, …
    """

    window: ShownWindow
    first: int
    greys: np.ndarray


def shown_film(window: ShownWindow, stored: np.ndarray, film: np.ndarray) -> ShownFilm | None:
    """Return a window with the greys of stored values; None where a grey does not follow from its value alone.

    stored, film : (rows, columns), the values in the archive's object and the greys that were read of them
    """
    if stored.shape != film.shape or stored.min() < 0:
        return None
    values, where, which = np.unique(stored, return_index=True, return_inverse=True)
    greys = film.ravel()[where]
    if not np.array_equal(greys[which.ravel()], film.ravel()):
        return None
    every = np.arange(int(values[0]), int(values[-1]) + 1)
    return ShownFilm(window, int(values[0]), np.interp(every, values, greys))
