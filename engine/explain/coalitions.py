"""Shares by coalitions: players that are left or taken away, and how similar what is left is to the other side.

A game has p players and a score of any set of them. Shapley's values share out score(all) − score(none) among them;
what each adds is averaged over all orders in which they may come (Shapley 1953; Lundberg and Lee, NeurIPS 2017).

`sampled`   : Kernel SHAP of package shap, in rounds; how far rounds differ is the error of a share
`halved`    : Owen's values of a film cut into halves, and those into halves, where most is at stake; nothing is drawn
`left_out`  : occlusion: what is lost when one player alone is taken away; it need not add up
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np

LIMIT = 0.05  # of the change in similarity: shares that miss it by more are not shown
BOTH = 2  # halvings of a film
_drawing = threading.Lock()  # shap draws from numpy's one global generator


@dataclass(eq=False)
class Game:
    """Players and the score of sets of them; each set is scored once.

    worth : (n, players) bool, True where a player is there → (n,) similarities
    """

    players: int
    worth: Callable[[np.ndarray], np.ndarray]
    known: dict[bytes, float] = field(default_factory=dict)

    def scores(self, sets: np.ndarray) -> np.ndarray:
        """Return the scores (n,) of sets (n, players)."""
        sets = np.asarray(sets, bool)
        keys = [np.packbits(one).tobytes() for one in sets]
        new = {key: i for i, key in enumerate(keys) if key not in self.known}
        if new:
            worth = self.worth(sets[list(new.values())])
            self.known.update(zip(new, map(float, worth), strict=True))
        return np.array([self.known[key] for key in keys])

    @property
    def ends(self) -> tuple[float, float]:
        """score(none), score(all)."""
        low, high = self.scores(np.stack([np.zeros(self.players, bool), np.ones(self.players, bool)]))
        return float(low), float(high)

    @property
    def evaluations(self) -> int:
        """How many sets have been scored."""
        return len(self.known)


@dataclass(frozen=True, eq=False)
class Shares:
    """What each player carries.

    values      : (players,) in the score's unit; they sum to high − low
    errors      : (players,) standard errors; 0 where nothing was drawn
    low, high   : score(none), score(all)
    evaluations : sets scored so far
    """

    values: np.ndarray
    errors: np.ndarray
    low: float
    high: float
    evaluations: int

    @property
    def miss(self) -> float:
        """sum(values) − (high − low)."""
        return float(self.values.sum()) - (self.high - self.low)

    @property
    def clear(self) -> np.ndarray:
        """Which shares are larger than twice their error: (players,) bool."""
        return np.asarray(np.abs(self.values) > 2 * self.errors)


def sampled(game: Game, evaluations: int, rounds: int, seed: int = 0) -> Iterator[Shares]:
    """Yield Kernel SHAP's shares after each further round, from the second on; at once where every set can be scored.

    evaluations : sets that a round may score; it scores fewer where an earlier round has met them
    """
    low, high = game.ends
    if game.players == 1:
        yield Shares(np.array([high - low]), np.zeros(1), low, high, game.evaluations)
        return
    if 2**game.players <= evaluations:
        yield Shares(_round(game, 2**game.players, seed), np.zeros(game.players), low, high, game.evaluations)
        return
    found: list[np.ndarray] = []
    for number in range(rounds):
        found.append(_round(game, evaluations, seed + number))
        if number:
            spread = np.std(found, axis=0, ddof=1)
            pooled = np.sqrt(np.mean(spread**2))  # a spread of two or three rounds alone would often be 0 by luck
            errors = np.maximum(spread, pooled) / np.sqrt(number + 1)
            yield Shares(np.mean(found, axis=0), errors, low, high, game.evaluations)


def _round(game: Game, evaluations: int, seed: int) -> np.ndarray:
    """Return Kernel SHAP's shares (players,) of one drawing of sets."""
    import shap

    def worth(sets: np.ndarray) -> np.ndarray:
        return game.scores(sets > 0.5)

    with _drawing:
        state = np.random.get_state()  # noqa: NPY002 (shap draws from it)
        np.random.seed(seed)  # noqa: NPY002
        try:
            explainer = shap.KernelExplainer(worth, np.zeros((1, game.players)))
            values = explainer.shap_values(
                np.ones((1, game.players)), nsamples=evaluations, l1_reg=0, silent=True, gc_collect=False
            )
        finally:
            np.random.set_state(state)  # noqa: NPY002
    return np.asarray(values, np.float64)[0]


