"""Learn the adapters of towers from a site's own pairs, one link of two modalities after the other.

Regularised canonical correlation (Vinod, J Econometrics 1976) between the leading principal components of both sides'
coarse features (engine.model.adapter): a closed form, since a few hundred pairs bear no deeper fit. What both share is
added to embeddings in the directions that these use least. How much of it, the pairs that choose when to stop decide,
within LOSS: the shortest that finds ENOUGH of what any of them finds, as what is added takes room from what else an
embedding says, and maps do the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.findings import sharing
from engine.learning.adaptation_data import CHUNK, LEARN, VALID, AdaptationData, Kinds
from engine.learning.round_data import Pool
from engine.metrics.ranking import average_precision_at, ranked_relevance
from engine.metrics.recall import expected_recall
from engine.model.adapter import BEATS, LINKS, MOST, SHAPE, AdapterLink, columns_of

if TYPE_CHECKING:
    from engine.model.release import Release

LEAST = 150  # pairs to learn from
RIDGE = 0.3  # share of the mean variance that is added to every component
STRENGTH = 2.0  # power of a direction's correlation that weighs it: weak ones are chance for the most part
MOST_FITTED = 8192  # pairs; of more, the first
GAINS = (0.25, 0.5, 0.75, 1.0)  # lengths of what is added; up to an embedding's own, so that it can be taken off again
ENOUGH = 0.85  # share of the own pairs that the best length finds
MOST_LABELLED = 1000  # studies of one modality on which labels are looked at
LOSS = 0.02  # share of the label mAP of the release before that may be lost
K = 10
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]  # embeddings, coarse features → embeddings


@dataclass(frozen=True)
class LinkSize:
    """How much is learnt of a link.

    components    : principal components of either side at most;  per_component : pairs to a component at least
    shared        : canonical directions that are kept
    """

    components: tuple[int, int]
    per_component: tuple[int, int]
    shared: int


SIZES = {SHAPE.part: LinkSize((256, 128), (5, 8), 32), BEATS.part: LinkSize((128, 128), (8, 8), 64)}


@dataclass(frozen=True, eq=False)
class FittedAdapter:
    """One tower's adapter: mean, deviation (f,), down (k, f), up (256, k), gain."""

    mean: np.ndarray
    deviation: np.ndarray
    down: np.ndarray
    up: np.ndarray
    gain: float

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights of engine.model.adapter.TowerAdapter."""
        named = {"mean": self.mean, "deviation": self.deviation, "down": self.down, "up": self.up}
        return {**named, "gain": np.array(self.gain, np.float32)}

    def adapted(self, z: np.ndarray, coarse: np.ndarray) -> np.ndarray:
        """Return what the adapted tower makes of studies: embeddings z (n, 256), coarse features (n, f) → (n, 256)."""
        made = z + self._added(coarse)
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)

    def plain(self, z: np.ndarray, coarse: np.ndarray) -> np.ndarray:
        """Return what was adapted: the inverse of `adapted`, unique as no gain is above 1."""
        added = self._added(coarse)
        along = (z * added).sum(1, keepdims=True)
        length = along + np.sqrt(np.maximum(along**2 + 1 - (added**2).sum(1, keepdims=True), 0.0))
        found = length * z - added
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)

    def _added(self, coarse: np.ndarray) -> np.ndarray:
        import torch

        from engine.model.adapter import TowerAdapter

        adapter = TowerAdapter(self.down.shape[1], self.down.shape[0])
        adapter.load_state_dict({name: torch.from_numpy(np.asarray(a)) for name, a in self.arrays().items()})
        with torch.no_grad():
            return np.asarray(adapter(torch.from_numpy(np.asarray(coarse, np.float32))).numpy())


@dataclass(frozen=True, eq=False)
class _Side:
    """One side of the pairs: mean, deviation (f,), axes (f, c) of its components, values (p, c) of the pairs."""

    mean: np.ndarray
    deviation: np.ndarray
    axes: np.ndarray
    values: np.ndarray


Adapters = dict[str, dict[str, FittedAdapter]]  # part → modality → adapter


def adapters_of(release: Release) -> Adapters:
    """Return the adapters that a release's towers have, by part; {} of a release whose encoders no site adapted."""
    found: Adapters = {}
    for link in LINKS:
        for kind in link.kinds:
            state, prefix = release.module(kind).state_dict(), f"{link.part}."
            weights = {n.removeprefix(prefix): tensor.numpy() for n, tensor in state.items() if n.startswith(prefix)}
            if weights:
                mean, deviation, down, up = (weights[name] for name in ("mean", "deviation", "down", "up"))
                one = FittedAdapter(mean, deviation, down, up, float(weights["gain"]))
                found.setdefault(link.part, {})[kind] = one
    return found


