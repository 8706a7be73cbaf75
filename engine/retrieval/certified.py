"""A search whose neighbours are certain, as far as that can be: `casebind search --certify`.

The query's code is the smoothed one (engine.model.smoothing), the majority of many noisy copies. Of its neighbours
those are certain that stay among the first k whatever change of a given ℓ₂ length is made to the prepared recording:
no other permitted study of another patient can come as near. The collection is taken as it is; who can insert a study
can displace anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.model.packing import BITS, pack, unpack
from engine.model.smoothing import DRAWS, Rivals, SmoothedCode, certain_to_stay, recorded_values, smoothed
from engine.retrieval.answer import Answer, Options
from engine.retrieval.search import search
from engine.retrieval.stored_query import load_stored_query
from engine.store import permission
from engine.study import Modality, Study
from engine.workspace.serving import with_serving_release
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

LENGTH = {"ecg": 0.1, "ppg": 0.1, "cxr": 0.05}  # ℓ₂ of the change, unless another is asked for


@dataclass(frozen=True)
class CertifiedAsk:
    """What is to be certain: against changes of which ℓ₂ length, from how many noisy copies."""

    length: float | None = None
    draws: int = DRAWS


@dataclass(frozen=True)
class SearchCertificate:
    """What is certain of an answer.

    length : ℓ₂ of the prepared recording's change           each  : the same on every value, when all change alike
    bits   : that such a change might flip, of 256           certain : ids of the neighbours that it cannot displace
    """

    length: float
    each: float
    bits: int
    sigma: float
    draws: int
    certain: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as `casebind search --json` prints it."""
        plain = {"length": self.length, "each": self.each, "bits": self.bits, "sigma": self.sigma, "draws": self.draws}
        return {**plain, "certain": sorted(self.certain)}


def certified_search(
    workspace: Workspace,
    release: Release,
    study: Study,
    options: Options,
    asked: CertifiedAsk,
    *,
    actor: Actor,
    progress: Callable[[int], None] = lambda _: None,
    started: float | None = None,
) -> tuple[Answer, SearchCertificate | None]:
    """Return the answer of a search by the smoothed code, and what is certain of it; None where it is refused.

    Raises UsageError for text, another order than that of distances, and a change that is too long for the noise.
    """
    if study.modality == "text" or options.rerank != "none" or options.operating_point is not None:
        raise UsageError(
            "A certificate is of one recording, in the order of distances: leave --certify or --rerank, --at "
            "and words out."
        )
    made: list[SmoothedCode] = []

    def code_of(used: Release, judged: Study) -> np.ndarray:
        made[:] = [smoothed(used, judged, draws=asked.draws, progress=progress)]
        code: np.ndarray = pack(made[0].bits[None])[0]
        return code

    answer = search(workspace, release, study, options, actor=actor, started=started, code_of=code_of)
    if not made:
        return answer, None
    length = LENGTH[study.modality] if asked.length is None else asked.length

    def certify(used: Release) -> frozenset[str]:
        return _certain(workspace, used, answer, options, code=made[0], length=length, actor=actor)

    used, certain = with_serving_release(workspace, release, certify)
    inputs = used.inputs(answer.study)
    kept = _values(inputs)
    uncertain = int(made[0].uncertain(length)[: options.bits].sum())
    certificate = SearchCertificate(
        length, round(length / kept**0.5, 6), uncertain, made[0].sigma, made[0].draws, certain
    )
    return answer, certificate


def _certain(
    workspace: Workspace,
    release: Release,
    answer: Answer,
    options: Options,
    *,
    code: SmoothedCode,
    length: float,
    actor: Actor,
) -> frozenset[str]:
    """Return the ids of the neighbours that stay among the first k."""
    _, own = load_stored_query(workspace, release, answer.query_id, actor=actor)
    clauses = options.filters.clauses()
    denied = np.concatenate([workspace.denied(clauses, actor=actor), permission.excluded(workspace.database, own)])
    certain: set[str] = set()
    for modality in {one.modality for one in answer.neighbours}:
        rivals, ids = _rivals(workspace, release, modality, denied, options.bits)
        place = {study_id: at for at, study_id in enumerate(ids)}
        shown = [one.study_id for one in answer.neighbours if one.modality == modality and one.study_id in place]
        cut = SmoothedCode(code.bits[: options.bits], code.radius[: options.bits], code.sigma, code.draws)
        stays = certain_to_stay(cut, length, np.array([place[one] for one in shown], int), rivals, options.k)
        certain |= {one for one, stay in zip(shown, stays, strict=True) if stay}
    return frozenset(certain)


def _rivals(
    workspace: Workspace, release: Release, modality: Modality, denied: np.ndarray, bits: int
) -> tuple[Rivals, list[str]]:
    """Return what a search may return of one modality, and the study ids in the same order."""
    codes = workspace.codes(release.name, modality)
    left = codes.mask(denied)
    packed = np.ascontiguousarray(codes.words[:, left].T).view(np.uint8).reshape(-1, BITS // 8)
    return Rivals(unpack(packed)[:, :bits], codes.groups[left]), codes.ids[left].tolist()


def _values(inputs: dict[str, np.ndarray]) -> int:
    """Return how many values of a prepared recording were recorded."""
    import torch

    x = torch.from_numpy(np.asarray(inputs["x"]))
    others = {name: torch.from_numpy(np.asarray(value)) for name, value in inputs.items() if name != "x"}
    return int(recorded_values(x, others).expand(x.shape).sum())