def left_out(game: Game) -> Shares:
    """Return what is lost when each player alone is taken away."""
    low, high = game.ends
    values = high - game.scores(~np.eye(game.players, dtype=bool))
    return Shares(values, np.zeros(game.players), low, high, game.evaluations)


Box = tuple[int, int, int, int]
"""Cells of a grid: first row, end of rows, first column, end of columns."""


@dataclass(order=True)
class _Part:
    """A part of the grid that may be halved, in a context of other parts that are there.

    urgency       : −|what is at stake|; the smallest comes first
    there         : (rows, columns) bool, the context
    without, full : scores of the context without and with the part
    share         : what the part carries, on the average over the contexts of its halving
    """

    urgency: float
    number: int
    box: Box = field(compare=False)
    there: np.ndarray = field(compare=False)
    without: float = field(compare=False)
    full: float = field(compare=False)
    weight: float = field(compare=False)
    share: float = field(compare=False)
    depth: int = field(compare=False)


def halved(game: Game, grid: tuple[int, int], steps: tuple[int, ...], both: int = BOTH) -> Iterator[Shares]:
    """Yield Owen's values of a grid of players (row by row) each time that so many sets have been scored.

    The grid is halved across its longer side, and the halves again, first where most is at stake. A part that is not
    halved shares what it carries evenly among its cells (Owen 1977; the partition explainer of package shap).
    both : halvings from the whole grid down to which a half is looked at with and without its other half; further down
           it is looked at in one of the two, and its shares are moved evenly to add up to what it carries. Contexts of
           all halvings would double with each of them.
    """
    low, high = game.ends
    numbers = count()
    whole: Box = (0, grid[0], 0, grid[1])
    queue = [_Part(0.0, next(numbers), whole, np.zeros(grid, bool), low, high, 1.0, high - low, 0)]
    cells: list[_Part] = []
    for most in steps:
        while queue and game.evaluations < most:
            part = heapq.heappop(queue)
            halves = _halves(part.box)
            if halves is None:
                cells.append(part)
                continue
            for one in _split(game, part, halves, numbers, both):
                heapq.heappush(queue, one)
        shares = np.zeros(grid)
        for part in [*queue, *cells]:
            shares[_slices(part.box)] += part.share / _cells(part.box)
        yield Shares(shares.ravel(), np.zeros(shares.size), low, high, game.evaluations)
        if not queue:
            return


def _split(game: Game, part: _Part, halves: tuple[Box, Box], numbers: count[int], both: int) -> Iterator[_Part]:
    """Yield each half of a part: once without and once with its other half, or further down in one of the two ways."""
    contexts = []
    for box in halves:
        one = part.there.copy()
        one[_slices(box)] = True
        contexts.append(one)
    scores = game.scores(np.stack([one.ravel() for one in contexts])).tolist()
    missing = part.share - part.weight * (part.full - part.without)  # what this one context did not show
    for i, box in enumerate(halves):
        ways = [(part.there, part.without, scores[i]), (contexts[1 - i], scores[1 - i], part.full)]
        owed = missing * _cells(box) / _cells(part.box)
        if part.depth < both:
            half = part.weight / 2
            made = [(*way, half, half * (way[2] - way[1]) + owed / 2) for way in ways]
        else:
            share = part.weight * sum(full - without for _, without, full in ways) / 2 + owed
            made = [(*ways[(i + part.depth) % 2], part.weight, share)]
        for there, without, full, weight, share in made:
            stake = max(abs(share), weight * abs(full - without))
            yield _Part(-stake, next(numbers), box, there, without, full, weight, share, part.depth + 1)


def _halves(box: Box) -> tuple[Box, Box] | None:
    top, bottom, left, right = box
    if _cells(box) == 1:
        return None
    if bottom - top >= right - left:
        middle = (top + bottom) // 2
        return (top, middle, left, right), (middle, bottom, left, right)
    middle = (left + right) // 2
    return (top, bottom, left, middle), (top, bottom, middle, right)


def _slices(box: Box) -> tuple[slice, slice]:
    return slice(box[0], box[1]), slice(box[2], box[3])


def _cells(box: Box) -> int:
    return (box[1] - box[0]) * (box[3] - box[2])