def adapt(data: AdaptationData, known: Adapters) -> tuple[Adapters, AdaptationData]:
    """Return the new adapters, and the data with the embeddings that the adapted towers make.

    known : the adapters that the embeddings of the data were made with; what is not learnt anew stays, as does what
            a modality has that was not read

    Without coarse features, with fewer than LEAST pairs of every link, or where none finds more than before: {} and the
    data.
    """
    if not data.coarse:
        return {}, data
    made, learnt = data, Adapters()
    had = {link: {k: one for k, one in known.get(link.part, {}).items() if k in data.coarse} for link in LINKS}
    for link in reversed(LINKS):
        made = _changed(made, link, {kind: one.plain for kind, one in had[link].items()})
    for link in LINKS:
        before = _changed(made, link, {kind: one.adapted for kind, one in had[link].items()})
        found = _learnt(made, before, link, (1 - LOSS) * _label_map(data.labels.replay, link.kinds))
        if found is None:
            made = before
        else:
            learnt[link.part], made = found
    return (learnt, made) if learnt else ({}, data)


def _learnt(
    plain: AdaptationData, before: AdaptationData, link: AdapterLink, least: float
) -> tuple[dict[str, FittedAdapter], AdaptationData] | None:
    """Return a link's adapters of both modalities and the data that they make; None where none finds more than before.

    plain, before : the data without this link's adapter, and with the one it had
    least         : the label mAP of both modalities that has to stay
    """
    if link.kinds not in plain.pairs or len(plain.pairs[link.kinds].of(LEARN)) < LEAST:
        return None
    shared = _shared(plain, link)
    up = _quiet_directions(plain)[:, : len(shared[link.kinds[0]].down)].astype(np.float32)
    fitted = {kind: replace(one, up=up) for kind, one in shared.items()}
    tried = []
    for gain in GAINS:
        made = _with_gain(plain, link, fitted, gain)[1]
        if _label_map(made.labels.replay, link.kinds) >= least:
            tried.append((gain, _own_found(made, link.kinds)))
    most = max((found for _, found in tried), default=0.0)
    gain, found = next((one for one in tried if one[1] >= ENOUGH * most), (0.0, 0.0))
    return _with_gain(plain, link, fitted, gain) if found > _own_found(before, link.kinds) else None


def _with_gain(
    plain: AdaptationData, link: AdapterLink, fitted: Mapping[str, FittedAdapter], gain: float
) -> tuple[dict[str, FittedAdapter], AdaptationData]:
    adapters = {kind: replace(one, gain=gain) for kind, one in fitted.items()}
    return adapters, _changed(plain, link, {kind: one.adapted for kind, one in adapters.items()})


def _changed(data: AdaptationData, link: AdapterLink, ways: Mapping[str, Change]) -> AdaptationData:
    """Return the data with the embeddings of each modality changed by (z, the link's coarse features) → z."""
    if not ways:
        return data
    sides, parts = dict(data.sides), {"replay": dict(data.labels.replay), "holdout": dict(data.labels.holdout)}
    for kind, way in ways.items():
        coarse, rows = data.coarse[kind][:, columns_of(link, kind)], data.coarse_rows
        sides[kind] = _by_chunks(way, np.asarray(sides[kind]), coarse, rows[f"side.{kind}"])
        for part, pools in parts.items():
            if kind in pools:
                z = _by_chunks(way, pools[kind].z, coarse, rows[f"{part}.{kind}"])
                pools[kind] = replace(pools[kind], z=z)
    labels = replace(data.labels, replay=parts["replay"], holdout=parts["holdout"])
    return replace(data, sides=sides, labels=labels)


