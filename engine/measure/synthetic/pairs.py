"""Which samples the realism figures compare: synthetic with real, real with real, and something known to be bad."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.measure.synthetic import realism
from engine.measure.synthetic.group import Group

FEWEST = 20  # studies on either side of a comparison within one label
MOST = 400  # studies on either side of any comparison
TRAIN, TEST = "real train", "real test"


def compare(name: str, a: Group, b: Group, space: str, reference: np.ndarray) -> dict[str, Any]:
    """Return the realism figures of two groups in one space; a is the one whose precision is meant."""
    x, y = realism.standardise(reference, a.spaces[space], b.spaces[space])
    patients = [*a.patients, *b.patients]
    auc, distance = realism.two_sample(x, y, patients), realism.kid(x, y)
    return {"compared": name, "n": [len(a), len(b)], "auc": auc, "kid": distance, **realism.precision_recall(y, x)}


def matched(group: Group, wanted: Group, rng: np.random.Generator) -> Group:
    """Return as many studies of `group` as `wanted` has, with labels as alike as possible."""
    return group.take(realism.alike(wanted.labels, group.labels, rng))


def some(group: Group, n: int, rng: np.random.Generator) -> Group:
    """Return n studies at random, or all where there are fewer."""
    return group.take(np.sort(rng.permutation(len(group))[:n]))


def overall(
    train: Group, test: Group, synthetic: Group, space: str, bad: tuple[str, Group] | None = None, seed: int = 0
) -> list[dict[str, Any]]:
    """Return synthetic–real beside real–real and a bad baseline, all of equal n and of the synthetic label mix."""
    rng = np.random.default_rng(seed)
    ours = some(synthetic, min(len(test), len(train), MOST), rng)
    before, after = matched(train, ours, rng), matched(test, ours, rng)
    reference = train.spaces[space]
    rows = [
        compare(f"synthetic with {TRAIN}", ours, before, space, reference),
        compare(f"synthetic with {TEST}", ours, after, space, reference),
        compare(f"{TEST} with {TRAIN} (real–real)", after, before, space, reference),
    ]
    if bad:
        rows.append(compare(f"{bad[0]} with {TRAIN} (bad)", matched(bad[1], ours, rng), before, space, reference))
    return rows


def by_label(train: Group, synthetic: Group, space: str, seed: int = 0) -> list[dict[str, Any]]:
    """Return, per label with enough studies, synthetic with one half of `train`, and that half with the other.

    Halves are by patient, since few labels have enough `test` studies.
    """
    rng, rows = np.random.default_rng(seed), []
    first = np.isin(train.patients, rng.permutation(np.unique(train.patients))[::2])
    for label in sorted(set().union(*synthetic.labels)):
        sides = [g.take(g.held(label)) for g in (synthetic, train.take(first), train.take(~first))]
        n = min(MOST, *map(len, sides))
        if n < FEWEST:
            continue
        ours, a, b = (some(g, n, rng) for g in sides)
        rows.append(compare(f"{label}: synthetic with real", ours, a, space, train.spaces[space]))
        rows.append(compare(f"{label}: real with real", b, a, space, train.spaces[space]))
    return rows
