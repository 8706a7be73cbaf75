"""The options of a question: what the case is labelled as, among labels of cases that are easily taken for it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

MAX_OPTIONS = 5  # one key each


def key_label(labels: Sequence[str], frequent: Sequence[str], wanted: Sequence[str] = ()) -> str:
    """Return the label that a question asks for: of those wanted, else of all, the one that fewest cases carry.

    frequent : labels of the modality, most frequent first
    """
    candidates = [label for label in labels if label in wanted] or list(labels)
    rank = {label: index for index, label in enumerate(frequent)}
    return max(candidates, key=lambda label: (rank.get(label, len(rank)), label))


def options(
    right: Sequence[str],
    labels: Sequence[str],
    near: Iterable[Sequence[str]],
    frequent: Sequence[str],
    rng: random.Random,
) -> tuple[str, ...]:
    """Return the right labels and distractors, at most MAX_OPTIONS in all, in an order drawn by `rng`.

    right    : the labels among `labels` that are offered
    labels   : all labels of the case, none of which may be a distractor
    near     : labels of its nearest cases that are labelled otherwise, nearest first
    frequent : labels of the modality, most frequent first, which fill what is left
    """
    offered = list(right)[: MAX_OPTIONS - 1]
    others = dict.fromkeys(label for of_one in near for label in of_one)
    for label in [*others, *frequent]:
        if len(offered) == MAX_OPTIONS:
            break
        if label not in labels and label not in offered:
            offered.append(label)
    rng.shuffle(offered)
    return tuple(offered)