def _by_chunks(way: Change, z: np.ndarray, coarse: np.ndarray, rows: np.ndarray) -> np.ndarray:
    made = np.array(z, np.float32)
    for start in range(0, len(made), CHUNK):
        part = slice(start, start + CHUNK)
        made[part] = way(made[part], coarse[rows[part]])
    return made


def _shared(data: AdaptationData, link: AdapterLink) -> dict[str, FittedAdapter]:
    """Return the maps to what both sides share, without `up` and with no gain."""
    rows, size = data.pairs[link.kinds].of(LEARN)[:MOST_FITTED], SIZES[link.part]
    sides = [
        _components(_coarse(data, link, side, rows), min(size.components[side], len(rows) // size.per_component[side]))
        for side in (0, 1)
    ]
    left, strength, right = np.linalg.svd(sides[0].values.T @ sides[1].values / len(rows), full_matrices=False)
    kept = min(size.shared, len(strength))
    out = {}
    for kind, one, turn in zip(link.kinds, sides, (left[:, :kept], right[:kept].T), strict=True):
        down = (one.axes @ (turn * strength[:kept] ** STRENGTH)).T.astype(np.float32)
        out[kind] = FittedAdapter(one.mean, one.deviation, down, np.zeros((256, kept), np.float32), 0.0)
    return out


def _components(coarse: np.ndarray, count: int) -> _Side:
    """Return one side's whitened leading components; coarse (p, f)."""
    from sklearn.decomposition import PCA

    mean, deviation = coarse.mean(0), coarse.std(0)
    deviation = np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)
    even = np.clip((coarse - mean) / deviation, -MOST, MOST)
    pca = PCA(count, svd_solver="randomized", random_state=0).fit(even)
    variance = pca.explained_variance_
    axes = (pca.components_ / np.sqrt(variance + RIDGE * variance.mean())[:, None]).T
    return _Side(mean.astype(np.float32), deviation, axes, even @ axes)


def _coarse(data: AdaptationData, link: AdapterLink, side: int, rows: np.ndarray) -> np.ndarray:
    """Return the coarse features of one side of a link's pairs."""
    kind = link.kinds[side]
    of_studies = data.coarse_rows[f"side.{kind}"][rows[:, side]]
    return np.asarray(data.coarse[kind][of_studies, columns_of(link, kind)], np.float32)


def _quiet_directions(data: AdaptationData) -> np.ndarray:
    """Return orthonormal directions of the space as columns, those that embeddings of any modality use least first."""
    total = np.zeros((256, 256))
    for z in [np.asarray(side[:MOST_FITTED]) for side in data.sides.values()]:
        total += z.T @ z / max(1, len(z))
    return np.asarray(np.linalg.eigh(total)[1])


def _own_found(data: AdaptationData, kinds: Kinds) -> float:
    """Return R@10 of own pairs of two modalities, the mean of both ways, on the pairs that choose."""
    rows = data.pairs[kinds].of(VALID)[:MOST_LABELLED]
    if len(rows) <= K:
        return 0.0
    a, b = (np.asarray(data.sides[kind][rows[:, side]]) for side, kind in enumerate(kinds))
    scores, right = a @ b.T, np.eye(len(rows), dtype=bool)
    return float((expected_recall(scores, right, K) + expected_recall(scores.T, right, K)).mean() / 2)


def _label_map(pools: Mapping[str, Pool], kinds: Kinds) -> float:
    """Return the mean mAP@10 by shared finding within each of two modalities, of the labelled studies learnt from."""
    found = []
    for kind in kinds:
        if kind in pools:
            z, held, who = (
                part[:MOST_LABELLED] for part in (pools[kind].z, pools[kind].has_finding, pools[kind].patients)
            )
            relevant, allowed = sharing(held, held), who[:, None] != who[None]
            asked = (relevant & allowed).any(1)
            if asked.any():
                ranked = ranked_relevance(z[asked] @ z.T, relevant[asked], allowed[asked], K)
                found.append(average_precision_at(ranked, K).mean())
    return float(np.mean(found)) if found else 0.0
