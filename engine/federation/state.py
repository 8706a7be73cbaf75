"""What travels between the sites of a federation: the maps of a release and its hash layer, never a recording.

A state is 256 × 256 numbers for each modality's map, as many for the hash layer, and one threshold for each modality
and bit (`engine.learning.fit.FittedRound`): 1.3 MB in float32 for films, ECGs, PPGs and texts. Sites may only put
together what means the same, so a state says which release's encoders and which findings it belongs to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import FederationError
from engine.findings import vocabulary

if TYPE_CHECKING:
    from engine.learning.fit import FittedRound
    from engine.model.release import Release

HEAD = "head."  # before a modality's name, in the flat form
LAYER = ("weight", "threshold")


@dataclass(frozen=True)
class Ground:
    """What a state must share with another to be put together with it.

    release    : name of the shipped release below; modalities : in the order of the thresholds
    encoders   : SHA-256 over those of all modalities; findings : over their names
    """

    release: str
    modalities: tuple[str, ...]
    encoders: str
    findings: str


@dataclass(frozen=True, eq=False)
class SharedState:
    """Maps (256, 256) by modality, hash weight (256, 256), thresholds (modalities, 256); all float32."""

    ground: Ground
    heads: dict[str, np.ndarray]
    weight: np.ndarray
    threshold: np.ndarray

    @property
    def bytes(self) -> int:
        """How many bytes travel, without what wraps them."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays under flat names, in a fixed order."""
        heads = {f"{HEAD}{m}": self.heads[m] for m in sorted(self.heads)}
        return {**heads, "weight": self.weight, "threshold": self.threshold}

    def vector(self) -> np.ndarray:
        """Return all numbers in a row, (d,) float64."""
        return np.concatenate([array.ravel() for array in self.arrays().values()]).astype(np.float64)

    def with_vector(self, vector: np.ndarray) -> SharedState:
        """Return a state of the same shapes with these numbers, (d,)."""
        found, at = {}, 0
        for name, array in self.arrays().items():
            found[name] = vector[at : at + array.size].reshape(array.shape).astype(np.float32)
            at += array.size
        return from_arrays(self.ground, found)


def ground_of(release: Release) -> Ground:
    """Return what states of a release may be put together with."""
    return Ground(release.base, release.layer().modalities, _digest(release.encoders), _digest(list(vocabulary())))


def state_of(release: Release) -> SharedState:
    """Return what a federation under a release begins with."""
    layer = release.layer().state_dict()
    heads = {m: np.asarray(head, np.float32) for m, head in release.heads.items()}
    return SharedState(ground_of(release), heads, layer["weight"].numpy().copy(), layer["threshold"].numpy().copy())


def of_fitted(ground: Ground, fitted: FittedRound) -> SharedState:
    """Return what a site has learnt, as it travels."""
    return SharedState(ground, fitted.heads, fitted.weight, fitted.threshold)


def from_arrays(ground: Ground, arrays: Mapping[str, np.ndarray]) -> SharedState:
    """Return the state that `SharedState.arrays` made. Raises FederationError where a part is missing."""
    heads = {name.removeprefix(HEAD): array for name, array in arrays.items() if name.startswith(HEAD)}
    missing = [name for name in LAYER if name not in arrays]
    if missing or not heads:
        raise FederationError(f"A site sent a state without {', '.join(missing) or 'maps'}: have it update Casebind.")
    return SharedState(ground, heads, arrays["weight"], arrays["threshold"])


def check_fits(sent: SharedState, expected: SharedState, site: str) -> None:
    """Raise FederationError, with one sentence, where what a site sent cannot be put together with the others'."""
    if sent.ground.release != expected.ground.release or sent.ground.encoders != expected.ground.encoders:
        raise FederationError(
            f"{site} learns on the encoders of {sent.ground.release}, the federation on those of "
            f"{expected.ground.release}: have every site install the same release."
        )
    if sent.ground.findings != expected.ground.findings:
        raise FederationError(f"{site} has another list of findings: have every site install the same version.")
    shapes = {name: array.shape for name, array in expected.arrays().items()}
    if {name: array.shape for name, array in sent.arrays().items()} != shapes:
        raise FederationError(f"{site} sent maps of another shape: have every site install the same version.")
    if not all(np.isfinite(array).all() for array in sent.arrays().values()):
        raise FederationError(f"{site} sent numbers that are none: its round went wrong, and it is left out.")


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
