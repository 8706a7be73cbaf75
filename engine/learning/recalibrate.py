"""What a distance means under a round's codes: the calibration tables, fitted on the held-out studies.

No round learns from them, so their distances are those of studies that come later. A pair of modalities with too few
of them keeps the table of the release before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.findings import sharing, vocabulary
from engine.learning.round_data import Pool
from engine.study import Note, Study
from engine.training.data.captions import many_hot
from engine.training.hashing import calibration

if TYPE_CHECKING:
    from engine.model.release import Release

MIN_STUDIES = 30  # studies of either side
Coded = Callable[[np.ndarray, str], np.ndarray]  # embeddings (n, 256), modality → packed codes (n, 32)


def embed_typed(release: Release) -> np.ndarray:
    """Return embeddings, (n, 256) float32, of every phrase of the vocabulary as somebody types it: of nobody."""
    return release.embed([Study("text", Note(words), "text") for _, words in _phrases()])


def typed_findings(z: np.ndarray) -> Pool:
    """Return what `embed_typed` returned with the finding that each phrase names."""
    said = _phrases()
    nobody = np.array([f"typed {i}" for i in range(len(said))])
    blank, unknown = np.full(len(said), ""), np.full(len(said), np.nan)
    return Pool(z, many_hot([name] for name, _ in said), nobody, blank, blank, unknown, blank)


def _phrases() -> list[tuple[str, str]]:
    """Return (finding, phrase) of the vocabulary, each phrase once."""
    return [(n, words) for n, entry in vocabulary().items() for words in (*entry["phrases"], *entry["unseen"])]


def tables(holdout: Mapping[str, Pool], words: Pool, coded: Coded, before: dict[str, Any]) -> dict[str, Any]:
    """Return the content of calibration.json: a text that asks is one that somebody types.

    before : the tables of the release before, as in its file
    """
    asking = {**holdout, "text": words}
    fitted = {
        f"{a}>{b}": _table(asking[a], holdout[b], (a, b), coded)
        for a, b in product(asking, holdout)
        if min(len(asking[a]), len(holdout[b])) >= MIN_STUDIES
    }
    kept = sorted(set(before["pairs"]) - set(fitted))
    return {
        "fitted_on": "held-out patients of the workspace",
        "points": calibration.POINTS,
        "kept_from_the_release_before": kept,
        "pairs": {name: fitted.get(name, table) for name, table in before["pairs"].items()},
    }


def _table(query: Pool, target: Pool, kinds: tuple[str, str], coded: Coded) -> dict[str, Any]:
    apart = query.patients[:, None] != target.patients[None]
    known = np.outer(query.has_finding.any(1), target.has_finding.any(1))
    relevant = sharing(query.has_finding, target.has_finding)
    return calibration.table(coded(query.z, kinds[0]), coded(target.z, kinds[1]), relevant, known, apart)
