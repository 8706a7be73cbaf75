"""Which samples the realism figures compare: synthetic with real, real with real, and something known to be bad."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.synthetic.checks import realism
from engine.synthetic.checks.group import Group

SPLITS = 5  # random halves over which real–real figures of one label are averaged
MIN_STUDIES = 20  # studies on either side of a comparison within one label
MAX_STUDIES = 400  # studies on either side of any comparison
TRAIN, TEST = "real train", "real test"


def compare(name: str, a: Group, b: Group, space: str, reference: np.ndarray) -> dict[str, Any]:
    """Return the realism figures of two groups in one space; a is the one whose precision is meant."""
    x, y = realism.standardise(reference, a.spaces[space], b.spaces[space])
    patients = [*a.patients, *b.patients]
    auc, distance = realism.two_sample(x, y, patients), realism.kid(x, y)
    return {"compared": name, "n": [len(a), len(b)], "auc": auc, "kid": distance, **realism.precision_recall(y, x)}


def matched(group: Group, wanted: Group, rng: np.random.Generator) -> Group:
    """Return as many studies of `group` as `wanted` has, with labels as alike as possible."""
    return group.take(realism.match_labels(wanted.labels, group.labels, rng))


def subsample(group: Group, n: int, rng: np.random.Generator) -> Group:
    """Return n studies at random, or all where there are fewer."""
    return group.take(np.sort(rng.permutation(len(group))[:n]))


def overall(
    train: Group, test: Group, synthetic: Group, space: str, baseline: tuple[str, Group] | None = None, *, seed: int = 0
) -> list[dict[str, Any]]:
    """Return synthetic–real beside real–real and a bad baseline, all of equal n and of the synthetic label mix.

    Nothing where a side has fewer than FEWEST studies.
    """
    rng, n = np.random.default_rng(seed), min(len(test), len(train), len(synthetic), MAX_STUDIES)
    if n < MIN_STUDIES:
        return []
    ours = subsample(synthetic, n, rng)
    before, after = matched(train, ours, rng), matched(test, ours, rng)
    reference = train.spaces[space]
    rows = [
        compare(f"synthetic with {TRAIN}", ours, before, space, reference),
        compare(f"synthetic with {TEST}", ours, after, space, reference),
        compare(f"{TEST} with {TRAIN} (real–real)", after, before, space, reference),
    ]
    if baseline:
        rows.append(
            compare(f"{baseline[0]} with {TRAIN} (bad)", matched(baseline[1], ours, rng), before, space, reference)
        )
    return rows


def by_label(train: Group, synthetic: Group, space: str, seed: int = 0) -> list[dict[str, Any]]:
    """Return, per label with enough studies, synthetic with one half of `train`, and that half with the other.

    Halves are by patient, since few labels have enough `test` studies.
    """
    rng, rows = np.random.default_rng(seed), []
    for label in sorted(set().union(*synthetic.labels)):
        ours, real = (g.take(g.has_label(label)) for g in (synthetic, train))
        a, b = halves(real, rng)
        n = min(MAX_STUDIES, len(ours), len(a), len(b))
        if n < MIN_STUDIES:
            continue
        pair = subsample(ours, n, rng), subsample(a, n, rng)
        rows.append(compare(f"{label}: synthetic with real", *pair, space, train.spaces[space]))
        rows.append(_real_real(label, real, n, space, reference=train.spaces[space], rng=rng))
    return rows


def halves(group: Group, rng: np.random.Generator) -> tuple[Group, Group]:
    """Return two halves of a group that share no patient."""
    first = np.isin(group.patients, rng.permutation(np.unique(group.patients))[::2])
    return group.take(first), group.take(~first)


def _real_real(
    label: str, real: Group, n: int, space: str, *, reference: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the mean over SPLITS random halves of n studies each: what one split holds too much of, the other lacks,
    so that a single one may lie well off 0.5."""
    name, found = f"{label}: real with real", []
    for _ in range(SPLITS):
        a, b = (subsample(half, n, rng) for half in halves(real, rng))
        found.append(compare(name, a, b, space, reference))
    means: dict[str, Any] = {"compared": name, "n": found[0]["n"]}
    for key in ("auc", "kid"):
        means[key] = {part: float(np.mean([one[key][part] for one in found])) for part in ("value", "low", "high", "n")}
    return means | {key: float(np.mean([one[key] for one in found])) for key in ("precision", "recall")}
