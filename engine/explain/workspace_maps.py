"""The maps of a query and a case of the workspace: those that were computed once, else computed and stored.

Only what came to its end is stored, under the query's content, the case, the release and the way maps are made. A case
of a patient who has withdrawn is not explained, and what was stored of it is gone (engine.store.pair_maps).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.explain import coalition_maps, players
from engine.explain.attribution import Progress
from engine.explain.baselines import AVERAGE_FILM, FILM_WORDS, TRACE_WORDS
from engine.explain.convergence import RULES
from engine.explain.maps import GRADIENTS, PairMaps, RawMap, RawMaps, RawParts
from engine.explain.methods import default_method, explain_by
from engine.explain.placing import pair_maps
from engine.store.pair_maps import patient, study
from engine.study import Study
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

SIDES = ("query", "match")
METHOD = 3  # to be raised with every change of how maps are made that the rules and words below do not show


def explained(
    workspace: Workspace,
    release: Release,
    query: Study,
    case: str,
    *,
    actor: Actor,
    method: str | None = None,
    progress: Progress = lambda share, words: None,
) -> Iterator[PairMaps]:
    """Yield the maps of a query and a case as explain_by does; at once, and once, where they are stored.

    method : one of METHODS; None for the default of the pair
    Raises NotPermittedError where the actor may not see the case, UsageError where there is none.
    """
    row = workspace.row(case, actor=actor)
    match = workspace.study_of(row)
    method = method or default_method(query, match)
    pair = _name(release, query, case, method)
    stored = workspace.maps.load(pair) if query.fingerprint else None
    if stored is not None:
        yield pair_maps(query, match, _raw_of(stored))
        return
    for maps in explain_by(method, release, query, match, progress=progress):
        if maps.final and query.fingerprint:
            patients = _known(row.patient_id, query.facts.get("patient_id"), query.patient_key)
            owners = [*map(patient, patients), *map(study, _known(case, query.facts.get("study_id")))]
            with workspace.database.exclusive():  # nobody withdraws in between
                if all(workspace.consent(one, actor=actor) for one in patients):
                    workspace.maps.save(pair, owners, _arrays_of(maps.raw))
        yield maps


def _known(*names: Any) -> list[str]:
    return [str(name) for name in dict.fromkeys(names) if name]


def _name(release: Release, query: Study, case: str, method: str) -> str:
    """Return what a map depends on, as one string."""
    made = RULES if method == GRADIENTS else [coalition_maps.FILM_STEPS, coalition_maps.DRAWN, players.FILM_CELLS]
    way = [METHOD, method, made, FILM_WORDS, TRACE_WORDS, sha256(AVERAGE_FILM.read_bytes()).hexdigest()]
    asked = [query.modality, query.fingerprint, query.window_s, query.facts.get("region")]
    return json.dumps([asked, case, release.digest, way])


def _arrays_of(raw: RawMaps) -> dict[str, np.ndarray]:
    out = {"similarity": np.array(raw.similarity)}
    for name in SIDES:
        one: RawMap | None = getattr(raw, name)
        if one is not None:
            out |= {f"{name}.values": one.values.astype(np.float32), f"{name}.numbers": np.array(one[1:7], np.float64)}
            if one.parts is not None:
                out |= {
                    f"{name}.{key}": np.asarray(value) for key, value in one.parts._asdict().items() if key != "values"
                }
                out[f"{name}.shares"] = one.parts.values
    return out


def _raw_of(arrays: dict[str, np.ndarray]) -> RawMaps:
    sides: dict[str, RawMap] = {}
    for name in SIDES:
        if f"{name}.values" in arrays:
            high, low, gap, spread, steps, seconds = arrays[f"{name}.numbers"].tolist()
            parts = _parts_of(arrays, name) if f"{name}.shares" in arrays else None
            sides[name] = RawMap(arrays[f"{name}.values"], high, low, gap, spread, int(steps), seconds, parts)
    return RawMaps(sides.get("query"), sides.get("match"), float(arrays["similarity"]), True)


def _parts_of(arrays: dict[str, np.ndarray], name: str) -> RawParts:
    method, names, labels, values, errors = (
        arrays[f"{name}.{key}"] for key in ("method", "names", "labels", "shares", "errors")
    )
    return RawParts(str(method), tuple((str(a), str(b)) for a, b in names), labels, values, errors)
